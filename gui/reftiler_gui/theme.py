"""Light and dark, with colours that colour-blind people can tell apart."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

__all__ = ["SCHEMES", "apply_theme", "current_scheme"]

SCHEMES = ("system", "light", "dark")

_DARK = {
    "Window": "#212529",
    "WindowText": "#e8eaec",
    "Base": "#2d3237",
    "AlternateBase": "#33383d",
    "Text": "#e8eaec",
    "Button": "#3a4046",
    "ButtonText": "#e8eaec",
    "BrightText": "#ffffff",
    "ToolTipBase": "#31363b",
    "ToolTipText": "#e8eaec",
    "Highlight": "#56b4e9",
    "HighlightedText": "#101214",
    "PlaceholderText": "#9aa0a6",
    "Link": "#56b4e9",
    "Light": "#3d4348",
    "Midlight": "#373c41",
    "Mid": "#4a5157",
    "Dark": "#5c646b",
    "Shadow": "#000000",
    "Accent": "#56b4e9",
}
_LIGHT = {
    "Window": "#f3f4f5",
    "WindowText": "#1d2125",
    "Base": "#ffffff",
    "AlternateBase": "#f0f2f4",
    "Text": "#1d2125",
    "Button": "#f7f8f9",
    "ButtonText": "#1d2125",
    "BrightText": "#ffffff",
    "ToolTipBase": "#ffffff",
    "ToolTipText": "#1d2125",
    "Highlight": "#0072b2",
    "HighlightedText": "#ffffff",
    "PlaceholderText": "#6b7177",
    "Link": "#0072b2",
    "Light": "#ffffff",
    "Midlight": "#e6e8ea",
    "Mid": "#c3c7cb",
    "Dark": "#a4a9ae",
    "Shadow": "#7b8086",
    "Accent": "#0072b2",
}
_ICONS = (Path(__file__).parent / "icons").as_posix()
_DISABLED = {"dark": "#7d848b", "light": "#9298a0"}
_SHEET = """
QGroupBox {{ font-weight: 600; margin-top: 8px; padding-top: 12px; border: 0;
             border-top: 1px solid {line}; }}
QGroupBox::title {{ subcontrol-origin: margin; left: 0; padding: 0 6px 0 0; }}
QLabel#refusal, QLabel#warning {{ color: {warn}; }}
QLabel#message {{ padding: 7px 10px; background: {base};
                border-bottom: 1px solid {line}; }}
QToolBar {{ spacing: 3px; padding: 3px 6px; border: 0;
            border-bottom: 1px solid {line}; }}
QToolBar QToolButton {{ padding: 4px; border-radius: 4px;
                        border: 1px solid transparent; }}
QToolBar QToolButton:hover {{ border-color: {line}; }}
QToolBar QToolButton:checked {{ background: {held}; }}
QToolBar QToolButton:focus, QListView:focus {{ border: 1px solid {accent}; }}
QListView {{ border: 1px solid {line}; }}
ImageList::item {{ padding: 2px 1px; }}
QFrame#page {{ background: {window}; }}
QFrame#card {{ background: {base}; border: 1px solid {line}; border-radius: 8px; }}
QFrame#card[dashed="true"] {{ border: 2px dashed {rim}; }}
QLabel#cardTitle {{ font-size: 15pt; }}
QPushButton#link {{ color: {accent}; text-align: left; padding: 3px 0; border: 0; }}
QPushButton#link:hover, QPushButton#link:focus {{ text-decoration: underline; }}
QPushButton#link:disabled {{ color: {rim}; }}
QDockWidget::title {{ padding: 5px 10px; }}
QStatusBar::item {{ border: 0; }}
QCheckBox::indicator, QRadioButton::indicator {{ width: 14px; height: 14px;
    border: 1px solid {rim}; background: {base}; }}
QCheckBox::indicator {{ border-radius: 3px; }}
QRadioButton::indicator {{ border-radius: 8px; }}
QCheckBox::indicator:checked {{ background: {accent}; border-color: {accent};
    image: url("{icons}/check-{name}.svg"); }}
QRadioButton::indicator:checked {{ border-color: {accent}; background:
    qradialgradient(cx: .5, cy: .5, radius: .5, fx: .5, fy: .5, stop: 0 {accent},
    stop: .55 {accent}, stop: .62 {base}, stop: 1 {base}); }}
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled {{
    border-color: {line}; background: transparent; }}
QCheckBox::indicator:focus, QRadioButton::indicator:focus {{
    border-color: {accent}; }}
"""


def apply_theme(app: QApplication, scheme: str = "system") -> None:
    """Show the whole program in one of `SCHEMES`."""
    app.setProperty("scheme", scheme)
    hints = app.styleHints()
    if scheme == "system":
        hints.unsetColorScheme()
        dark = hints.colorScheme() == Qt.ColorScheme.Dark
    else:
        dark = scheme == "dark"
        hints.setColorScheme(Qt.ColorScheme.Dark if dark else Qt.ColorScheme.Light)
    app.setStyle("Fusion")
    colors = _DARK if dark else _LIGHT
    app.setPalette(_palette(colors, _DISABLED["dark" if dark else "light"]))
    app.setStyleSheet(
        _SHEET.format(
            line="#3d4348" if dark else "#d3d7da",
            warn="#f0a25e" if dark else "#a84300",
            held="#3f5a6c" if dark else "#cfe3f0",
            base=colors["Base"],
            window=colors["Window"],
            accent=colors["Accent"],
            rim=colors["Dark"],
            name="dark" if dark else "light",
            icons=_ICONS,
        )
    )


def current_scheme() -> str:
    """Return which of `SCHEMES` the program is shown in."""
    app = QApplication.instance()
    return str((app and app.property("scheme")) or SCHEMES[0])


def _palette(colors: dict[str, str], disabled: str) -> QPalette:
    palette = QPalette()
    for name, color in colors.items():
        palette.setColor(getattr(QPalette.ColorRole, name), QColor(color))
    for role in ("WindowText", "Text", "ButtonText"):
        palette.setColor(
            QPalette.ColorGroup.Disabled,
            getattr(QPalette.ColorRole, role),
            QColor(disabled),
        )
    return palette
