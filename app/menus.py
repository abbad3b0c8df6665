"""The menu bar: every command of the window, each with a key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PyQt6.QtGui import QAction, QActionGroup, QKeySequence
from PyQt6.QtWidgets import QMainWindow, QMenu, QMenuBar

from app.theme import ThemeChoice
from app.translation import noted, tr
from engine.capture.devices import list_cameras

LOOKS = {
    "three-quarter": noted("Three-quarter"),
    "front": noted("Front"),
    "side": noted("Side"),
    "behind": noted("Behind"),
    "above": noted("Above"),
}
"""Views of `app.orbit.preset`, in the order of their keys, as the menu has them."""
THEMES = {ThemeChoice.SYSTEM: noted("System"), ThemeChoice.DARK: noted("Dark"), ThemeChoice.LIGHT: noted("Light")}


@dataclass(frozen=True, slots=True)
class Commands:
    """What the menus call."""

    home: Callable[[], None]
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
    home: QAction
    themes: dict[ThemeChoice, QAction]


def camera_choices() -> list[tuple[str, str]]:
    """(spec, label) of the cameras the system lists, or the first two numbers where it lists none."""
    listed = [(camera.spec, f"{camera.name} ({camera.where})") for camera in list_cameras()]
    return listed or [(f"camera:{number}", tr("Camera {number}", number=number)) for number in (0, 1)]


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
    file, view = adder.menu(bar, tr("&File")), adder.menu(bar, tr("&View"))
    help_menu = adder.menu(bar, tr("&Help"))
    adder.add(help_menu, tr("&Check this machine…"), "Ctrl+F1", commands.doctor)
    adder.add(help_menu, tr("&About egopose"), "F1", commands.about)
    adder.add(None, tr("Dismiss"), "Esc", commands.escape)
    home = adder.add(file, tr("&Start page"), "Alt+Home", commands.home)
    file.addSeparator()
    reopen = _fill_file(adder, file, commands)

    heatmaps = adder.toggle(view, tr("&Heatmaps"), "H", commands.set_heatmaps, True)
    skeleton = adder.toggle(view, tr("&Skeleton"), "S", commands.set_skeleton, True)
    panel = adder.toggle(view, tr("Side &panel"), "P", commands.show_panel, True)
    sections = adder.menu(view, tr("Se&ctions"))
    for number, (title, call) in enumerate(commands.sections, 1):
        adder.add(sections, title, f"Alt+{number}", call)
    view.addSeparator()
    adder.add(view, tr("&Reset 3D view"), "0", partial(commands.look_from, "three-quarter"))
    looks = adder.menu(view, tr("&Look from"))
    for number, (look, word) in enumerate(LOOKS.items(), 1):
        adder.add(looks, tr(word), str(number), partial(commands.look_from, look))
    view.addSeparator()
    themes = _fill_themes(adder, adder.menu(view, tr("&Theme")), commands)
    full_screen = adder.toggle(view, tr("&Full screen"), "F11", commands.full_screen, False)
    return Actions(heatmaps, skeleton, panel, full_screen, reopen, home, themes)


def _fill_file(adder: _Adder, file: QMenu, commands: Commands) -> QAction:
    adder.add(file, tr("&Open file…"), "Ctrl+O", commands.open_file)
    adder.add(file, tr("Open &folder…"), "Ctrl+Shift+O", commands.open_folder)
    adder.add(file, tr("Open &camera…"), "Ctrl+Shift+C", commands.choose_camera)
    adder.add(None, tr("Open first camera"), "Ctrl+1", lambda: commands.open_spec(camera_choices()[0][0]))
    adder.add(file, tr("&Synthetic wearer"), "Ctrl+Y", partial(commands.open_spec, "synthetic"))
    adder.add(file, tr("Calibrate c&amera…"), "Ctrl+K", commands.calibrate)
    file.addSeparator()
    reopen = adder.add(file, tr("&Reopen"), "Ctrl+R F5", commands.reopen)
    reopen.setEnabled(False)
    file.addSeparator()
    adder.add(file, tr("&Quit"), "Ctrl+Q", commands.quit)
    return reopen


def _fill_themes(adder: _Adder, menu: QMenu, commands: Commands) -> dict[ThemeChoice, QAction]:
    group = QActionGroup(adder.window)
    actions = {}
    for choice in ThemeChoice:
        action = adder.add(menu, tr(THEMES[choice]), "", partial(commands.choose_theme, choice))
        action.setCheckable(True)
        group.addAction(action)
        actions[choice] = action
    return actions
