"""Bad input: a sentence in the window, nothing lost, and the program goes on."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from reftiler.io import write_image
from reftiler_gui.cases_view import CasesView
from reftiler_gui.main_window import MainWindow
from tests.gui.test_window_command import run
from tests.gui.windows import (
    drop,
    loaded_item,
    names_of,
    open_paths,
    settled,
    trigger,
    wait_until,
)

Make = Callable[[Path], Path]


def _written(name: str, data: bytes) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def _cut(name: str) -> Make:
    """Return what writes the first half of a picture."""

    def make(folder: Path) -> Path:
        path = folder / name
        write_image(path, np.arange(4096, dtype=np.uint8).reshape(64, 64) % 251)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        return path

    return make


def _folder(folder: Path) -> Path:
    (folder / "bad.png").mkdir()
    return folder / "bad.png"


def _enormous_png() -> bytes:
    head = struct.pack(">II5B", 2**30, 2**30, 8, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for body in (b"IHDR" + head, b"IDAT" + zlib.compress(b"\0"), b"IEND"):
        data += struct.pack(">I", len(body) - 4) + body
        data += struct.pack(">I", zlib.crc32(body))
    return data


def _enormous_npy() -> bytes:
    words = "{'descr': '|u1', 'fortran_order': False, 'shape': (10000000, 10000000), }"
    line = words.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line.encode()


def _pickled(name: str) -> Make:
    def make(folder: Path) -> Path:
        thing = np.array([{"a": 1}], dtype=object)
        with (folder / name).open("wb") as file:
            (np.savez if name.endswith("npz") else np.save)(file, thing)
        return folder / name

    return make


KINDS: dict[str, Make] = {
    "empty": _written("bad.png", b""),
    "text": _written("bad.png", b"hello"),
    "truncated png": _cut("bad.png"),
    "truncated tiff": _cut("bad.tif"),
    "truncated npy": _cut("bad.npy"),
    "a png named tiff, cut": _written("bad.tiff", b"\x89PNG\r\n\x1a\n"),
    "enormous png": _written("bad.png", _enormous_png()),
    "enormous npy": _written("bad.npy", _enormous_npy()),
    "pickled npy": _pickled("bad.npy"),
    "folder without images": _folder,
    "vanished": lambda folder: folder / "bad.png",
    "damaged npz": _written("bad.npz", b"PK\x03\x04 no zip"),
    "pickled npz": _pickled("bad.npz"),
    "damaged record": _written("bad.jsonl", b"{not json}"),
    "damaged yaml": _written("bad.yaml", b"tiling: [1, {"),
    "yaml of other things": _written("bad.yaml", b"tiling: {tile_siz: 7}"),
}


def said(window: MainWindow) -> str:
    cases = window.views["cases"]
    assert isinstance(cases, CasesView)
    parts = (window.status.currentMessage(), window.message.text(), cases.title.text())
    return " ".join(parts)


def hear(window: MainWindow, words: str) -> None:
    wait_until(lambda: words in said(window))


def test_what_is_open_stays(window: MainWindow, folder: Path, tmp_path: Path) -> None:
    open_paths(window, folder / "a.png")
    source, settings = window.canvas.source, window.viewer.settings
    for kind, make in KINDS.items():
        (tmp_path / kind).mkdir()
        bad = make(tmp_path / kind)
        window.status.clearMessage()
        window.views["cases"].title.setText("")  # type: ignore[attr-defined]
        drop(window, bad)
        hear(window, bad.name)
        settled(window)
        assert window.canvas.source is source, kind
        assert window.viewer.settings == settings, kind
        assert names_of(window) == ["a"], kind
    window.open([folder / "b.png"])
    wait_until(lambda: window.canvas.source not in (source, None))


@pytest.mark.parametrize("kind", KINDS)
def test_from_the_command_line_it_is_a_sentence(
    qtbot: QtBot, tmp_path: Path, kind: str
) -> None:
    bad = KINDS[kind](tmp_path)
    code, words = run(str(bad), "--report", str(tmp_path / "r.html"))
    assert code == (2 if kind == "vanished" else 1)
    assert "bad." in words
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize("kind", ["empty", "folder without images", "damaged npz"])
def test_a_picture_shows_what_is_wrong(qtbot: QtBot, tmp_path: Path, kind: str) -> None:
    bad, out = KINDS[kind](tmp_path), tmp_path / "out.png"
    code, words = run(str(bad), "--screenshot", str(out))
    assert "Traceback" not in words
    assert code == (0 if kind == "damaged npz" else 1)
    assert ("bad." in words) == bool(code)
    assert out.is_file()


def test_where_nothing_is_open_it_stays_said_why(
    window: MainWindow, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "odd").mkdir()
    bad = KINDS["truncated png"](tmp_path / "odd")
    open_paths(window, bad)
    assert bad.name in window.message.text()
    assert window.canvas.source is None
    window.registry.actions["close"].trigger()
    window.open([_folder(tmp_path)])
    wait_until(lambda: bad.name in window.message.text())
    window.status.clearMessage()
    assert "Ctrl+Shift+D" in window.message.text()
    open_paths(window, folder / "a.png")
    assert window.canvas.source is not None


@pytest.mark.parametrize("readable", [False, True])
def test_a_bad_mask_leaves_the_image(
    window: MainWindow, folder: Path, readable: bool
) -> None:
    mask, words = folder / "a_mask.png", "a_mask.png is 9 × 9 (width × height)"
    if readable:
        write_image(mask, np.zeros((9, 9), dtype=bool))
    else:
        mask.write_bytes(b"no mask")
        words = "the image is shown without it"
    open_paths(window, folder / "a.png")
    assert words in said(window)
    assert window.canvas.source is not None
    assert loaded_item(window).mask is None


def test_a_file_that_vanishes_from_a_folder_leaves_the_others(
    window: MainWindow, folder: Path
) -> None:
    open_paths(window, folder)
    (folder / "b.png").unlink()
    trigger(window, "next")
    assert "b.png" in said(window)
    assert window.defects_bar.words.text() == ""
    trigger(window, "next")
    assert "b.png" not in said(window)
    assert loaded_item(window).item.name == "c"
    assert window.canvas.source is not None
