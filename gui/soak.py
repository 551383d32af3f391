"""Random actions for an hour: ``python gui/soak.py [MINUTES]``.

Prints the memory that is the process's alone, at work and at rest. Exits with 1 if at
the end it is more than a fifth above that of minute 10.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QEvent
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFileDialog,
    QInputDialog,
    QMessageBox,
)

from bench import private_memory, wait
from reftiler import samples
from reftiler.io import open_image, write_image
from reftiler_gui.app import install_message_handler
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.form_settings import FormSettings

LEFT_ALONE = {"quit", "close", "fullscreen"}


def write_files(folder: Path) -> None:
    """Write a data set and a large image, each with maps."""
    draw = np.random.default_rng(0)
    samples.write_dataset(folder / "brick", "brick", max_good=4)
    for path in sorted((folder / "brick").glob("test/*/*.png")):
        name = f"{path.parent.name}_{path.stem}_map.npy"
        np.save(folder / name, draw.random(open_image(path).shape[:2], np.float32))
    write_image(folder / "lone.png", draw.integers(0, 256, (3000, 4000, 3), np.uint8))
    np.save(folder / "lone_map.npy", draw.random((3000, 4000), np.float32))


def answer_dialogs(app: QApplication) -> None:
    """Let each dialog be seen, and be cancelled."""

    def execute(dialog: QDialog) -> int:
        dialog.show()
        app.processEvents()
        dialog.reject()
        return 0

    QDialog.exec = execute  # type: ignore[method-assign]
    for owner, name, answer in (
        (QMessageBox, "about", None),
        (QDesktopServices, "openUrl", True),
        (QInputDialog, "getItem", ("", False)),
        (QFileDialog, "getOpenFileName", ("", "")),
        (QFileDialog, "getOpenFileNames", ([], "")),
        (QFileDialog, "getSaveFileName", ("", "")),
        (QFileDialog, "getExistingDirectory", ""),
    ):
        setattr(owner, name, lambda *_, answer=answer, **__: answer)


def deeds(
    window: MainWindow, folder: Path, rng: random.Random
) -> list[Callable[[], object]]:
    """Return what may be done, the more often the likelier."""
    every = window.registry.actions.items()
    actions = [action for name, action in every if name not in LEFT_ALONE]

    def change() -> None:
        step = rng.choice((64, 128, 192))
        window.viewer.change(FormSettings(tile=(256, 256), step=(step, step)))

    def go() -> None:
        rows, columns = rng.uniform(0, 1024), rng.uniform(0, 1024)
        window.state.go(rows, columns, 2 ** rng.uniform(-3, 4))

    def load() -> None:
        paths = rng.choice(([folder / "brick"], [folder / "lone.png"], []))
        window.open(paths, maps=[folder] if paths and rng.random() < 0.5 else [])

    return [
        *(lambda: rng.choice(actions).trigger() for _ in range(12)),
        *(lambda: window.viewer.step(rng.choice((-1, 1))) for _ in range(4)),
        *(change, change, go, go, load, lambda: window.open_results("numpy:negative")),
    ]


def pump(app: QApplication, seconds: float) -> None:
    """Let the window work, dialogs that were closed be let go of."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        app.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        time.sleep(0.002)


def rest(app: QApplication, window: MainWindow, folder: Path) -> None:
    """Open what was open at first and wait, so that minutes can be compared."""
    window.open([folder / "brick"])
    window.results.open(None)
    window.show_view("image")
    end, idle = time.monotonic() + 60, 0
    while idle < 20 and time.monotonic() < end:
        pump(app, 0.1)
        idle = 0 if window.jobs.running() else idle + 1


def soak(app: QApplication, folder: Path, minutes: float) -> bool:
    """Do random things; return whether memory stayed as it was."""
    rng = random.Random(0)
    write_files(folder)
    answer_dialogs(app)
    window = MainWindow()
    window.resize(1280, 800)
    window.show()
    window.open([folder / "brick"])
    wait(app, window)
    choice = deeds(window, folder, rng)
    begin, done, seen = time.monotonic(), 0, list[float]()
    while time.monotonic() - begin < 60 * minutes + 1:
        rng.choice(choice)()
        done += 1
        pump(app, 0.05)
        if time.monotonic() - begin > 60 * len(seen):
            busy = private_memory()
            rest(app, window, folder)
            seen.append(private_memory())
            words = f"{busy:5.0f} MB at work, {seen[-1]:5.0f} at rest, {done:,} actions"
            sys.stdout.write(f"minute {len(seen) - 1:>3}: {words}\n")
            sys.stdout.flush()
    window.close()
    share = seen[-1] / seen[min(10, len(seen) - 1)]
    sys.stdout.write(f"memory at rest at the end: {share:.2f} of minute 10\n")
    return share < 1.2


def main() -> int:
    """Soak for some minutes, by default 60."""
    install_message_handler()
    app = QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as folder:
        minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
        return 0 if soak(app, Path(folder), minutes) else 1


if __name__ == "__main__":
    sys.exit(main())
