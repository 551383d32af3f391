"""How the command talks: results to stdout; progress and one-line errors to stderr."""

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from typer.core import TyperCommand

from reftiler.errors import (
    FolderBusyError,
    NoSuchFunctionError,
    TilingError,
    count,
    printable,
)

if TYPE_CHECKING:
    from rich.progress import Progress

DONE, FAILED, BAD_CALL = 0, 1, 2
"""Exit codes."""

# Names of files are shown as they are: `:bug:` is no emoji.
stdout = Console(highlight=False, emoji=False)
stderr = Console(stderr=True, highlight=False, emoji=False)

_ClickException: type[Exception] = next(  # typer has click inside, under another name
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)


class UsageError(Exception):
    """What was asked for cannot be done, whatever the files hold."""


@contextmanager
def as_usage_error() -> Iterator[None]:
    """Take what the library refuses here as the fault of the call."""
    try:
        yield
    except (TilingError, TypeError) as error:
        raise UsageError(str(error)) from error


def say(text: str) -> None:
    """Print a line as it is: a name is no markup, and nothing is wrapped."""
    stdout.print(printable(text), markup=False, soft_wrap=True)


def say_notes(notes: Iterable[str]) -> None:
    """Print what the reader should know, a line each."""
    for note in notes:
        say(f"note: {note}")


@contextmanager
def resumable(hint: str) -> Iterator[None]:
    """Say after Ctrl-C that nothing is lost; 130 is the shells' code for it."""
    try:
        yield
    except KeyboardInterrupt:
        stderr.print(f"interrupted: {hint}", soft_wrap=True)
        raise typer.Exit(130) from None


def refuse_existing(
    files: Iterable[Path], *, overwrite: bool, instead: str = "another folder"
) -> None:
    """Refuse to write over what is there, unless ``overwrite`` is given."""
    there = next((file for file in files if file.exists()), None)
    if there is not None and not overwrite:
        raise UsageError(f"{there} exists: give {instead}, or --overwrite")


class PlainHelp:
    """Part of a command whose help shows no types of Python, which say nothing new."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters, as typer does."""
        parameters = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""  # `--json <bool>` would ask for a value
            elif parameter.param_type_name == "argument":
                parameter.display_type_rich = lambda ctx: None
        return parameters


class OneLineErrors(PlainHelp, TyperCommand):
    """A command whose refused calls are said in one line, without a usage or a box."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run it, as typer does, and exit."""
        return exit_with_one_line(functools.partial(super().main, *args, **kwargs))


def exit_with_one_line(main: Callable[..., Any]) -> Any:
    """Run a command's `main` and exit; an error becomes a line on stderr and a code."""
    code: Any = FAILED
    try:
        code = main(standalone_mode=False)  # typer itself deals with broken pipes
    except _ClickException as error:
        code = _show(error)
    except (UsageError, FolderBusyError, NoSuchFunctionError) as error:
        code = BAD_CALL
        _print_error(str(error))
    except typer.Abort:
        pass
    except (TilingError, TypeError, ImportError) as error:
        _print_error(str(error))
    except OSError as error:
        _print_error(f"{error.filename or 'the disk'}: {error.strerror or error}")
    except UnicodeEncodeError as error:  # a name such as b"\xff.png"
        name = error.object[max(0, error.start - 20) : error.end + 10]
        _print_error(f"a name is no text and cannot be written: …{name}…")
    except MemoryError:
        _print_error("there is not enough memory: use smaller images or tiles")
    raise SystemExit(code if isinstance(code, int) else DONE)


def _show(error: Any) -> int:
    """Print what typer refuses; without any word the help was printed already."""
    ctx = getattr(error, "ctx", None)
    message = " ".join(error.format_message().split()).rstrip(".")
    if message:
        more = f" (see {ctx.command_path} --help)" if ctx else ""
        _print_error(message + more)
    return int(error.exit_code)


def _print_error(message: str) -> None:
    with suppress(OSError):  # stderr itself may be full or closed
        stderr.print("[bold red]error:[/]", end=" ")
        stderr.print(printable(message), markup=False, soft_wrap=True)


@contextmanager
def progress(words: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on stderr, if that is a terminal, and yield what moves it on."""
    with _bar() as bar:
        task = bar.add_task(words, total=total)
        yield lambda: bar.advance(task)


@contextmanager
def progress_of(
    words: str, tiles: int, images: int
) -> Iterator[Callable[[int, int], None]]:
    """Show one bar for the tiles of many images; yield what moves it on by some."""
    done = 0
    with _bar() as bar:
        task = bar.add_task(words, total=tiles or images)

        def advance(more_tiles: int, more_images: int) -> None:
            nonlocal done
            done += more_images
            shown = f"{words}, {done:,} of {count(images, 'image')} done"
            step = more_tiles if tiles else more_images
            bar.update(task, advance=step, description=shown)

        yield advance


def _bar() -> "Progress":
    from rich import progress as bars  # noqa: PLC0415 - help and refusals show none

    return bars.Progress(
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        console=stderr,
        transient=True,
        disable=not stderr.is_terminal,
    )


def times(sizes: tuple[int, ...]) -> str:
    """Write ``256 × 128``."""
    return " × ".join(map(str, sizes))
