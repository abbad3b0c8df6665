"""The start page's choices: buttons that look like what they open."""

# ruff: noqa: N802  Qt names the methods that it calls.

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QImage, QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPixmap
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.icons import icon_pixmap, tinted_icon
from app.labels import ElidedLabel
from app.pixels import borrowed_image
from app.start.presenter import CameraRow, SessionCard
from app.theme import DARK, GAP, Colours, font
from app.translation import tr
from calib.cv import cv2
from engine.types import ImageArray

_ROUND = 6
_JOB_ICON, _ROW_ICON, _CROSS = 44, 24, 14


class Card(QPushButton):
    """A button with widgets in it, as large as they need; Enter and Space press it."""

    def __init__(self, name: str, tip: str = "") -> None:
        super().__init__()
        self.setProperty("card", True)
        self.setAccessibleName(name)
        self.setAccessibleDescription(tip)
        self.setToolTip(tip)
        self.setAutoDefault(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        layout = self.layout()
        return layout.sizeHint() if layout is not None else super().sizeHint()

    def minimumSizeHint(self) -> QSize:
        layout = self.layout()
        return layout.minimumSize() if layout is not None else super().minimumSizeHint()

    def hasHeightForWidth(self) -> bool:
        layout = self.layout()
        return layout is not None and layout.hasHeightForWidth()

    def heightForWidth(self, width: int) -> int:
        layout = self.layout()
        return layout.heightForWidth(width) if layout is not None else -1

    def set_colours(self, colours: Colours) -> None:
        """Draw in these from now on."""


def through(widget: QWidget) -> QWidget:
    """The mouse belongs to the card below it."""
    widget.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    return widget


def muted(text: str, step: int = 0, *, wrapped: bool = False) -> QLabel:
    """A line of lesser weight."""
    label = QLabel(text)
    label.setFont(font(step))
    label.setProperty("muted", True)
    label.setWordWrap(wrapped)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


class Icon(QLabel):
    """One of the program's own."""

    def __init__(self, name: str, side: int) -> None:
        super().__init__()
        self._name, self._side = name, side
        self.setFixedSize(side, side)

    def set_colour(self, colour: str) -> None:
        self.setPixmap(icon_pixmap(self._name, colour, self._side, self.devicePixelRatioF()))


class JobCard(Card):
    """One of the things the program is for: large."""

    def __init__(self, icon: str, title: str, about: str, key: str) -> None:
        super().__init__(title, about)
        self.icon_ = Icon(icon, _JOB_ICON)
        headline = QLabel(title)
        headline.setFont(font(2, strong=True))
        row = QHBoxLayout()
        row.addWidget(through(self.icon_))
        row.addStretch(1)
        cap = muted(key, -1)
        cap.setProperty("key", True)
        cap.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row.addWidget(through(cap), 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GAP, 2 * GAP, 2 * GAP, 2 * GAP)
        column.setSpacing(GAP // 2)
        column.addLayout(row)
        column.addSpacing(GAP // 2)
        column.addWidget(through(headline))
        column.addWidget(through(muted(about, wrapped=True)), 1, Qt.AlignmentFlag.AlignTop)

    def set_colours(self, colours: Colours) -> None:
        self.icon_.set_colour(colours.accent)


class RowCard(Card):
    """One line with an icon: a camera, or something to try."""

    def __init__(self, icon: str, title: str, about: str, tip: str = "") -> None:
        super().__init__(f"{title}, {about}", tip)
        self.icon_ = Icon(icon, _ROW_ICON)
        name = ElidedLabel(font(0, strong=True), least=8 * GAP)
        name.set_text(title)
        self.about = ElidedLabel(font(-1), least=8 * GAP)
        self.about.set_text(about)
        self.about.setProperty("muted", True)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(through(name))
        texts.addWidget(through(self.about))
        row = QHBoxLayout(self)
        row.setContentsMargins(GAP + GAP // 2, GAP, GAP + GAP // 2, GAP)
        row.setSpacing(GAP + GAP // 2)
        row.addWidget(through(self.icon_))
        row.addLayout(texts, 1)

    def set_colours(self, colours: Colours) -> None:
        self.icon_.set_colour(colours.muted)
        self._ink(colours.muted)

    def _ink(self, colour: str) -> None:
        palette = self.about.palette()
        palette.setColor(palette.ColorRole.WindowText, QColor(colour))
        self.about.setPalette(palette)


class CameraCard(RowCard):
    """A camera that is plugged in; one that is not calibrated stands out."""

    def __init__(self, row: CameraRow) -> None:
        super().__init__("camera", row.name, row.about)
        self.row = row

    def set_colours(self, colours: Colours) -> None:
        super().set_colours(colours)
        self._ink(colours.good if self.row.calibrated else colours.warning)


class Picture(QWidget):
    """A thumbnail that fills its place, or a sign that there is none yet."""

    def __init__(self) -> None:
        super().__init__()
        self._colours = DARK
        self._pixmap: QPixmap | None = None
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def sizeHint(self) -> QSize:
        return QSize(24 * GAP, self.heightForWidth(24 * GAP))

    def minimumSizeHint(self) -> QSize:
        return QSize(12 * GAP, self.heightForWidth(12 * GAP))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return round(width * 0.58)

    def show_image(self, image: ImageArray | None) -> None:
        """(H, W, 3) BGR."""
        if image is None:
            self._pixmap = None
        else:
            pixels = np.ascontiguousarray(cv2.cvtColor(image, cv2.COLOR_BGR2BGRA))
            borrowed = borrowed_image(pixels, (image.shape[1], image.shape[0]), QImage.Format.Format_RGB32)
            self._pixmap = QPixmap.fromImage(borrowed.copy())
        self.update()

    def set_colours(self, colours: Colours) -> None:
        self._colours = colours
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        place = QRectF(self.rect())
        shape = QPainterPath()
        shape.addRoundedRect(place, _ROUND, _ROUND)
        painter.setClipPath(shape)
        painter.fillRect(place, QColor(self._colours.stage))
        if self._pixmap is None:
            side = 4 * GAP
            sign = icon_pixmap("film", self._colours.border, side, self.devicePixelRatioF())
            painter.drawPixmap(round(place.center().x() - side / 2), round(place.center().y() - side / 2), sign)
        else:
            width, height = self._pixmap.width(), self._pixmap.height()
            scale = max(place.width() / width, place.height() / height)
            part = QRectF(0, 0, place.width() / scale, place.height() / scale)
            part.moveCenter(QRectF(0, 0, width, height).center())
            painter.drawPixmap(place, self._pixmap, part)
        painter.end()


class SessionCardButton(Card):
    """A session with its thumbnail, and a cross that takes it off the list, as the key Delete does."""

    removed = pyqtSignal()

    def __init__(self, card: SessionCard) -> None:
        tip = tr("{path}\nDelete takes it off this list; the file stays.", path=card.spec)
        super().__init__(f"{card.name}, {card.about}", tip)
        self.card = card
        self.picture = Picture()
        self.picture.show_image(card.picture)
        # Names of one recorder begin alike.
        name = ElidedLabel(font(0, strong=True), least=8 * GAP, mode=Qt.TextElideMode.ElideMiddle)
        name.set_text(card.name)
        self._about = ElidedLabel(font(-1), least=8 * GAP)
        self._about.set_text(card.about)
        self.cross = QToolButton()
        self.cross.setProperty("tab", True)
        self.cross.setProperty("cross", True)
        self.cross.setIconSize(QSize(_CROSS, _CROSS))
        self.cross.setFixedSize(_CROSS + GAP // 2, _CROSS + GAP // 2)
        self.cross.setToolTip(tr("Take it off this list (Delete); the file stays"))
        self.cross.setAccessibleName(tr("Take {name} off this list", name=card.name))
        self.cross.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Delete does it; Tab goes from card to card
        self.cross.clicked.connect(self.removed)
        below = QHBoxLayout()
        below.setSpacing(GAP // 2)
        below.addWidget(through(self._about), 1)
        below.addWidget(self.cross)
        column = QVBoxLayout(self)
        column.setContentsMargins(GAP, GAP, GAP, GAP // 2)
        column.setSpacing(0)
        column.addWidget(through(self.picture))
        column.addSpacing(GAP)
        column.addWidget(through(name))
        column.addLayout(below)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
        else:
            super().keyPressEvent(event)

    def set_colours(self, colours: Colours) -> None:
        self.picture.set_colours(colours)
        self.cross.setIcon(tinted_icon("cross", colours, _CROSS, self.devicePixelRatioF()))
        palette = self._about.palette()
        palette.setColor(palette.ColorRole.WindowText, QColor(colours.muted))
        self._about.setPalette(palette)
