"""Output that any terminal, pipe and disk can take, or a line that says why not."""

import codecs
import os
import sys
from contextlib import suppress
from pathlib import Path

_PLAIN = str.maketrans({"×": "x", "…": "...", "−": "-", "→": "->"})
_HANDLER = "reftiler.plain"


def make_safe() -> None:
    """Write what an encoding lacks in plain characters, instead of failing."""
    codecs.register_error(_HANDLER, _replace)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # None where the stream is closed
            stream.reconfigure(errors=_HANDLER)


def flush(code: int) -> int:
    """Write out what is left and return the exit code: 1 with a reason if it fails."""
    said = code != 0
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError) as error:
            code = code or 1
            # What is left goes nowhere: the interpreter would complain of it once more.
            with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())
            if not said and not isinstance(error, BrokenPipeError):
                reason = getattr(error, "strerror", None) or error
                with suppress(OSError, ValueError, AttributeError):  # stderr fails too
                    sys.stderr.write(f"error: cannot write the output: {reason}\n")
                    sys.stderr.flush()
    return code


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end].translate(_PLAIN)
    return letters.encode("ascii", "backslashreplace").decode("ascii"), error.end
