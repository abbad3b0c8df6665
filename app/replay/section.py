"""The section Replay: whose poses are shown, the errors, and what is written from the range."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.panel import joint_label
from app.presenter import one_line
from app.replay.export import KINDS, Export, check
from app.replay.voices import RECORDED, voice_name
from app.shown import JOINT_SIDES, Side
from app.sidebar import Section, heading
from app.theme import GAP, Colours, font
from app.translation import noted, tr
from engine.assets import WEIGHTS
from engine.errors import EgoposeError
from engine.skeleton import JOINT_COUNT
from engine.types import Snapshot

if TYPE_CHECKING:
    from app.replay.feed import ReplayFeed
    from app.replay.presenter import ReplayPresenter

_FILE = "file"
_SIDES = {Side.RIGHT: noted("right"), Side.LEFT: noted("left"), Side.TORSO: ""}


class ReplaySection(Section):
    """Follows the replay that is handed to `follow`."""

    title = noted("Replay")
    icon = "section-replay"

    def __init__(self) -> None:
        super().__init__()
        self._replay: ReplayPresenter | None = None
        self.task: Export | None = None
        self.voice, self.second = self._combo(tr("Poses by")), self._combo(tr("Compare with"))
        self.voice.activated.connect(lambda _: self._choose(self.voice))
        self.second.activated.connect(lambda _: self._choose(self.second))
        self.beside = QCheckBox(tr("In a picture of its own"))
        self.beside.setFont(font())
        self.beside.setChecked(True)
        self.trouble = self._line("alarming")
        self.empty = self._line("muted")
        self.empty.setText(tr("Open a session, a video or a folder of pictures to replay it."))
        self.analyse = QPushButton(tr("Find all poses"))
        self.analyse.setToolTip(tr("Looks at every frame in the background (Ctrl+E)"))
        self.analyse.clicked.connect(self._analyse)
        self.progress = self._bar()
        self.mean = self._line("muted")
        self.kind = self._combo(tr("What is written"))
        for kind, words in KINDS.items():
            self.kind.addItem(tr(words), kind)
        self.export = QPushButton(tr("Export…"))
        self.export.clicked.connect(self._export)
        self.export_bar = self._bar()
        self.told = self._line("muted")
        self._arrange()
        self.follow(None)

    def _arrange(self) -> None:
        self.body.addWidget(self.empty)
        for words, parts in (
            (tr("Poses by"), (self.voice,)),
            (tr("Compare with"), (self.second, self.beside, self.trouble)),
        ):
            self.body.addWidget(heading(words))
            for part in parts:
                self.body.addWidget(part)
            self.body.addSpacing(GAP)
        self.table = QWidget()
        self.table.setLayout(self._table())
        self.body.addWidget(self.table)
        self.body.addWidget(self.mean)
        self.body.addWidget(self.analyse)
        self.body.addWidget(self.progress)
        self.body.addSpacing(GAP)
        self.body.addWidget(heading(tr("Export the range")))
        row = QHBoxLayout()
        row.addWidget(self.kind, 1)
        row.addWidget(self.export)
        column = QVBoxLayout()
        column.addLayout(row)
        self.body.addLayout(column)
        self.body.addWidget(self.export_bar)
        self.body.addWidget(self.told)
        self.body.addStretch(1)

    def _table(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.setHorizontalSpacing(2 * GAP)
        grid.addWidget(heading(tr("Error, mm")), 0, 0)
        for column, words in enumerate((tr("this frame"), tr("mean")), 1):
            title = QLabel(words)
            title.setFont(font(-1))
            title.setProperty("muted", True)
            grid.addWidget(title, 0, column, Qt.AlignmentFlag.AlignRight)
        self.names: list[QLabel] = []
        self.errors: list[tuple[QLabel, QLabel]] = []
        for joint in range(JOINT_COUNT):
            side = tr(_SIDES[JOINT_SIDES[joint]]) if _SIDES[JOINT_SIDES[joint]] else ""
            name = QLabel(f"{tr(joint_label(joint))} {side}".strip())
            cells = QLabel(), QLabel()
            for column, label in enumerate((name, *cells)):
                label.setFont(font(-1))
                grid.addWidget(label, joint + 1, column)
                if column:
                    label.setAlignment(Qt.AlignmentFlag.AlignRight)
            self.names.append(name)
            self.errors.append(cells)
        grid.setColumnStretch(0, 1)
        return grid

    def _combo(self, name: str) -> QComboBox:
        combo = QComboBox()
        combo.setFont(font())
        combo.setAccessibleName(name)
        combo.setMinimumContentsLength(8)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        return combo

    def _line(self, tone: str) -> QLabel:
        label = QLabel()
        label.setFont(font(-1))
        label.setWordWrap(True)
        label.setProperty(tone, True)
        return label

    def _bar(self) -> QProgressBar:
        bar = QProgressBar()
        bar.setRange(0, 1000)
        bar.setTextVisible(False)
        bar.setFixedHeight(GAP // 2)
        bar.hide()
        return bar

    def follow(self, replay: ReplayPresenter | None) -> None:
        """Another recording, or none."""
        self.close_task()
        self._replay = replay
        self.told.setText("")
        for part in (self.voice, self.second, self.beside, self.analyse, self.kind, self.export):
            part.setEnabled(replay is not None)
        self.empty.setVisible(replay is None)
        if replay is not None:
            self._offer(replay.feed)
        self.look(None)

    def _offer(self, feed: ReplayFeed) -> None:
        voices = dict.fromkeys([feed.settings.network, *sorted(path.stem for path in WEIGHTS.glob("*.safetensors"))])
        for combo, chosen in ((self.voice, feed.voice), (self.second, feed.second)):
            combo.clear()
            if combo is self.second:
                combo.addItem(tr("Nothing"), None)
            for voice in voices:
                combo.addItem(tr("Network {name}", name=Path(voice).stem), voice)
            if feed.reel.pose_count:
                combo.addItem(tr("As recorded"), RECORDED)
            if chosen not in (None, RECORDED, *voices):
                combo.addItem(tr("Network {name}", name=Path(str(chosen)).stem), chosen)
            combo.addItem(tr("A weights file…"), _FILE)
            combo.setCurrentIndex(max(combo.findData(chosen), 0))

    def _choose(self, combo: QComboBox) -> None:
        if self._replay is None:
            return
        feed, chosen = self._replay.feed, combo.currentData()
        if chosen == _FILE:
            dialog = QFileDialog(self, tr("A network's weights"), "", f"{tr('Weights')} (*.safetensors)")
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.fileSelected.connect(lambda name: self.set_voice(name, second=combo is self.second))
            dialog.finished.connect(lambda _: self._offer(feed))
            dialog.open()
        else:
            self.set_voice(chosen, second=combo is self.second)

    def set_voice(self, voice: str | None, *, second: bool) -> None:
        """Show the poses of a voice, or compare with it; None compares with nothing."""
        if self._replay is None:
            return
        feed = self._replay.feed
        if second:
            feed.choose(feed.voice, voice)
        elif voice is not None:
            feed.choose(voice, feed.second)
        self._offer(feed)

    def _analyse(self) -> None:
        if self._replay is not None:
            self._replay.analyse()

    def _export(self) -> None:
        if self.task is not None and self.task.running:
            self.task.cancel()
            return
        if self._replay is None:
            return
        kind: str = self.kind.currentData()
        try:
            check(self._replay.feed)
        except EgoposeError as error:
            self._say(one_line(error), failed=True)
            return
        images = kind == "images"
        filters = "" if images else f"{self.kind.currentText()} (*.{kind})"
        dialog = QFileDialog(self, tr("Export the range"), "", filters)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptOpen if images else QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.Directory if images else QFileDialog.FileMode.AnyFile)
        dialog.setDefaultSuffix("" if images else kind)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.begin(kind, Path(name)))
        dialog.open()

    def begin(self, kind: str, out: Path) -> None:
        """Write what lies between in and out, all where neither is set."""
        if self._replay is None:
            return
        self.close_task()
        first, last = self._replay.marked or (0, len(self._replay.feed.reel) - 1)
        self._say("", failed=False)
        self.task = Export(self._replay.feed, kind, out, range(first, last + 1))
        self.look(None)

    def _say(self, words: str, *, failed: bool) -> None:
        self.told.setProperty("alarming", failed)
        self.told.setProperty("muted", not failed)
        style = self.told.style()
        if style is not None:
            style.unpolish(self.told)
            style.polish(self.told)
        self.told.setText(words)

    def close_task(self) -> None:
        """Cancel what is being written, and wait for it."""
        if self.task is not None:
            self.task.cancel()
            self.task.join()
            self.task = None

    def look(self, snapshot: Snapshot | None) -> None:
        task, replay = self.task, self._replay
        running = task is not None and task.running
        self.export.setText(tr("Cancel") if running else tr("Export…"))
        self.export_bar.setVisible(running)
        if task is not None:
            self.export_bar.setValue(round(1000 * task.share))
            if not running:
                self._say(task.said, failed=task.failed)
                self.task = None
        feed = replay.feed if replay is not None else None
        analysed = feed.analysed if feed is not None else None
        self._offer_analysis(feed)
        self.progress.setVisible(analysed is not None)
        self.progress.setValue(round(1000 * (analysed or 0.0)))
        trouble = feed.trouble if feed is not None else None
        self.trouble.setVisible(trouble is not None)
        self.trouble.setText(one_line(trouble) if trouble is not None else "")
        self._look_at_errors(feed)

    def _offer_analysis(self, feed: ReplayFeed | None) -> None:
        tracks = (feed.track, feed.second_track) if feed is not None else ()
        done = feed is not None and all(track is None or bool(track.known.all()) for track in tracks)
        running = feed is not None and feed.analysed is not None
        words = tr("Stop") if running else tr("All poses are found") if done else tr("Find all poses")
        self.analyse.setText(words)
        self.analyse.setEnabled(feed is not None and (running or not done))

    def _look_at_errors(self, feed: ReplayFeed | None) -> None:
        if feed is None or not feed.reel.has_truth:
            now = mean = np.full(JOINT_COUNT, np.nan)
            words = "" if feed is None else tr("This recording holds no truth.")
        else:
            track = feed.track
            now = track.errors_mm[feed.position]
            seen = np.isfinite(track.errors_mm)
            mean = np.where(seen.any(0), np.where(seen, track.errors_mm, 0).sum(0) / np.maximum(seen.sum(0), 1), np.nan)
            words = tr("MPJPE {mm} mm over {n} of {all} frames", mm=_number(float(np.nanmean(mean)) if seen.any()
                       else np.nan), n=int(seen.any(1).sum()), all=len(track))  # fmt: skip
            second = feed.second_track
            if second is not None and np.isfinite(second.errors_mm).any():
                error = _number(float(np.nanmean(second.mpjpe_mm)))
                words += "\n" + tr("{name}: {mm} mm", name=voice_name(feed.second), mm=error)
        for (shown, averaged), one, other in zip(self.errors, now, mean, strict=True):
            shown.setText(_number(float(one)))
            averaged.setText(_number(float(other)))
        self.mean.setText(words)
        self.table.setVisible(feed is None or feed.reel.has_truth)
        self.beside.setEnabled(feed is not None and feed.second is not None)

    def set_colours(self, colours: Colours) -> None:
        for joint, name in enumerate(self.names):
            name.setStyleSheet(f"color: {colours.side(JOINT_SIDES[joint])}")


def _number(value: float) -> str:
    return f"{value:.0f}" if np.isfinite(value) else "–"  # noqa: RUF001
