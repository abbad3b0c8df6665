"""Looks of the lists and tabs that only the calibration has."""

from __future__ import annotations

from app.theme import GAP, ICONS, Colours


def page_style(colours: Colours) -> str:
    """A style sheet, to go with the window's."""
    c = colours
    tone = "dark" if c.dark else "light"
    check = (ICONS / f"check-{tone}.svg").as_posix()
    return f"""
        QListWidget {{ background: {c.ground}; color: {c.text}; border: 1px solid {c.border}; border-radius: 6px;
            padding: {GAP // 2}px; outline: none; }}
        QListWidget::item {{ padding: 3px {GAP // 2}px; border-radius: 4px; }}
        QListWidget::item:selected {{ background: {c.raised}; color: {c.text}; }}
        QListWidget::indicator {{ width: 13px; height: 13px; border: 1px solid {c.muted}; border-radius: 4px;
            background: {c.ground}; }}
        QListWidget::indicator:checked {{ background: {c.accent}; border-color: {c.accent}; image: url("{check}"); }}
        QListWidget::item:focus {{ border: 1px solid {c.accent}; }}
        QTabWidget::pane {{ border: none; border-top: 1px solid {c.border}; }}
        QTabBar::tab {{ background: transparent; color: {c.muted}; border: none; padding: {GAP}px {GAP + GAP // 2}px;
            border-bottom: 2px solid transparent; }}
        QTabBar::tab:selected {{ color: {c.text}; border-bottom-color: {c.accent}; }}
        QTabBar::tab:hover, QTabBar::tab:focus {{ color: {c.text}; background: {c.raised}; }}
        QLabel[field="true"] {{ min-height: 30px; }}
        QPushButton:disabled, QPushButton[primary="true"]:disabled {{ background: {c.surface}; color: {c.muted};
            border-color: {c.border}; }}
    """
