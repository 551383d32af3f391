"""Names of files are plain text wherever they are shown."""

from pathlib import Path

import numpy as np
from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtWidgets import QLabel, QWidget

from reftiler.io import write_image
from reftiler_gui.main_window import MainWindow
from tests.gui.windows import open_paths, show_view, write_pair

NAME = "<b>x<b>"


def rich(window: MainWindow) -> set[str]:
    """Return what has the name, and is taken for HTML."""
    found = set()
    for widget in window.findChildren(QWidget):
        texts = [widget.toolTip(), widget.statusTip(), widget.whatsThis()]
        if isinstance(widget, QLabel):
            plain = widget.textFormat() == Qt.TextFormat.PlainText
            texts += [] if plain else [widget.text()]
        found |= {f"{type(widget).__name__}: {t}" for t in texts if NAME in t}
    for model in window.findChildren(QAbstractItemModel):
        for row in range(model.rowCount()):
            tip = str(model.index(row, 0).data(Qt.ItemDataRole.ToolTipRole))
            found |= {f"{type(model).__name__}: {tip}"} if NAME in tip else set()
    tips = (action.toolTip() for action in window.registry.actions.values())
    return found | {tip for tip in tips if NAME in tip}


def test_no_name_is_taken_for_html(window: MainWindow, tmp_path: Path) -> None:
    folder = tmp_path / f"set {NAME}"
    folder.mkdir()
    write_pair(folder, NAME)
    write_pair(folder, "good")
    write_image(folder / f"{NAME}_map.png", np.zeros((64, 64), np.uint8))
    (folder / f"bad {NAME}.png").write_bytes(b"no picture")
    (folder / f"good {NAME}_mask.png").write_bytes(b"alone")
    cases = folder / f"{NAME}.npz"
    cases.write_bytes(b"no case")
    open_paths(window, folder, cases)
    assert len(window.viewer.image_set.items) > 2
    for index in range(len(window.viewer.image_set.items)):
        window.viewer.go(index)
        for view in window.views:
            show_view(window, view)
            assert not rich(window), (view, index)
    tips = {row: window.image_list.rows.index(row, 0) for row in range(3)}
    words = [str(tip.data(Qt.ItemDataRole.ToolTipRole)) for tip in tips.values()]
    assert any("&lt;b&gt;x" in one for one in words)
