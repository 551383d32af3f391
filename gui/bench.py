"""How fast the viewer is: ``QT_QPA_PLATFORM=offscreen python gui/bench.py``.

Prints medians in milliseconds beside what they must stay below; exits with 1 if one
does not. Times are of the process, because other programs disturb the clock.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_LOGGING_RULES", "qt.qpa.*=false")

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QApplication

from reftiler import Grid
from reftiler.io import write_image
from reftiler_gui.app import install_message_handler
from reftiler_gui.contact_sheet_view import ContactSheetView
from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.jobs import Jobs
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.steps import finish
from reftiler_gui.pan_zoom_view import Camera

SIDE = 4096
SMALL = FormSettings(tile=(64, 64), step=(12, 12))  # 113,569 tiles
ZOOMS = (0.19, 0.25, 0.33, 0.5, 0.75, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)


def milliseconds(do: Callable[[], object]) -> float:
    """Return the time of this process that a call takes."""
    start = time.process_time()
    do()
    return 1000 * (time.process_time() - start)


def tell(words: str, measured: float, limit: float) -> bool:
    """Print a figure; return whether it is small enough."""
    verdict = "" if measured < limit else "   TOO SLOW"
    sys.stdout.write(f"{words:<52}{measured:9.1f} ms   < {limit:.0f}{verdict}\n")
    return measured < limit


def pictures() -> tuple[ImagePyramid, MaskPyramid]:
    """Return a noisy image and a mask of many small defects."""
    draw = np.random.default_rng(0)
    image = draw.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    source, marks = ImagePyramid(image), MaskPyramid(marked_squares(draw, SIDE, 256))
    finish(source.build())
    _ = marks.levels
    return source, marks


def tiles(settings: FormSettings) -> GridLookup:
    """Return the tiles of the image."""
    found = settings.plan((SIDE, SIDE))
    assert isinstance(found, Grid), found
    return GridLookup(found)


def repaints(app: QApplication, _: Path, *, coverage: bool) -> list[bool]:
    """Measure a repaint at each zoom, moving a little each time."""
    source, mask = pictures()
    state = Camera()
    canvas = ImageCanvas(state)
    canvas.setFixedSize(1280, 800)
    view = tiles(SMALL)
    canvas.present(source, mask, view)
    canvas.set_layers(replace(canvas.layers, coverage=coverage))
    canvas.set_most(25)
    canvas.show()
    app.processEvents()
    results = []
    for zoom in ZOOMS:
        state.go(SIDE / 2, SIDE / 2, zoom)
        canvas.viewport().repaint()
        times = []
        for step in range(15):
            state.pan((-1) ** step * 20 / zoom, 17 / zoom * (-1) ** (step // 2))
            times.append(milliseconds(canvas.viewport().repaint))
        kind = "coverage" if coverage else "repaint"
        words = f"{kind}, {len(view):,} tiles, zoom {zoom:g}"
        results.append(tell(words, statistics.median(times), 16))
    canvas.close()
    return results


def wait(app: QApplication, window: MainWindow, *, jobs: bool = False) -> None:
    """Wait until an image is there, and if asked until no job runs."""
    while window.viewer.loaded is None or (jobs and window.jobs.running()):
        app.processEvents()
    app.processEvents()


def new_window() -> MainWindow:
    """Return a window, shown in the size that all are measured in."""
    window = MainWindow()
    window.resize(1280, 800)
    window.show()
    return window


def write_ramp(path: Path, size: tuple[int, int]) -> None:
    """Write an image of three channels, which rise from row to row."""
    image = np.lib.format.open_memmap(path, "w+", np.uint8, (*size, 3))
    image[:] = (np.arange(size[0]) % 251)[:, None, None]


def marked_squares(draw: np.random.Generator, side: int, count: int) -> NDArray[Any]:
    """Return a mask of many small defects."""
    mask = np.zeros((side, side), dtype=bool)
    for row, col in draw.integers(0, side - 40, (count, 2)).tolist():
        mask[row : row + 1 + row % 40, col : col + 1 + col % 40] = True
    return mask


def start(app: QApplication, _: Path) -> bool:
    """Measure from the command to a usable window, imports warm."""
    begin = time.perf_counter()
    window = MainWindow()
    window.open(())
    window.show()
    wait(app, window)
    taken = 1000 * (time.perf_counter() - begin)
    wait(app, window, jobs=True)
    window.close()
    return tell("window with the sample, imports warm (clock)", taken, 1000)


def changes(app: QApplication, folder: Path) -> bool:
    """Measure a change of a setting in the whole window."""
    path = folder / "large.npy"
    np.save(path, np.asarray(pictures()[0].array))
    window = new_window()
    window.open([path])
    wait(app, window, jobs=True)

    def change() -> None:
        field.setValue(field.value() + 1)
        window.canvas.viewport().repaint()

    field = window.form.tile.height_field
    measured = statistics.median(milliseconds(change) for _ in range(15))
    window.close()
    return tell("a setting changed, 4096 × 4096", measured, 50)


def sheets(app: QApplication, _: Path) -> bool:
    """Measure how long a contact sheet takes from the tiling to its first picture."""
    source, mask = pictures()
    jobs = Jobs()
    view = ContactSheetView(jobs)
    view.resize(1280, 800)
    view.show_item(LoadedImage(ImageItem("noise"), source, mask, ""))
    view.show()
    app.processEvents()
    times = []
    for step in (12, 13, 12, 13, 12):
        settings = replace(SMALL, step=(step, step))
        plan = tiles(settings)
        begin = time.perf_counter()
        view.show_tiling(plan, settings)
        view.list.viewport().repaint()
        times.append(1000 * (time.perf_counter() - begin))
        assert view.list.tile_model.rowCount() == len(plan)
    jobs.stop()
    view.close()
    words = f"contact sheet of {len(tiles(SMALL)):,} tiles (clock)"
    return tell(words, statistics.median(times), 100)


def huge(app: QApplication, folder: Path) -> bool:
    """Measure opening an image of 805 MB that is mapped from a file."""
    path = folder / "huge.npy"
    write_ramp(path, (16384, 16384))
    window = new_window()
    app.processEvents()
    begin = time.perf_counter()
    window.open([path])
    wait(app, window)
    window.canvas.viewport().repaint()
    taken = 1000 * (time.perf_counter() - begin)
    memory = private_memory()
    window.close()
    good = tell("first paint, 16384 × 16384 mapped (clock)", taken, 500)
    sys.stdout.write(f"{'private memory then':<52}{memory:9.0f} MB   < 300\n")
    return good and memory < 300


def survey(app: QApplication, folder: Path) -> bool:
    """Measure the longest stall of the window while a survey runs."""
    draw = np.random.default_rng(0)
    for number in range(12):
        image = draw.integers(0, 256, (2048, 2048, 3), dtype=np.uint8)
        write_image(folder / f"{number}.png", image)
        mask = marked_squares(draw, 2048, 400)
        write_image(folder / f"{number}_mask.png", mask)
    window = new_window()
    window.open([folder])
    wait(app, window)
    window.show_view("advice")
    last, longest = time.perf_counter(), 0.0
    while window.jobs.running():
        app.processEvents()
        now = time.perf_counter()
        last, longest = now, max(longest, 1000 * (now - last))
        time.sleep(0.002)
    window.close()
    return tell("longest stall while a survey runs (clock)", longest, 150)


def maps(app: QApplication, folder: Path) -> bool:
    """Measure panning over a large image with its map, and the threshold."""
    good, draw = [], np.random.default_rng(0)
    path = folder / "wide.npy"
    for size, limit in (((9000, 12000), 16), ((SIDE, SIDE), 33)):
        write_ramp(path, size)
        small = draw.random((size[0] // 8, size[1] // 8), dtype=np.float32)
        np.save(folder / "wide_map.npy", small.repeat(8, axis=0).repeat(8, axis=1))
        mask = np.zeros(size, dtype=bool)
        mask[1000:1040, 1000:1040] = True
        write_image(folder / "wide_mask.png", mask)
        window = new_window()
        window.open([path])
        wait(app, window, jobs=True)
        window.docks["map"].raise_()
        state, repaint = window.state, window.canvas.viewport().repaint
        for zoom in (0.09, 0.3, 0.5, 1.0, 4.0):
            state.go(size[0] / 2, size[1] / 2, zoom)
            repaint()
            times = []
            for step in range(15):
                if limit == 16:
                    state.pan((-1) ** step * 20 / zoom, 17 / zoom)
                begin = time.process_time()
                if limit == 33:
                    window.map_panel.slider.setValue(600 + step)
                repaint()
                times.append(1000 * (time.process_time() - begin))
            what = "map and outline" if limit == 16 else "threshold"
            words = f"{what}, {size[1]:,} × {size[0]:,}, zoom {zoom:g}"
            good.append(tell(words, statistics.median(times), limit))
        window.close()
    return all(good)


def merged(app: QApplication, folder: Path) -> bool:
    """Measure the first picture of tiles' results of a large image, and panning."""
    size, settings = (9000, 12000), FormSettings(tile=(256, 256), step=(192, 192))
    plan = settings.plan(size)
    assert isinstance(plan, Grid)
    write_ramp(folder / "merged.npy", size)
    draw = np.random.default_rng(0)
    results = draw.integers(0, 256, (256, 256, 3), np.uint8)[np.newaxis]
    np.save(folder / "results.npy", results.repeat(len(plan), axis=0))
    window = new_window()
    window.viewer.change(settings)
    window.open([folder / "merged.npy"])
    wait(app, window, jobs=True)
    arrived: list[float] = []
    begin = time.perf_counter()

    def arrive(parts: dict[object, object] | None) -> None:
        if parts and any(parts.values()):
            window.merged.image.viewport().repaint()
            arrived.append(time.perf_counter() - begin)

    window.results.arrived.connect(arrive)
    window.open_results(folder / "results.npy")
    while not arrived:
        app.processEvents()
    good = [tell("first picture of merged results (clock)", 1000 * arrived[0], 1000)]
    window.state.go(4500.5, 6000.5, 1.0)
    times, end = [], time.perf_counter() + 3
    while time.perf_counter() < end:
        app.processEvents()
    for step in range(30):
        window.state.pan((-1) ** step * 20, 17)
        times.append(milliseconds(window.merged.image.viewport().repaint))
        app.processEvents()
    words = "panning over merged results, 12,000 × 9,000 × 3"
    good.append(tell(words, statistics.median(times), 16))
    sys.stdout.write(f"{'private memory then':<52}{private_memory():9.0f} MB\n")
    window.close()
    return all(good)


def many(app: QApplication, folder: Path) -> list[bool]:
    """Measure how a data set of 3,000 images opens, and a step from one to the next."""
    draw = np.random.default_rng(0)
    mask = np.zeros((512, 512), dtype=bool)
    mask[100:120, 200:230] = True
    for label, count in {"good": 2000, "hole": 1000}.items():
        for part in ("test", "ground_truth"):
            (folder / part / label).mkdir(parents=True)
        image, truth = folder / "image.png", folder / "mask.png"
        write_image(image, draw.integers(0, 256, (512, 512, 3), dtype=np.uint8))
        write_image(truth, mask)
        for number in range(count):
            shutil.copy(image, folder / f"test/{label}/{number:04}.png")
            if label == "hole":
                shutil.copy(truth, folder / f"ground_truth/hole/{number:04}_mask.png")
        image.unlink()
        truth.unlink()
    window = new_window()
    begin = time.process_time()
    window.open([folder])
    wait(app, window)
    opened = 1000 * (time.process_time() - begin)
    wait(app, window, jobs=True)

    def step() -> float:
        before, begin = window.viewer.loaded, time.thread_time()
        window.viewer.step(1)
        while window.viewer.loaded is before:
            app.processEvents()
            time.sleep(0.001)
        window.canvas.viewport().repaint()
        return 1000 * (time.thread_time() - begin)

    stepped = statistics.median(step() for _ in range(60))
    window.close()
    return [
        tell("a data set of 3,000 images opened", opened, 1000),
        tell("a step to the next of them, main thread", stepped, 50),
    ]


def private_memory() -> float:
    """Return the memory that is this process's alone, MB; 0 where nobody says."""
    status = Path("/proc/self/status")
    lines = status.read_text("utf-8").splitlines() if status.exists() else []
    found = [line.split()[1] for line in lines if line.startswith("RssAnon")]
    return int(found[0]) / 1000 if found else 0.0


MEASURED: dict[str, Callable[[QApplication, Path], bool | list[bool]]] = {
    "start": start,
    "sheets": sheets,
    "huge": huge,
    "changes": changes,
    "maps": maps,
    "merged": merged,
    "survey": survey,
    "many": many,
    "repaints": partial(repaints, coverage=False),
    "coverage": partial(repaints, coverage=True),
}


def main() -> int:
    """Measure what is named, by default everything, each in a process of its own."""
    names = sys.argv[1:] or list(MEASURED)
    if len(names) > 1:
        run = [sys.executable, __file__]
        return max(
            subprocess.run([*run, name], check=False).returncode for name in names
        )
    install_message_handler()
    app = QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as folder:
        good = MEASURED[names[0]](app, Path(folder))
    return 0 if np.all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
