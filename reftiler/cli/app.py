"""The command's frame: its name, its version, its help and the list of commands."""

import inspect
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pkgutil import resolve_name
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from reftiler import __version__
from reftiler.cli.console import (
    OneLineErrors,
    PlainHelp,
    UsageError,
    exit_with_one_line,
)
from reftiler.cli.options import with_options

_CODES = "Exit codes: 0 done, 1 the work failed, 2 the call was wrong."
"""Of commands whose docstring does not end in codes of their own."""
_CONTEXT = {"help_option_names": ["-h", "--help"]}
_PLUGINS = "reftiler.commands"

COMMANDS = {
    "grid": "Show what the tiles of an image are: how many, where, how much memory.",
    "tile": "Cut images into tiles, their masks in step, and write a manifest.",
    "untile": "Put tiles together: images, masks, or what a model made of them.",
    "apply": "Run a model on the tiles of images, and merge its results to maps.",
    "evaluate": "Say how well anomaly maps find the defects of a data set.",
    "demo": "Show what resizing loses of small defects, and tiling keeps.",
}
"""Our own commands, each a function of the module of its name, and what they do: the
first lines of their docstrings, so that help need not import them."""


class LazyCommand(TyperCommand):
    """A command whose module is imported when it is called or its help is read."""

    def __init__(
        self, name: str, load: Callable[[], Any], short_help: str = ""
    ) -> None:
        super().__init__(name, short_help=short_help)
        self._load = load

    def describe(self) -> None:
        """Take the first paragraph of the function for the list of commands."""
        if not self.short_help:
            try:
                self.short_help = _help(self._load()).split("\n\n")[0]
            except ImportError as error:
                self.short_help = f"(cannot be loaded: {error})"
                self.hidden = _is_left_out(error)

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Hand over to the command itself."""
        assert self.name is not None
        try:
            function = self._load()
        except ImportError as error:
            if not _is_left_out(error):
                raise
            raise UsageError(
                f"reftiler {self.name} is not part of the installed package: it runs "
                'in a clone of the project, after pip install -e ".[conformance]" there'
            ) from error
        command = as_command(self.name, function)
        return command.make_context(info_name, args, parent, **extra)


class LazyGroup(PlainHelp, TyperGroup):
    """Our own commands and those of other packages."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, words in COMMANDS.items():
            load = partial(resolve_name, f"reftiler.cli.{name}:{name}")
            self.add_command(LazyCommand(name, load, words))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; others than our own are looked for only where needed."""
        if cmd_name not in self.commands:
            self._add_plugins()
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        """Name all commands, and find out what those of other packages do."""
        self._add_plugins()
        for command in self.commands.values():
            assert isinstance(command, LazyCommand)
            command.describe()
        return list(self.commands)

    def _add_plugins(self) -> None:
        from importlib.metadata import entry_points  # noqa: PLC0415 - it takes a while

        for entry in sorted(entry_points(group=_PLUGINS), key=lambda e: e.name):
            if entry.name not in self.commands:
                self.add_command(LazyCommand(entry.name, entry.load))

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command, as typer does, and exit."""
        return exit_with_one_line(partial(super().main, *args, **kwargs))


def as_command(name: str, function: Callable[..., None]) -> Any:
    """Make a command of a function and of the options that its parameters stand for."""
    program = typer.Typer(
        add_completion=False, rich_markup_mode="rich", context_settings=_CONTEXT
    )
    # Exit codes go below all options.
    words, _, codes = _help(function).partition("\n\nExit codes: ")
    codes = f"Exit codes: {codes}" if codes else _CODES
    command = with_options(function)
    program.command(name, cls=OneLineErrors, help=words, epilog=codes)(command)
    return get_command(program)


def _is_left_out(error: ImportError) -> bool:
    """Whether a part of our own is missing, as the benchmark is in wheels."""
    top, _, part = (error.name or "").partition(".")
    ours = top.startswith("reftiler") and find_spec(top) is not None
    return ours and bool(part)


def _help(command: Callable[..., None]) -> str:
    """Return a docstring with every paragraph on one line, but for the examples."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(
        text if text.startswith("reftiler ") else text.replace("\n", " ")
        for text in paragraphs
    )


def _show_version(wanted: bool) -> None:
    if wanted:
        from reftiler import SPEC_VERSION  # noqa: PLC0415 - it needs numpy

        typer.echo(f"reftiler {__version__} (specification {SPEC_VERSION})")
        raise typer.Exit


def _reftiler(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            is_eager=True,
            callback=_show_version,
            help="Show the version.",
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


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings=_CONTEXT,
)
app.callback(help=_help(_reftiler), epilog=_CODES)(_reftiler)
