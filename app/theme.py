"""One design: palette, spacing and type, dark and light."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PyQt6.QtCore import QObject, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette

from app.shown import Side
from engine.assets import ASSETS

ICONS = ASSETS / "icons"
GAP = 8
"""The unit of spacing, in device-independent pixels; everything is a multiple or half of it."""


class ThemeChoice(StrEnum):
    """What the user asked for."""

    SYSTEM = "system"
    DARK = "dark"
    LIGHT = "light"


@dataclass(frozen=True, slots=True)
class Colours:
    """One palette, as #rrggbb. Every text colour has a contrast of at least 4.5 on every ground."""

    dark: bool
    ground: str
    """Behind everything."""
    surface: str
    """Panels and the strip."""
    raised: str
    """Buttons, and what the pointer is over."""
    stage: str
    """Behind picture and 3D view."""
    border: str
    text: str
    muted: str
    accent: str
    good: str
    warning: str
    error: str
    right: str
    left: str
    torso: str
    series: tuple[str, ...]
    """Of what is compared in a plot: none of them says left, right, good or bad."""

    def side(self, side: Side) -> str:
        """The colour of a side of the body on `stage`, after Okabe and Ito's colour-blind safe set."""
        return {Side.RIGHT: self.right, Side.LEFT: self.left, Side.TORSO: self.torso}[side]

    @property
    def grounds(self) -> tuple[str, ...]:
        return self.ground, self.surface, self.raised, self.stage

    @property
    def inks(self) -> tuple[str, ...]:
        return (self.text, self.muted, self.accent, self.good, self.warning, self.error,
                self.right, self.left, self.torso)  # fmt: skip


DARK = Colours(
    dark=True,
    ground="#14171c",
    surface="#1b1f26",
    raised="#272d37",
    stage="#101317",
    border="#363e4a",
    text="#eceff4",
    muted="#a4adbb",
    accent="#5cc8b5",
    good="#7ed492",
    warning="#f0c457",
    error="#ff9388",
    right="#f4a03a",
    left="#5bb4ee",
    torso="#ccd3dd",
    series=("#5cc8b5", "#a394f2", "#e08bb0", "#b9b95a", "#8fa7c4", "#c9a27a"),
)
LIGHT = Colours(
    dark=False,
    ground="#f3f4f6",
    surface="#ffffff",
    raised="#e8ebf0",
    stage="#f8f9fb",
    border="#ccd2db",
    text="#1b2028",
    muted="#545d6b",
    accent="#0a6e60",
    good="#176a35",
    warning="#7a5200",
    error="#ad241b",
    right="#a65000",
    left="#0067a8",
    torso="#4c5563",
    series=("#0a6e60", "#5b48b0", "#a03768", "#66660f", "#4a6482", "#7d5a35"),
)


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb in 0..1 (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(one: str, other: str, share: float) -> QColor:
    """`one` with a share (0..1) of `other` in it."""
    a, b = QColor(one), QColor(other)
    return QColor.fromRgbF(*(x + (y - x) * share for x, y in zip(a.getRgbF()[:3], b.getRgbF()[:3], strict=True)))


LEAST_PT = 8.0
"""No text is smaller."""


def font(step: int = 0, *, strong: bool = False) -> QFont:
    """The system's font on the type scale: step -1 captions, 0 text, 2 headlines. Figures all have one width."""
    result = QFont(QGuiApplication.font())
    base = max(result.pointSizeF(), 9.0)
    result.setPointSizeF(max(base * 1.2**step, LEAST_PT))
    result.setWeight(QFont.Weight.DemiBold if strong else QFont.Weight.Normal)
    result.setFeature(QFont.Tag("tnum"), 1)
    return result


def missing_fonts() -> str | None:
    """A line for the user where the machine has no font at all, which Qt then draws as boxes."""
    if QFontDatabase.families():
        return None
    return "No fonts on this machine, so text shows as boxes: install one (Debian: apt install fonts-dejavu-core)"


def qt_palette(colours: Colours) -> QPalette:
    """For the widgets that Qt draws itself."""
    palette = QPalette()
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    for name, colour in (
        (role.Window, colours.surface), (role.WindowText, colours.text), (role.Base, colours.ground),
        (role.AlternateBase, colours.surface), (role.Text, colours.text), (role.Button, colours.raised),
        (role.ButtonText, colours.text), (role.BrightText, colours.error), (role.ToolTipBase, colours.raised),
        (role.ToolTipText, colours.text), (role.PlaceholderText, colours.muted), (role.Link, colours.accent),
        (role.Highlight, colours.accent), (role.HighlightedText, colours.stage), (role.Accent, colours.accent),
        (role.Light, colours.raised), (role.Midlight, colours.raised), (role.Mid, colours.border),
        (role.Dark, colours.border), (role.Shadow, colours.ground),
    ):  # fmt: skip
        palette.setColor(name, QColor(colour))
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(group.Disabled, name, QColor(colours.muted))
    return palette


def style_sheet(colours: Colours) -> str:
    """For what a QPalette cannot say."""
    c = colours
    # Forward slashes on every system: that is what a style sheet's url has.
    tone = "dark" if c.dark else "light"
    check, chevron = ((ICONS / f"{name}-{tone}.svg").as_posix() for name in ("check", "chevron"))
    return f"""
        QMainWindow, QSplitter {{ background: {c.ground}; }}
        QToolTip {{ background: {c.raised}; color: {c.text}; border: 1px solid {c.border}; padding: {GAP // 2}px; }}
        QMenuBar {{ background: {c.surface}; color: {c.text}; padding: 2px {GAP // 2}px;
            border-bottom: 1px solid {c.border}; }}
        QMenuBar::item {{ padding: {GAP // 2}px {GAP}px; border-radius: 4px; background: transparent; }}
        QMenuBar::item:selected {{ background: {c.raised}; }}
        QMenu {{ background: {c.surface}; color: {c.text}; border: 1px solid {c.border}; padding: {GAP // 2}px; }}
        QMenu::item {{ padding: 5px {GAP * 3}px; border-radius: 4px; }}
        QMenu::item:selected {{ background: {c.raised}; color: {c.text}; }}
        QMenu::item:disabled {{ color: {c.muted}; }}
        QMenu::separator {{ height: 1px; background: {c.border}; margin: {GAP // 2}px {GAP}px; }}
        QSplitter::handle {{ background: {c.border}; }}
        QSplitter::handle:hover {{ background: {c.accent}; }}
        QPushButton {{ background: {c.raised}; color: {c.text}; border: 1px solid {c.border}; border-radius: 6px;
            padding: 6px {GAP * 2}px; }}
        QPushButton:hover {{ border-color: {c.accent}; }}
        QPushButton:focus {{ border: 1px solid {c.accent}; }}
        QPushButton:pressed {{ background: {c.border}; }}
        QPushButton[primary="true"] {{ background: {c.accent}; color: {c.stage}; border-color: {c.accent}; }}
        QPushButton[primary="true"]:hover, QPushButton[primary="true"]:focus {{ border-color: {c.text}; }}
        QPushButton[quiet="true"] {{ background: transparent; border-color: transparent; color: {c.muted};
            padding: 2px {GAP // 2}px; }}
        QPushButton[quiet="true"]:hover, QPushButton[quiet="true"]:focus {{ color: {c.text};
            border-color: {c.border}; }}
        QPushButton[small="true"] {{ padding: 2px {GAP + GAP // 2}px; border-radius: 5px; }}
        QPushButton:disabled {{ color: {c.muted}; border-color: {c.border}; }}
        QPushButton[quiet="true"]:disabled {{ border-color: transparent; }}
        QLabel[alarming="true"] {{ color: {c.error}; }}
        QLabel[tone="muted"] {{ color: {c.muted}; }}
        QLabel[tone="good"] {{ color: {c.good}; }}
        QLabel[tone="warning"] {{ color: {c.warning}; }}
        QLabel[tone="error"] {{ color: {c.error}; }}
        QLabel[muted="true"] {{ color: {c.muted}; }}
        QLabel[key="true"] {{ border: 1px solid {c.border}; border-radius: 4px; padding: 1px {GAP // 2 + 2}px; }}
        QPushButton[card="true"] {{ background: {c.surface}; border: 1px solid {c.border}; border-radius: {GAP}px;
            padding: 0; text-align: left; outline: none; }}
        QPushButton[card="true"]:hover {{ background: {c.raised}; border-color: {c.border}; }}
        QPushButton[card="true"]:focus {{ border: 2px solid {c.accent}; }}
        QPushButton[card="true"]:pressed {{ background: {c.border}; }}
        QToolButton[tab="true"] {{ background: transparent; color: {c.muted}; border: 1px solid transparent;
            border-radius: 6px; padding: {GAP // 2}px 2px; }}
        QToolButton[corner="true"] {{ padding: 0 {GAP // 2}px; }}
        QToolButton[cross="true"] {{ padding: 0; }}
        QToolButton[tab="true"]:hover {{ background: {c.raised}; color: {c.text}; }}
        QToolButton[tab="true"]:focus {{ border-color: {c.accent}; }}
        QToolButton[tab="true"]:checked {{ background: {c.raised}; color: {c.text}; }}
        QCheckBox {{ color: {c.text}; spacing: {GAP}px; padding: 2px; border-radius: 4px; }}
        QCheckBox:focus {{ background: {c.raised}; }}
        QCheckBox::indicator {{ width: 15px; height: 15px; border: 1px solid {c.muted}; border-radius: 4px;
            background: {c.ground}; }}
        QCheckBox::indicator:hover {{ border-color: {c.accent}; }}
        QCheckBox::indicator:checked {{ background: {c.accent}; border-color: {c.accent}; image: url("{check}"); }}
        QCheckBox:disabled {{ color: {c.muted}; }}
        QCheckBox::indicator:disabled {{ background: {c.border}; border-color: {c.border}; }}
        QPushButton[primary="true"]:disabled {{ background: transparent; color: {c.muted};
            border-color: {c.border}; }}
        QLineEdit {{ placeholder-text-color: {c.muted}; }}
        QLineEdit {{ background: {c.ground}; color: {c.text}; border: 1px solid {c.border}; border-radius: 6px; }}
        QLineEdit:focus {{ border-color: {c.accent}; }}
        QComboBox, QSpinBox, QDoubleSpinBox {{ background: {c.ground}; color: {c.text}; border: 1px solid {c.border};
            border-radius: 6px; padding: 5px {GAP}px; min-height: 18px; selection-background-color: {c.accent};
            selection-color: {c.stage}; }}
        QLineEdit, QSpinBox, QDoubleSpinBox {{ padding: 0 {GAP}px; min-height: 28px; max-height: 28px; }}
        QComboBox:hover, QSpinBox:hover, QDoubleSpinBox:hover,
        QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus {{ border-color: {c.accent}; }}
        QComboBox::drop-down {{ border: none; width: {3 * GAP}px; }}
        QComboBox::down-arrow {{ image: url("{chevron}"); width: 12px; height: 12px; }}
        QComboBox QAbstractItemView {{ background: {c.surface}; color: {c.text}; border: 1px solid {c.border};
            selection-background-color: {c.raised}; selection-color: {c.text}; }}
        QSlider {{ min-height: 22px; }}
        QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {c.border}; }}
        QSlider::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {c.accent}; }}
        QSlider::handle:horizontal {{ width: 14px; margin: -6px 0; border-radius: 8px; background: {c.text};
            border: 1px solid {c.border}; }}
        QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{ background: {c.accent};
            border-color: {c.text}; }}
        QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled {{ background: {c.muted}; }}
        QPushButton:checked {{ border-color: {c.accent}; color: {c.accent}; }}
        QComboBox:disabled {{ color: {c.muted}; }}
        QListWidget {{ background: {c.ground}; border: 1px solid {c.border}; border-radius: 6px; }}
        QListWidget::item {{ color: {c.text}; border: 1px solid transparent; border-radius: 6px;
            padding: {GAP // 2}px; }}
        QListWidget::item:hover {{ background: {c.surface}; }}
        QListWidget::item:selected {{ background: {c.raised}; color: {c.text}; border-color: {c.accent}; }}
        QPlainTextEdit, QTextBrowser {{ background: {c.ground}; color: {c.text}; border: 1px solid {c.border};
            border-radius: 6px; padding: {GAP}px; }}
        QProgressBar {{ background: {c.raised}; border: none; border-radius: 2px; }}
        QProgressBar::chunk {{ background: {c.accent}; border-radius: 2px; }}
        QScrollBar {{ background: transparent; border: none; margin: 0; }}
        QScrollBar:vertical {{ width: 10px; }}
        QScrollBar:horizontal {{ height: 10px; }}
        QScrollBar::handle {{ background: {c.border}; border-radius: 3px; margin: 2px; }}
        QScrollBar::handle:vertical {{ min-height: {4 * GAP}px; }}
        QScrollBar::handle:horizontal {{ min-width: {4 * GAP}px; }}
        QScrollBar::handle:hover, QScrollBar::handle:pressed {{ background: {c.muted}; }}
        QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
        QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
        QScrollArea, QScrollArea > QWidget > QWidget {{ background: {c.surface}; border: none; }}
        QLabel[place="true"] {{ border: 1px dashed {c.muted}; border-radius: {GAP}px; padding: {3 * GAP}px;
            color: {c.muted}; }}
        QScrollArea[ground="true"], QScrollArea > QWidget > QWidget[ground="true"] {{ background: {c.ground}; }}
        QFrame[panel="true"] {{ background: {c.surface}; border: none; }}
        QFrame[banner="error"] {{ background: {mixed(c.surface, c.error, 0.14).name()}; border: none;
            border-left: 4px solid {c.error}; }}
        QFrame[banner="warning"] {{ background: {mixed(c.surface, c.warning, 0.14).name()}; border: none;
            border-left: 4px solid {c.warning}; }}
        QFrame[banner="info"] {{ background: {mixed(c.surface, c.accent, 0.14).name()}; border: none;
            border-left: 4px solid {c.accent}; }}
    """


class Theme(QObject):
    """The palette in use: the system's, or the one that was asked for."""

    changed = pyqtSignal()

    def __init__(self, choice: ThemeChoice = ThemeChoice.SYSTEM, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._choice = choice
        hints = QGuiApplication.styleHints()
        assert hints is not None  # only without a QGuiApplication
        self._hints = hints
        hints.colorSchemeChanged.connect(self._system_changed)

    @property
    def choice(self) -> ThemeChoice:
        return self._choice

    @property
    def colours(self) -> Colours:
        if self._choice is ThemeChoice.SYSTEM:
            return LIGHT if self._hints.colorScheme() is Qt.ColorScheme.Light else DARK
        return DARK if self._choice is ThemeChoice.DARK else LIGHT

    def choose(self, choice: ThemeChoice) -> None:
        """Follow the system, or stay with one."""
        self._choice = choice
        self.changed.emit()

    def _system_changed(self) -> None:
        if self._choice is ThemeChoice.SYSTEM:
            self.changed.emit()
