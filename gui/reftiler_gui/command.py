"""``reftiler view`` and ``reftiler-gui``: the viewer from the command line."""

import ctypes
import math
import os
import re
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reftiler.cli.app import as_command
from reftiler.cli.console import UsageError, progress, refuse_existing
from reftiler.cli.options import TilingOptions
from reftiler.cli.signals import ending_at_once
from reftiler.errors import printable

if TYPE_CHECKING:
    from reftiler.config import TilingConfig
    from reftiler_gui.results_model import Source


MOCK_MODELS = ("rim", "offset", "noise", "none")
"""Names of simulated models, repeated here so that help need not import them."""
_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
}
"""What Qt needs of the system, and the package of Debian that has it."""
_X11_LIBRARIES = {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    **{
        f"libxcb-{name}.so.{number}": f"libxcb-{name}{number}"
        for name, number in (
            *(("cursor", 0), ("icccm", 4), ("image", 0), ("keysyms", 1)),
            *(("randr", 0), ("render-util", 0), ("shape", 0), ("xkb", 1)),
        )
    },
}
"""What it needs in addition for windows of an X server."""


def view(
    options: TilingOptions,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATHS",
            help="Images, folders, data sets, settings (YAML) and what the "
            "conformance kit wrote; the bundled sample by default.",
        ),
    ] = None,
    *,
    maps: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="A folder of anomaly maps, matched to the images by name, or a file.",
        ),
    ] = None,
    screenshot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a picture of the window and exit."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a page on all images, and a CSV file beside it, and exit: "
            "what tiling leaves of each defect.",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="VALUE",
            help="Of the anomaly maps, in the report; by default the lowest at which a "
            "defect and no good image is found.",
            show_default=False,
        ),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="What a model returned for the tiles: an array (K, …), or a folder of "
            "results with the manifest of the tiles.",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="Run a model on the tiles in view: module:function (imported from the "
            "current directory too), file.py:function, .onnx or .pt2. It runs code: "
            "give only what you trust.",
        ),
    ] = "",
    simulate: Annotated[
        str,
        typer.Option(
            metavar="NAME", help=f"A simulated model error: {', '.join(MOCK_MODELS)}."
        ),
    ] = "",
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace the picture or the report that is there."
        ),
    ] = False,
    size: Annotated[
        str, typer.Option(metavar="WxH", help="Of the window, width first.")
    ] = "",
    view: Annotated[
        str, typer.Option("--view", metavar="NAME", help="The view to begin with.")
    ] = "",
    theme: Annotated[
        str, typer.Option(metavar="NAME", help="system, light or dark.")
    ] = "",
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Forget what is remembered from the last time."),
    ] = False,
) -> None:
    """Show tiles, masks and defects on images, in a window.

    [bold]Examples[/]

    reftiler view
    reftiler view bottle --tile 256 --overlap 64
    reftiler view part.png --screenshot window.png --size 1280x800
    reftiler view part.png --tile 256 --overlap 64 --report part.html
    reftiler view part.png --tile 256 --overlap 64 --results maps.npy
    reftiler view part.png --tile 256 --model mymodel:predict
    """
    given_paths = (*(paths or ()), *(maps or ()))
    missing = [path for path in given_paths if not path.exists()]
    if missing:
        raise UsageError(f"there is no {missing[0]}: give an image or a folder")
    given = any(getattr(options, field.name) is not None for field in fields(options))
    config = options.resolve() if given else None
    wanted = _size(size)
    outputs = [("--screenshot", screenshot), ("--report", report)]
    outputs += [("--report", report.with_suffix(".csv"))] if report else []
    _check_outputs(outputs, paths, overwrite)
    if threshold is not None and (report is None or not math.isfinite(threshold)):
        raise UsageError("--threshold VALUE is a number, and belongs to --report FILE")
    source = _results(results, model, simulate)
    if source and report is not None and screenshot is None:
        raise UsageError(
            "--results, --model and --simulate need the window: leave out --report"
        )
    if report is not None:
        _report(report, paths or (), config, maps or (), threshold, overwrite)
        if screenshot is None:
            return
    if screenshot is not None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        os.environ["QT_LOGGING_RULES"] = "qt.qpa.*=false"
    with ending_at_once():
        check_libraries()
        from reftiler_gui import app  # noqa: PLC0415 - it needs Qt

    asked = app.LaunchOptions(
        paths=tuple(paths or ()),
        maps=tuple(maps or ()),
        config=config,
        size=wanted,
        view=view,
        results=source,
        theme=theme,
        fresh=fresh or screenshot is not None,
    )
    if screenshot is not None:
        app.take_screenshot(asked, screenshot)
        typer.echo(f"Wrote {printable(str(screenshot))}")
    elif code := app.run(asked):
        raise typer.Exit(code)


def app(prog_name: str = "reftiler-gui") -> None:
    """Run the viewer as a program of its own."""
    as_command("reftiler-gui", view)(prog_name=prog_name)


def _check_outputs(
    outputs: Sequence[tuple[str, Path | None]],
    paths: Sequence[Path] | None,
    overwrite: bool,
) -> None:
    """Refuse to write over what is to be shown, and over what is there unasked."""
    written = [(option, path) for option, path in outputs if path is not None]
    if overwrite and not written:
        raise UsageError("--overwrite belongs to --screenshot FILE and --report FILE")
    for option, path in written:
        if not path.exists():
            continue
        if any(path.samefile(shown) for shown in paths or ()):
            raise UsageError(f"{option} {path} is what is to be shown: give another")
        refuse_existing([path], overwrite=overwrite, instead=f"{option} another name")


def _report(
    path: Path,
    paths: Sequence[Path],
    config: "TilingConfig | None",
    maps: Sequence[Path],
    threshold: float | None,
    overwrite: bool,
) -> None:
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"the report is a page: give a name with .html, got {path}")
    from reftiler_gui.model.report import report_on  # noqa: PLC0415 - it takes a while

    work = report_on(
        paths, config, path, maps=maps, threshold=threshold, overwrite=overwrite
    )
    done = 0
    with progress("Writing the report", 100) as advance:
        try:
            while True:
                share = next(work)
                while done < round(100 * share):
                    advance()
                    done += 1
        except StopIteration as end:
            written = end.value
    table = path.with_suffix(".csv")
    files = printable(f"{path} and {table.name}")
    typer.echo(f"Wrote {files}: {printable(written.summary)}")


def _results(path: Path | None, model: str, mock: str) -> "Source | None":
    if sum(map(bool, (path, model, mock))) > 1:
        raise UsageError("give one of --results, --model and --simulate")
    if path is not None and not path.exists():
        raise UsageError(f"there is no {path}: give an array or a folder of results")
    if not mock:
        return path or model or None
    if mock not in MOCK_MODELS:
        raise UsageError(f"--simulate is one of {', '.join(MOCK_MODELS)}, got {mock!r}")
    from reftiler_gui.model.mock_models import MockModel  # noqa: PLC0415 - needs numpy

    return MockModel(mock)


def _size(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d+)[xX×](\d+)", text)
    if not found or not all(0 < int(side) <= 16384 for side in found.groups()):
        raise UsageError(f"--size must be width and height, 1280x800, got {text!r}")
    width, height = map(int, found.groups())
    return width, height


def check_libraries(
    way_out: str = "give --screenshot FILE for a picture, or run it under xvfb-run",
) -> None:
    """Say in a sentence what is missing, where Qt would abort."""
    if find_spec("PySide6") is None:
        raise UsageError('the viewer needs its extra: pip install "reftiler[gui]"')
    if sys.platform.startswith("linux"):
        chosen = os.environ.get("QT_QPA_PLATFORM", "")
        x11, wayland = os.environ.get("DISPLAY"), os.environ.get("WAYLAND_DISPLAY")
        if not (x11 or wayland) and (not chosen or chosen.startswith("xcb")):
            raise UsageError(
                "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set): "
                + way_out
            )
        on_x11 = chosen.startswith("xcb") or not (chosen or wayland)
        needed = _LIBRARIES | (_X11_LIBRARIES if on_x11 else {})
        if missing := [name for name in needed if not _there(name)]:
            raise UsageError(
                "PySide6 needs libraries of the system that are missing "
                f"({', '.join(missing)}); on Debian and Ubuntu: apt install "
                + " ".join(needed[name] for name in missing)
            )
        if chosen.partition(":")[0] not in _WITHOUT_SERVER and not _answers():
            names = ("DISPLAY", "WAYLAND_DISPLAY")
            given = (
                f"{name}={os.environ[name]}" for name in names if name in os.environ
            )
            raise UsageError(f"no display answers at {', '.join(given)}: {way_out}")
    try:
        import PySide6.QtWidgets  # noqa: F401, PLC0415 - whether it can be loaded
    except ImportError as error:
        raise UsageError(
            f"PySide6 is installed, and cannot be loaded: {error}; a library of the "
            "system may be missing, or two versions of Qt be mixed"
        ) from error


_WITHOUT_SERVER = ("offscreen", "minimal", "minimalegl", "vnc", "linuxfb", "eglfs")
"""Platforms of Qt that need no server of windows."""


def _answers() -> bool:
    """Whether an X server or a Wayland compositor takes a connection."""
    if name := os.environ.get("WAYLAND_DISPLAY"):
        path = Path(os.environ.get("XDG_RUNTIME_DIR", "/nowhere")) / name
        with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
            connection.connect(str(path))
            return True
    if not os.environ.get("DISPLAY"):
        return False
    try:
        library = ctypes.CDLL("libX11.so.6")
    except OSError:
        return True  # Qt will say what is wrong
    library.XOpenDisplay.restype = ctypes.c_void_p
    library.XCloseDisplay.argtypes = [ctypes.c_void_p]
    display = library.XOpenDisplay(None)
    if display:
        library.XCloseDisplay(display)
    return bool(display)


def _there(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
