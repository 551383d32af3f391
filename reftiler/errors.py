"""The error that a wrong value raises (ERROR-001), and names made safe to show."""

import unicodedata

__all__ = [
    "FolderBusyError",
    "NoSuchFunctionError",
    "TilingError",
    "count",
    "missing_extra",
    "printable",
]


class TilingError(ValueError):
    """A value breaks a rule of the specification.

    The message names the rule, the values and the way out (ERROR-004). Values of a
    wrong *type* raise ``TypeError`` instead (ERROR-002).
    """


class FolderBusyError(TilingError):
    """Another run is at work in a folder."""


class NoSuchFunctionError(TilingError):
    """There is no model and no function of the name that was given."""


def count(number: int, noun: str, plural: str = "") -> str:
    """Write ``1 tile``, ``2 tiles``, ``1,000 tiles``: numbers as all messages do."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def missing_extra(what: str, extra: str, error: ImportError) -> ImportError:
    """Return the error to raise where what an extra brings cannot be imported."""
    return type(error)(
        f'{what}: pip install "reftiler[{extra}]" ({error})', name=error.name
    )


def printable(text: str) -> str:
    """Escape what a terminal would obey or cannot show, as in the names of files."""
    return "".join(map(_spelled, text))


def _spelled(letter: str) -> str:
    if letter.isprintable() or unicodedata.category(letter) == "Zs":
        return letter
    if "\udc80" <= letter <= "\udcff":  # how Python holds a byte that is no UTF-8
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode("ascii")
