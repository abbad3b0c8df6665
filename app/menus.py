"""The menu bar: every command of the window, each with a key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PyQt6.QtGui import QAction, QActionGroup, QKeySequence
from PyQt6.QtWidgets import QMainWindow, QMenu, QMenuBar

from app.theme import ThemeChoice
from app.translation import tr
from engine.capture.devices import list_cameras

LOOKS = ("three-quarter", "front", "side", "behind", "above")


@dataclass(frozen=True, slots=True)
class Commands:
    """What the menus call."""

    open_file: Callable[[], None]
    open_folder: Callable[[], None]
    choose_camera: Callable[[], None]
    open_spec: Callable[[str], None]
    calibrate: Callable[[], None]
    reopen: Callable[[], None]
    quit: Callable[[], None]
    set_heatmaps: Callable[[bool], None]
    set_skeleton: Callable[[bool], None]
    show_panel: Callable[[bool], None]
    sections: Sequence[tuple[str, Callable[[], None]]]
    """Of the sidebar: a title, and what shows it."""
    look_from: Callable[[str], None]
    choose_theme: Callable[[ThemeChoice], None]
    full_screen: Callable[[bool], None]
    escape: Callable[[], None]
    about: Callable[[], None]
    doctor: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Actions:
    """The actions whose state follows the window."""

    heatmaps: QAction
    skeleton: QAction
    panel: QAction
    full_screen: QAction
    reopen: QAction
    themes: dict[ThemeChoice, QAction]


def camera_choices() -> list[tuple[str, str]]:
    """(spec, label) of the cameras the system lists, or the first two numbers where it lists none."""
    listed = [(camera.spec, f"{camera.name} ({camera.where})") for camera in list_cameras()]
    return listed or [("camera:0", "Camera 0"), ("camera:1", "Camera 1")]


class _Adder:
    """Adds actions to a window's menus."""

    def __init__(self, window: QMainWindow) -> None:
        self.window = window

    def menu(self, parent: QMenuBar | QMenu, text: str) -> QMenu:
        menu = parent.addMenu(text)
        assert menu is not None  # Qt always gives one
        return menu

    def add(self, menu: QMenu | None, text: str, keys: str, call: Callable[[], None]) -> QAction:
        """A command; without a menu it only has its keys."""
        action = self._made(menu, text, keys)
        action.triggered.connect(lambda _checked=False: call())
        return action

    def toggle(self, menu: QMenu, text: str, keys: str, call: Callable[[bool], None], on: bool) -> QAction:
        action = self._made(menu, text, keys)
        action.setCheckable(True)
        action.setChecked(on)
        action.toggled.connect(call)
        return action

    def _made(self, menu: QMenu | None, text: str, keys: str) -> QAction:
        action = QAction(text, self.window)
        action.setShortcuts([QKeySequence(key) for key in keys.split()])
        self.window.addAction(action)
        if menu is not None:
            menu.addAction(action)
        return action


def build_menus(window: QMainWindow, commands: Commands) -> Actions:
    """Fill the window's menu bar."""
    bar = window.menuBar()
    assert bar is not None  # a QMainWindow makes one
    adder = _Adder(window)
    file, view = adder.menu(bar, "&File"), adder.menu(bar, "&View")
    help_menu = adder.menu(bar, tr("&Help"))
    adder.add(help_menu, tr("&Check this machine…"), "Ctrl+F1", commands.doctor)
    adder.add(help_menu, tr("&About egopose"), "F1", commands.about)
    adder.add(None, "Dismiss", "Esc", commands.escape)
    reopen = _fill_file(adder, file, commands)

    heatmaps = adder.toggle(view, "&Heatmaps", "H", commands.set_heatmaps, True)
    skeleton = adder.toggle(view, "&Skeleton", "S", commands.set_skeleton, True)
    panel = adder.toggle(view, "Side &panel", "P", commands.show_panel, True)
    sections = adder.menu(view, "Se&ctions")
    for number, (title, call) in enumerate(commands.sections, 1):
        adder.add(sections, title, f"Alt+{number}", call)
    view.addSeparator()
    adder.add(view, "&Reset 3D view", "0", partial(commands.look_from, LOOKS[0]))
    looks = adder.menu(view, "&Look from")
    for number, look in enumerate(LOOKS, 1):
        adder.add(looks, look.capitalize(), str(number), partial(commands.look_from, look))
    view.addSeparator()
    themes = _fill_themes(adder, adder.menu(view, "&Theme"), commands)
    full_screen = adder.toggle(view, "&Full screen", "F11", commands.full_screen, False)
    return Actions(heatmaps, skeleton, panel, full_screen, reopen, themes)


def _fill_file(adder: _Adder, file: QMenu, commands: Commands) -> QAction:
    adder.add(file, "&Open file…", "Ctrl+O", commands.open_file)
    adder.add(file, "Open &folder…", "Ctrl+Shift+O", commands.open_folder)
    adder.add(file, "Open &camera…", "Ctrl+Shift+C", commands.choose_camera)
    adder.add(None, "Open first camera", "Ctrl+1", lambda: commands.open_spec(camera_choices()[0][0]))
    adder.add(file, "&Synthetic wearer", "Ctrl+Y", partial(commands.open_spec, "synthetic"))
    adder.add(file, "Calibrate c&amera…", "Ctrl+K", commands.calibrate)
    file.addSeparator()
    reopen = adder.add(file, "&Reopen", "Ctrl+R F5", commands.reopen)
    reopen.setEnabled(False)
    file.addSeparator()
    adder.add(file, "&Quit", "Ctrl+Q", commands.quit)
    return reopen


def _fill_themes(adder: _Adder, menu: QMenu, commands: Commands) -> dict[ThemeChoice, QAction]:
    group = QActionGroup(adder.window)
    actions = {}
    for choice in ThemeChoice:
        action = adder.add(menu, choice.value.capitalize(), "", partial(commands.choose_theme, choice))
        action.setCheckable(True)
        group.addAction(action)
        actions[choice] = action
    return actions
