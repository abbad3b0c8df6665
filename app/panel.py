"""The section View: what is drawn over the picture."""

from __future__ import annotations

from dataclasses import replace

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton, QWidget

from app.marks import mark_icon
from app.shown import JOINT_SIDES, PART_WORDS, SIDE_HEADINGS, SIDE_WORDS, Shown, Side, joint_word
from app.sidebar import Section, heading
from app.theme import GAP, Colours, font
from app.translation import noted, tr
from engine.skeleton import JOINTS


def joint_label(joint: int) -> str:
    """The joint's name without its side, which the group's heading says."""
    return tr(PART_WORDS[JOINTS[joint].rsplit("_", 1)[-1]])


class SidePanel(Section):
    """Check boxes for heatmaps, skeleton and each joint. `changed` carries the new Shown."""

    title, icon = noted("View"), "section-view"
    changed = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = Shown()
        self.heatmaps = self._check(tr("Heatmaps"), tr("Where the network sees joints (H)"))
        self.skeleton = self._check(tr("Skeleton"), tr("Joints and bones over the picture (S)"))
        self.heatmaps.toggled.connect(lambda on: self._emit(replace(self._shown, heatmaps=on)))
        self.skeleton.toggled.connect(lambda on: self._emit(replace(self._shown, skeleton=on)))
        self.mirrored = self._check(
            tr("As in a mirror"), tr("Picture and skeleton change sides, for the eye alone (X)")
        )
        self.mirrored.setChecked(False)
        self.mirrored.toggled.connect(lambda on: self._emit(replace(self._shown, mirrored=on)))
        self.joints = tuple(self._joint_check(joint) for joint in range(len(JOINTS)))
        self.body.setSpacing(2)
        self.body.addWidget(heading(tr("On the picture")))
        self.body.addWidget(self.heatmaps)
        self.body.addWidget(self.skeleton)
        self.body.addWidget(self.mirrored)
        for side in Side:
            self.body.addSpacing(GAP + GAP // 2)
            self.body.addWidget(self._side_heading(side))
            for joint, check in enumerate(self.joints):
                if JOINT_SIDES[joint] is side:
                    self.body.addWidget(check)
        self.body.addSpacing(GAP + GAP // 2)
        self.body.addWidget(heading(tr("In 3D")))
        self.lens = self._check(tr("Picture at the camera"), tr("The head camera carries what it sees"))
        self.lens.toggled.connect(lambda on: self._emit(replace(self._shown, lens=on)))
        self.body.addWidget(self.lens)
        self.trail = QComboBox()
        self.trail.setFont(font())
        self.trail.setAccessibleName(tr("Joint that leaves a trail"))
        self.trail.setToolTip(tr("The way of this joint over the last two seconds; a click on a joint chooses it too"))
        self.trail.addItem(tr("No trail"))
        for joint in range(len(JOINTS)):
            self.trail.addItem(tr("Trail: {joint}", joint=joint_word(joint)))
        self.trail.currentIndexChanged.connect(
            lambda row: self._emit(replace(self._shown, trail=row - 1 if row else None))
        )
        self.body.addWidget(self.trail)
        self.body.addStretch(1)

    def toggle_trail(self, joint: int) -> None:
        """Let this joint leave a trail, or none where it does already."""
        self.set_shown(replace(self._shown, trail=None if self._shown.trail == joint else joint))

    @property
    def shown(self) -> Shown:
        return self._shown

    def set_shown(self, shown: Shown) -> None:
        """Set every box without a signal for each, then tell once."""
        boxes = [
            (self.heatmaps, shown.heatmaps),
            (self.skeleton, shown.skeleton),
            (self.lens, shown.lens),
            (self.mirrored, shown.mirrored),
        ]
        boxes += [(check, joint in shown.joints) for joint, check in enumerate(self.joints)]
        for check, on in boxes:
            check.blockSignals(True)
            check.setChecked(on)
            check.blockSignals(False)
        self.trail.blockSignals(True)
        self.trail.setCurrentIndex(0 if shown.trail is None else shown.trail + 1)
        self.trail.blockSignals(False)
        self._emit(shown)

    def set_colours(self, colours: Colours) -> None:
        for joint, check in enumerate(self.joints):
            side = JOINT_SIDES[joint]
            check.setIcon(mark_icon(side, colours.side(side), self.devicePixelRatioF()))

    def _emit(self, shown: Shown) -> None:
        self._shown = shown
        self.changed.emit(shown)

    def _joint_check(self, joint: int) -> QCheckBox:
        check = self._check(joint_label(joint), tr("Show the {joint}", joint=joint_word(joint)))
        check.setAccessibleName(joint_word(joint))
        check.toggled.connect(lambda on: self._emit(self._shown.with_joints({joint}, on)))
        return check

    def _toggle_side(self, side: Side) -> None:
        joints = {joint for joint, of in enumerate(JOINT_SIDES) if of is side}
        self.set_shown(self._shown.with_joints(joints, not joints <= self._shown.joints))

    def _side_heading(self, side: Side) -> QWidget:
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(heading(tr(SIDE_HEADINGS[side])), 1)
        button = QPushButton(tr("All / none"))
        button.setProperty("quiet", True)
        button.setFont(font(-1))
        button.setAccessibleName(tr("All or no {side} joints", side=tr(SIDE_WORDS[side])))
        button.clicked.connect(lambda: self._toggle_side(side))
        layout.addWidget(button)
        return row

    @staticmethod
    def _check(text: str, tip: str) -> QCheckBox:
        check = QCheckBox(text)
        check.setFont(font())
        check.setChecked(True)
        check.setToolTip(tip)
        return check
