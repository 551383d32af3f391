"""``reftiler view`` and ``reftiler-gui``: the viewer from the command line."""

import ctypes
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reftiler.cli.app import as_command
from reftiler.cli.console import UsageError
from reftiler.cli.options import TilingOptions
from reftiler.cli.signals import ending_at_once

if TYPE_CHECKING:
    from reftiler.config import TilingConfig

__all__ = ["STAND_INS", "app", "view"]

STAND_INS = ("rim", "offset", "noise", "none")
"""Names of stand-ins for a model, repeated here so that help need not import them."""

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
    screenshot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a picture of the window and exit."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a page on the first image and exit: its tiles, its defects.",
        ),
    ] = None,
    stand_in: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Into the report: tiles of a stand-in for a model, merged. One of "
            f"{', '.join(STAND_INS)}.",
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
    """
    missing = [path for path in paths or () if not path.exists()]
    if missing:
        raise UsageError(f"there is no {missing[0]}: give an image or a folder")
    given = any(getattr(options, field.name) is not None for field in fields(options))
    config = options.resolve() if given else None
    wanted = _size(size)
    _check_outputs({"--screenshot": screenshot, "--report": report}, paths, overwrite)
    if stand_in and report is None:
        raise UsageError("--stand-in belongs to --report FILE")
    if report is not None:
        _report(report, paths or (), config, stand_in, overwrite=overwrite)
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
    outputs: dict[str, Path | None], paths: Sequence[Path] | None, overwrite: bool
) -> None:
    """Refuse to write over what is to be shown, and over what is there unasked."""
    written = {option: path for option, path in outputs.items() if path is not None}
    if overwrite and not written:
        raise UsageError("--overwrite belongs to --screenshot FILE and --report FILE")
    for option, path in written.items():
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
    stand_in: str,
    *,
    overwrite: bool,
) -> None:
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"the report is a page: give a name with .html, got {path}")
    if stand_in and stand_in not in STAND_INS:
        names = ", ".join(STAND_INS)
        raise UsageError(f"--stand-in is one of {names}, got {stand_in!r}")
    from reftiler_gui.model.mock_models import MockModel  # noqa: PLC0415 - it needs numpy
    from reftiler_gui.reporting import report_on  # noqa: PLC0415 - it takes a while

    model = MockModel(stand_in) if stand_in else None
    report_on(paths, config, model, path, overwrite=overwrite)


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
