"""The first page of the calibration: which camera, which board, or going on with views from before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.calibration.chart import BoardPicture
from app.calibration.store import Kept, used_count
from app.theme import GAP, font
from app.translation import tr
from app.wording import sentence
from calib.errors import CalibrationError
from calib.targets.board import FAMILIES, Board, BoardKind

_KINDS = {
    BoardKind.CHESSBOARD: ("Chessboard", "Inner corners", "Square", ""),
    BoardKind.CHARUCO: ("ChArUco", "Squares", "Square", "Marker"),
    BoardKind.APRILGRID: ("AprilGrid", "Tags", "Tag", "Gap"),
    BoardKind.CIRCLES: ("Circles, asymmetric", "Circles a row, rows", "Row distance", ""),
}
"""Name, what is counted, what is measured, and the second length."""
_DEFAULT_SECOND = {BoardKind.CHARUCO: 0.75, BoardKind.APRILGRID: 0.3}
"""Parts of the first length."""
_WIDEST = 160 * GAP
"""In a larger window the choices stay together."""
_FILMS = "Videos and sessions (*.mcap *.mp4 *.avi *.mov *.mkv *.webm *.m4v);;All files (*)"


class Setup(QFrame):
    """`begin` carries (spec, Board), `go_on` a Kept, `printing` a Board."""

    begin = pyqtSignal(str, object)
    go_on = pyqtSignal(object)
    printing = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("panel", True)
        self._board: Board | None = None
        self._kept: tuple[Kept, ...] = ()
        self.source = QComboBox()
        self.source.setAccessibleName(tr("Camera, folder or video"))
        self.source.setMinimumWidth(24 * GAP)
        self.source.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.kind = QComboBox()
        self.kind.setAccessibleName(tr("Kind of board"))
        for kind, words in _KINDS.items():
            self.kind.addItem(words[0], kind)
        self.columns, self.rows = self._count(9, "Columns"), self._count(6, "Rows")
        self.pitch, self.second = self._length(25.0, "First length"), self._length(18.75, "Second length")
        self.family = QComboBox()
        self.family.setAccessibleName(tr("Family of the tags"))
        self.family.addItems(list(FAMILIES))
        self._counted, self._measured, self._further, self._tags = QLabel(), QLabel(), QLabel(), QLabel(tr("Family"))
        self.problem = QLabel()
        self.problem.setProperty("tone", "warning")
        self.problem.setWordWrap(True)
        self.picture = BoardPicture()
        self.print_button = self._button(tr("Print this board…"), lambda: self.printing.emit(self._board))
        self.start = self._button(tr("Start"), self._start)
        self.start.setProperty("primary", True)
        self.start.setDefault(True)
        self.kept = QComboBox()
        self.kept.setAccessibleName(tr("Views from before"))
        self.go_on_button = self._button(tr("Go on"), self._go_on)
        self._kept_row = QWidget()
        self._lay_out()
        self.kind.currentIndexChanged.connect(self._kind_changed)
        for box in (self.columns, self.rows, self.pitch, self.second):
            box.valueChanged.connect(self._look)
        self.family.currentIndexChanged.connect(self._look)
        self._kind_changed()

    @property
    def board(self) -> Board | None:
        """What the fields say; None where there is no such board."""
        return self._board

    def set_board(self, board: Board) -> None:
        """Fill the fields."""
        self.kind.setCurrentIndex(list(_KINDS).index(board.kind))
        self.columns.setValue(board.columns)
        self.rows.setValue(board.rows)
        self.pitch.setValue(1e3 * board.pitch)
        if board.second:
            self.second.setValue(1e3 * board.second)
        self.family.setCurrentText(board.family)

    def show_choices(self, cameras: Sequence[tuple[str, str]], kept: Sequence[Kept]) -> None:
        """(spec, label) of the cameras that are there, and what can be gone on with."""
        self.source.clear()
        for spec, label in cameras:
            self.source.addItem(label, spec)
        self._kept = tuple(kept)
        self.kept.clear()
        for one in self._kept:
            views = used_count(one.taken)
            when = one.when.strftime("%d %b %H:%M")
            self.kept.addItem(
                tr(
                    "{name}, {n} view, {when}, {board}",
                    "{name}, {n} views, {when}, {board}",
                    n=views,
                    name=one.origin.name,
                    when=when,
                    board=one.origin.board,
                )
            )
        self._kept_row.setVisible(bool(self._kept))
        self.source.setFocus()

    def choose_source(self, spec: str) -> None:
        """Add a folder or a file to the choices, and choose it."""
        self.source.insertItem(0, spec, spec)
        self.source.setCurrentIndex(0)

    def _lay_out(self) -> None:
        places = QHBoxLayout()
        places.setSpacing(GAP)
        places.addWidget(self.source, 1)
        places.addWidget(self._button(tr("Folder…"), self._choose_folder))
        places.addWidget(self._button(tr("Video…"), self._choose_film))
        counts = QHBoxLayout()
        counts.setSpacing(GAP)
        counts.addWidget(self.columns)
        counts.addWidget(QLabel(tr("by")))
        counts.addWidget(self.rows)
        counts.addStretch(1)
        form = QFormLayout()
        form.setHorizontalSpacing(2 * GAP)
        form.setVerticalSpacing(GAP + GAP // 2)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for box in (self.columns, self.rows):
            box.setFixedWidth(9 * GAP)
        for length in (self.pitch, self.second):
            length.setFixedWidth(16 * GAP)
        # Typed, or changed with the arrow keys and the wheel.
        for field in (self.columns, self.rows, self.pitch, self.second):
            field.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        source, board = QLabel(tr("Pictures from")), QLabel(tr("Board"))
        for label in (source, board, self._counted, self._measured, self._further, self._tags):
            label.setProperty("field", True)
        form.addRow(source, places)
        form.addRow(board, self.kind)
        form.addRow(self._counted, counts)
        form.addRow(self._measured, self.pitch)
        form.addRow(self._further, self.second)
        form.addRow(self._tags, self.family)
        self._place(form)

    def _place(self, form: QFormLayout) -> None:
        title = QLabel(tr("Calibrate a camera"))
        title.setFont(font(3, strong=True))
        hint = QLabel(
            tr(
                "Print a board, glue it onto something flat and stiff, and measure a square. "
                "Then hold it before the camera; views are taken by themselves whenever it is still."
            )
        )
        hint.setWordWrap(True)
        hint.setProperty("muted", True)
        kept = QHBoxLayout(self._kept_row)
        kept.setContentsMargins(0, 0, 0, 0)
        kept.addWidget(QLabel(tr("Views from before")))
        kept.addWidget(self.kept, 1)
        kept.addWidget(self.go_on_button)
        left = QVBoxLayout()
        left.setSpacing(2 * GAP)
        left.addWidget(title)
        left.addWidget(hint)
        left.addSpacing(GAP)
        left.addLayout(form)
        left.addWidget(self.problem)
        left.addWidget(self.start, 0, Qt.AlignmentFlag.AlignLeft)
        left.addStretch(1)
        left.addWidget(self._kept_row)
        right = QVBoxLayout()
        right.setSpacing(2 * GAP)
        right.addWidget(self.print_button, 0, Qt.AlignmentFlag.AlignRight)
        right.addWidget(self.picture, 1)
        inner = QWidget()
        inner.setMaximumWidth(_WIDEST)
        row = QHBoxLayout(inner)
        row.setContentsMargins(6 * GAP, 6 * GAP, 6 * GAP, 6 * GAP)
        row.setSpacing(6 * GAP)
        row.addLayout(left, 3)
        row.addLayout(right, 2)
        centred = QHBoxLayout(self)
        centred.setContentsMargins(0, 0, 0, 0)
        centred.addStretch(1)
        centred.addWidget(inner, 1000)
        centred.addStretch(1)

    def _kind_changed(self) -> None:
        kind = BoardKind(self.kind.currentData())
        _, counted, measured, further = _KINDS[kind]
        self._counted.setText(counted)
        self._measured.setText(measured)
        self._further.setText(further)
        self._further.setVisible(bool(further))
        self.second.setVisible(bool(further))
        self._tags.setVisible(kind is BoardKind.APRILGRID)
        self.family.setVisible(kind is BoardKind.APRILGRID)
        if further:
            self.second.setValue(_DEFAULT_SECOND[kind] * self.pitch.value())
        self._look()

    def _look(self) -> None:
        kind = BoardKind(self.kind.currentData())
        second = 1e-3 * self.second.value() if _KINDS[kind][3] else 0.0
        try:
            board = Board(kind, self.columns.value(), self.rows.value(), 1e-3 * self.pitch.value(), second)
            tagged = kind is BoardKind.APRILGRID
            self._board = replace(board, family=self.family.currentText()) if tagged else board
            self.picture.show_board(self._board)
            self.problem.setText("")
        except CalibrationError as error:
            self._board = None
            self.picture.show_board(None)
            self.problem.setText(sentence(str(error)))
        self.start.setEnabled(self._board is not None)
        self.print_button.setEnabled(self._board is not None)

    def _start(self) -> None:
        if self._board is not None and self.source.currentIndex() >= 0:
            self.begin.emit(str(self.source.currentData()), self._board)

    def _go_on(self) -> None:
        if 0 <= self.kept.currentIndex() < len(self._kept):
            self.go_on.emit(self._kept[self.kept.currentIndex()])

    def _choose_folder(self) -> None:
        dialog = QFileDialog(self, tr("A folder of pictures of the board"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        self._choose(dialog)

    def _choose_film(self) -> None:
        dialog = QFileDialog(self, tr("A video or a session of the board"), "", _FILMS)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        self._choose(dialog)

    def _choose(self, dialog: QFileDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.choose_source)
        dialog.open()

    @staticmethod
    def _button(text: str, call: object) -> QPushButton:
        button = QPushButton(text)
        button.clicked.connect(lambda _checked=False: call())  # type: ignore[operator]
        return button

    @staticmethod
    def _count(value: int, name: str) -> QSpinBox:
        box = QSpinBox()
        box.setRange(2, 64)
        box.setValue(value)
        box.setAccessibleName(name)
        return box

    @staticmethod
    def _length(value: float, name: str) -> QDoubleSpinBox:
        box = QDoubleSpinBox()
        box.setRange(0.1, 9999.0)
        box.setDecimals(2)
        box.setSuffix(tr(" mm"))
        box.setValue(value)
        box.setAccessibleName(name)
        return box
