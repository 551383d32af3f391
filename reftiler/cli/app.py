"""The command's frame: its name, its version, its help and the list of commands."""

import inspect
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Annotated

import typer

from reftiler import SPEC_VERSION, __version__
from reftiler.cli.console import reporting
from reftiler.cli.demo import demo
from reftiler.cli.grid import grid
from reftiler.cli.options import with_options
from reftiler.cli.tile import tile
from reftiler.cli.untile import untile

_CODES = "Exit codes: 0 done, 1 the work failed, 2 the call was wrong."

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"reftiler {__version__} (specification {SPEC_VERSION})")
        raise typer.Exit


def _reftiler(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_show_version, help="Show the version."
        ),
    ] = False,
) -> None:
    """Cut images into tiles, and put them together again without losing a pixel.

    [bold]Examples[/]

    reftiler demo
    reftiler grid 1000x1400 --tile 256 --stride 128
    reftiler tile part.png tiles --tile 256 --overlap 64
    reftiler untile tiles whole.png
    """


def _help(command: Callable[..., None]) -> str:
    """Return a docstring with every paragraph on one line, but for the examples."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(
        text if text.startswith("reftiler ") else text.replace("\n", " ")
        for text in paragraphs
    )


def _plugins() -> Iterator[Callable[..., None]]:
    """Yield the commands of other packages, such as the conformance kit."""
    for entry in sorted(entry_points(group="reftiler.commands"), key=lambda e: e.name):
        yield entry.load()


app.callback(help=_help(_reftiler), epilog=_CODES)(_reftiler)
_OWN = (with_options(grid), with_options(tile), untile, with_options(demo))
for command in (*_OWN, *_plugins()):
    app.command(help=_help(command), epilog=_CODES)(reporting(command))
