"""One design: contrast, and following the system."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontDatabase, QGuiApplication
from PyQt6.QtWidgets import QApplication, QLineEdit

from app import theme
from app.main_window import MainWindow
from app.theme import DARK, LIGHT, Colours, Theme, ThemeChoice, contrast, missing_fonts, mixed, style_sheet
from tests.app.qt import count, pixels


def test_contrast_of_black_and_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=1e-3)


@pytest.mark.parametrize("colours", [DARK, LIGHT])
def test_every_ink_can_be_read_on_every_ground(colours: Colours) -> None:
    banners = [mixed(colours.surface, tone, 0.14).name() for tone in (colours.error, colours.warning)]
    for ground in colours.grounds:
        for ink in colours.inks:
            assert contrast(ink, ground) >= 4.5, (ink, ground)
    for ground in banners:
        assert contrast(colours.text, ground) >= 4.5
    assert contrast(colours.stage, colours.accent) >= 4.5  # the primary button


@pytest.mark.parametrize("colours", [DARK, LIGHT])
def test_right_and_left_differ_in_the_blue_yellow_axis(colours: Colours) -> None:
    """Red-green blindness leaves that axis: right is far more red than blue, left the other way round."""
    right, left = mixed(colours.right, colours.right, 0), mixed(colours.left, colours.left, 0)
    assert right.red() - right.blue() > 100
    assert left.blue() - left.red() > 100


def test_system_choice_follows_the_system_and_others_do_not(app: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    hints = QGuiApplication.styleHints()
    assert hints is not None
    follows, stays = Theme(), Theme(ThemeChoice.LIGHT)
    told: list[str] = []
    follows.changed.connect(lambda: told.append("follows"))
    stays.changed.connect(lambda: told.append("stays"))
    for scheme, expected in ((Qt.ColorScheme.Light, LIGHT), (Qt.ColorScheme.Dark, DARK)):
        monkeypatch.setattr(follows, "_hints", type("Hints", (), {"colorScheme": lambda _self, s=scheme: s})())
        hints.colorSchemeChanged.emit(scheme)
        assert follows.colours is expected
        assert stays.colours is LIGHT
    assert told == ["follows", "follows"]


def test_window_repaints_in_the_chosen_theme(window: MainWindow) -> None:
    window.actions_.themes[ThemeChoice.LIGHT].trigger()
    assert window.view.picture._colours is LIGHT
    assert LIGHT.surface in window.styleSheet()
    assert window.actions_.themes[ThemeChoice.LIGHT].isChecked()
    window.actions_.themes[ThemeChoice.DARK].trigger()
    assert window.view.picture._colours is DARK


def test_machine_without_fonts_is_told_of(app: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFontDatabase, "families", lambda *_: [])
    assert "fonts-dejavu-core" in str(missing_fonts())
    monkeypatch.setattr(theme.QFontDatabase, "families", lambda *_: ["DejaVu Sans"])
    assert missing_fonts() is None


@pytest.mark.parametrize("colours", [DARK, LIGHT])
def test_hint_in_an_empty_field_can_be_read(app: QApplication, colours: Colours) -> None:
    """A style sheet's colour would otherwise give it half of its opacity."""
    field = QLineEdit()
    field.setPlaceholderText("||||||||||||||||||||")
    field.setStyleSheet(style_sheet(colours))
    field.resize(200, 40)
    painted = pixels(field)
    assert count(painted, colours.muted, 24) > 20
