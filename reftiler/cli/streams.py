"""Output that any terminal, pipe and disk can take, or a line that says why not."""

import codecs
import os
import sys
from typing import TextIO

__all__ = ["flush", "make_safe"]

_PLAIN = {"×": "x", "…": "...", "−": "-", "→": "->"}
_HANDLER = "reftiler.plain"


def make_safe() -> None:
    """Write what an encoding lacks in plain characters, instead of failing."""
    codecs.register_error(_HANDLER, _replace)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # None where the stream is closed
            stream.reconfigure(errors=_HANDLER)


def flush(code: int) -> int:
    """
    Write out what is left and return the exit code: 1 if that fails.

    A stream that fails is closed for good, or the interpreter would complain of it
    once more when it ends. The reason is said unless an error was said before.
    """
    said = code != 0
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError) as error:
            code = code or 1
            _close(stream)
            if not said and not isinstance(error, BrokenPipeError):
                reason = getattr(error, "strerror", None) or error
                _complain(f"error: cannot write the output: {reason}\n")
    return code


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    plain = "".join(map(_plain, letters))
    return plain, error.end


def _plain(letter: str) -> str:
    known = _PLAIN.get(letter)
    return known or letter.encode("ascii", "backslashreplace").decode("ascii")


def _close(stream: TextIO) -> None:
    """Let what is left in a stream's buffer go nowhere."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):  # there is no file behind it
        pass


def _complain(message: str) -> None:
    try:
        sys.stderr.write(message)
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # nor can stderr be written to
        pass
