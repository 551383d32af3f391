"""``reftiler view`` and ``reftiler-gui``: the viewer from the command line."""

import ctypes
import math
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reftiler.cli.app import as_command
from reftiler.cli.console import UsageError, progress
from reftiler.cli.options import TilingOptions
from reftiler.cli.signals import ending_at_once
from reftiler.errors import printable

if TYPE_CHECKING:
    from reftiler.config import TilingConfig

__all__ = ["app", "view"]

_NEEDED = ("libGL.so.1", "libEGL.so.1", "libxkbcommon.so.0", "libfontconfig.so.1")
_XCB = ("libxcb-cursor.so.0", "libxcb-icccm.so.4", "libxcb-keysyms.so.1")


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
    if report is not None:
        _report(report, paths or (), config, maps or (), threshold, overwrite)
        if screenshot is None:
            return
    if screenshot is not None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        os.environ["QT_LOGGING_RULES"] = "qt.qpa.*=false"
    with ending_at_once():
        _check_libraries()
        from reftiler_gui import app  # noqa: PLC0415 - it needs Qt

    asked = app.LaunchOptions(
        paths=tuple(paths or ()),
        maps=tuple(maps or ()),
        config=config,
        size=wanted,
        view=view,
        theme=theme,
        fresh=fresh or screenshot is not None,
    )
    if screenshot is not None:
        app.take_screenshot(asked, screenshot)
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
        if not overwrite:
            raise UsageError(
                f"{path} exists: give {option} another name, or --overwrite"
            )


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
    typer.echo(f"{path} and {table.name}: {printable(written.summary)}")


def _size(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d+)[xX×](\d+)", text)
    if not found or not all(0 < int(side) <= 16384 for side in found.groups()):
        raise UsageError(f"--size must be width and height, 1280x800, got {text!r}")
    width, height = map(int, found.groups())
    return width, height


def _check_libraries() -> None:
    """Say what is missing in a sentence, where Qt would abort."""
    plain = sys.platform.startswith("linux")
    chosen = os.environ.get("QT_QPA_PLATFORM", "")
    wayland, x11 = os.environ.get("WAYLAND_DISPLAY"), os.environ.get("DISPLAY")
    if plain and not (chosen or wayland or x11):
        raise UsageError(
            "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set): give "
            "--screenshot FILE for a picture, or run it under xvfb-run"
        )
    if plain:
        on_x11 = not wayland and (chosen or "xcb").startswith("xcb")
        missing = [
            name for name in (*_NEEDED, *(_XCB if on_x11 else ())) if not _there(name)
        ]
        if missing:
            raise UsageError(
                f"Qt needs libraries of the system that are missing: {missing[0]}; on "
                "Debian and Ubuntu: apt install libgl1 libegl1 libxkbcommon0 "
                "libfontconfig1 libdbus-1-3 libxcb-cursor0 libxcb-icccm4 "
                "libxcb-keysyms1 libxcb-shape0 libxkbcommon-x11-0"
            )
    try:
        import PySide6.QtWidgets  # noqa: F401, PLC0415 - whether it is there
    except ImportError as error:
        raise UsageError(
            f'the viewer needs its extra: pip install "reftiler[gui]" ({error})'
        ) from error


def _there(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
