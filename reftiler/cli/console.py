"""How the command talks: results to stdout; progress and one-line errors to stderr."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from reftiler.errors import TilingError

DONE, FAILED, BAD_CALL = 0, 1, 2
"""Exit codes."""

P = ParamSpec("P")

stdout = Console(highlight=False)
stderr = Console(stderr=True, highlight=False)


class CallError(Exception):
    """What was asked for cannot be done, whatever the files hold."""


@contextmanager
def bad_call() -> Iterator[None]:
    """Take what the library refuses here as the fault of the call."""
    try:
        yield
    except (TilingError, TypeError) as error:
        raise CallError(str(error)) from error


def reporting(command: Callable[P, None]) -> Callable[P, None]:
    """Turn the errors of a command into a line on stderr and an exit code."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except CallError as error:
            _stop(str(error), BAD_CALL)
        except BrokenPipeError:
            raise  # whoever reads our output has seen enough: click knows what to do
        except (TilingError, TypeError, ImportError) as error:
            _stop(str(error), FAILED)
        except OSError as error:
            _stop(f"{error.filename or 'the disk'}: {error.strerror or error}", FAILED)
        except MemoryError:
            _stop("there is not enough memory: use smaller images or tiles", FAILED)

    return wrapper


def _stop(words: str, code: int) -> None:
    stderr.print("[bold red]error:[/]", end=" ")
    stderr.print(words, markup=False, soft_wrap=True)
    raise typer.Exit(code)


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


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=stderr,
        transient=True,
        disable=not stderr.is_terminal,
    )


def count(number: int, noun: str) -> str:
    """Write ``1 tile`` and ``2 tiles``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def times(sizes: tuple[int, ...]) -> str:
    """Write ``256 × 128``."""
    return " × ".join(map(str, sizes))
