"""Light and dark, with colours that colour-blind people can tell apart."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

SCHEMES = ("system", "light", "dark")

_PALETTE = {
    "Window": ("#f3f4f5", "#212529"),
    "WindowText": ("#1d2125", "#e8eaec"),
    "Base": ("#ffffff", "#2d3237"),
    "AlternateBase": ("#f0f2f4", "#33383d"),
    "Text": ("#1d2125", "#e8eaec"),
    "Button": ("#f7f8f9", "#3a4046"),
    "ButtonText": ("#1d2125", "#e8eaec"),
    "BrightText": ("#ffffff", "#ffffff"),
    "ToolTipBase": ("#ffffff", "#31363b"),
    "ToolTipText": ("#1d2125", "#e8eaec"),
    "Highlight": ("#0072b2", "#56b4e9"),
    "HighlightedText": ("#ffffff", "#101214"),
    "PlaceholderText": ("#6b7177", "#9aa0a6"),
    "Link": ("#0072b2", "#56b4e9"),
    "Light": ("#ffffff", "#3d4348"),
    "Midlight": ("#e6e8ea", "#373c41"),
    "Mid": ("#c3c7cb", "#4a5157"),
    "Dark": ("#a4a9ae", "#5c646b"),
    "Shadow": ("#7b8086", "#000000"),
    "Accent": ("#0072b2", "#56b4e9"),
}
"""The colours of Qt's palette, light and dark."""
_OTHERS = {
    "line": ("#d3d7da", "#3d4348"),
    "warn": ("#a84300", "#f0a25e"),
    "held": ("#cfe3f0", "#3f5a6c"),
    "disabled": ("#9298a0", "#7d848b"),
}
"""The colours of the style sheet that the palette does not have."""
_ICONS = (Path(__file__).parent / "icons").as_posix()
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
    colors = {name: pair[dark] for name, pair in (_PALETTE | _OTHERS).items()}
    shown = {name: colors[name] for name in ("line", "warn", "held")}
    shown |= {"base": colors["Base"], "window": colors["Window"]}
    shown |= {"accent": colors["Accent"], "rim": colors["Dark"]}
    name = "dark" if dark else "light"
    sheet = _SHEET.format(**shown, name=name, icons=_ICONS)
    if sheet == app.styleSheet():  # setting it anew costs time for every widget
        return
    app.setStyleSheet("")  # so that style and palette are not worked out with it
    app.setStyle("Fusion")
    app.setPalette(_palette(colors))
    app.setStyleSheet(sheet)


def current_scheme() -> str:
    """Return which of `SCHEMES` the program is shown in."""
    app = QApplication.instance()
    return str((app and app.property("scheme")) or SCHEMES[0])


def _palette(colors: dict[str, str]) -> QPalette:
    palette, roles = QPalette(), QPalette.ColorRole
    for name in _PALETTE:
        palette.setColor(getattr(roles, name), QColor(colors[name]))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        disabled = QColor(colors["disabled"])
        palette.setColor(QPalette.ColorGroup.Disabled, role, disabled)
    return palette
