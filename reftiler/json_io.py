"""JSON there and back, with the version of the specification in it."""

import json
import math
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reftiler.dtypes import is_nonfinite
from reftiler.errors import TilingError
from reftiler.validation import MAX_SHOWN, Real, reject_unknown_keys, shorten

SPEC_VERSION = "1.1"  # VERSION-001

MAX_FILE = 2**30
"""Bytes of a file that is read: a manifest of some millions of tiles."""

_LINE_WIDTH = 160
_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def dump(content: Mapping[str, Any]) -> str:
    """Write ``content`` after the version, as JSON that any parser reads."""
    # JSON-003, JSON-004, VERSION-002
    return json.dumps({"spec_version": SPEC_VERSION, **content}, allow_nan=False)


def load(text: str | bytes, known: Sequence[str], where: str) -> dict[str, Any]:
    """Read what `dump` wrote and check version and keys."""
    if not isinstance(text, str | bytes):
        raise TypeError(f"{where} must be read from a str, got {type(text).__name__}")
    return check_content(decode(text, where), known, where)


def decode(text: str | bytes, where: str) -> Any:
    """Decode JSON; refuse what is none, or nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError:
        raise TilingError(f"{where} is nested too deeply: write it anew") from None
    except ValueError as error:
        reason = str(error)[:MAX_SHOWN]
        raise TilingError(f"{where} is not JSON ({reason}): write it anew") from error


def read_json(path: Path, limit: int = MAX_FILE) -> Any:
    """Read a JSON file of up to ``limit`` bytes; an error names it."""
    return decode(read_bytes(path, limit), str(path))


def read_bytes(path: Path, limit: int) -> bytes:
    """Read a file of up to ``limit`` bytes; refuse a pipe or a device."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise TilingError(f"{path} is a pipe or a device: give a file")  # without end
    if found.st_size > limit:
        raise TilingError(
            f"{path} has {found.st_size:,} bytes, more than the {limit:,} that are "
            "read: is it the right file?"
        )
    return path.read_bytes()


def check_content(given: Any, known: Sequence[str], where: str) -> dict[str, Any]:
    """Check a decoded object's version and keys; return it without the version."""
    if not isinstance(given, dict):
        raise TilingError(f"{where} must be a JSON object, got {shorten(given)}")
    content: dict[str, Any] = dict(given)
    _check_version(content.pop("spec_version", None), where)
    reject_unknown_keys(content, known, where)  # JSON-006, JSON-007
    return content


def _check_version(version: Any, where: str) -> None:
    if version is None:  # JSON-009
        raise TilingError(f"{where} has no spec_version: it is damaged or not ours")
    try:
        major, minor = map(int, str(version).split("."))
    except ValueError:
        shown = shorten(version)
        raise TilingError(f"{where} has the odd spec_version {shown}") from None
    ours = tuple(map(int, SPEC_VERSION.split(".")))
    if major != ours[0] or minor > ours[1]:  # JSON-008
        raise TilingError(
            f"{where} is of spec_version {version}, this reftiler reads "
            f"{SPEC_VERSION}: install the reftiler that wrote it, or a newer one"
        )


def require(content: Mapping[str, Any], needed: Sequence[str], where: str) -> None:
    """Refuse an object from which a key is missing."""
    missing = [key for key in needed if key not in content]
    if missing:
        raise TilingError(f"{where} lacks {', '.join(missing)}: it is damaged")


def encode_real(value: Real | None) -> Real | str | None:
    """Write a number; JSON has no NaN and no infinity, so these become words."""
    return str(value) if value is not None and is_nonfinite(value) else value


def decode_real(value: Any) -> Any:
    """Read what `encode_real` wrote."""
    return _NON_FINITE.get(value, value) if isinstance(value, str) else value


def pretty_json(value: Any, indent: str = "") -> str:
    """Write JSON with a line for each small object, as people like to read it."""
    line = json.dumps(value, allow_nan=False, ensure_ascii=False)
    inner = indent + "  "
    if len(indent) + len(line) <= _LINE_WIDTH or not isinstance(
        value, dict | list | tuple
    ):
        return line
    if isinstance(value, dict):
        rows = [f"{json.dumps(k)}: {pretty_json(v, inner)}" for k, v in value.items()]
        return "{\n" + ",\n".join(inner + row for row in rows) + f"\n{indent}}}"
    rows = [pretty_json(item, inner) for item in value]
    if not any("{" in row for row in rows):
        return line  # numbers, however many
    return "[\n" + ",\n".join(inner + row for row in rows) + f"\n{indent}]"
