"""Lists of a data set's splits: VisA's CSV and Real-IAD's JSON."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

from reftiler.errors import TilingError
from reftiler.io.entries import GOOD

MAX_BYTES = 2**27
"""Of a list: what is longer is none."""


SplitList: TypeAlias = tuple[Path, dict[str, tuple[str, str]]]
"""A file, and the split and label, or an empty text, of each image by its path."""


def visa_splits(root: Path) -> SplitList | None:
    """Read the split for one class from VisA's ``split_csv/1cls.csv``, if there."""
    file = root / ".." / "split_csv" / "1cls.csv"
    if not file.is_file():
        return None
    try:
        rows = list(csv.DictReader(_text_of(file).splitlines()))
        names = ((row["image"].partition("/"), row["split"]) for row in rows)
        here = root.resolve().name
        splits = {path: (split, "") for (top, _, path), split in names if top == here}
    except (KeyError, AttributeError, csv.Error) as error:
        raise _damaged(file, error) from error
    return file, splits


def real_iad_splits(root: Path) -> SplitList | None:
    """Read Real-IAD's JSON of a category, if it is where the data set has it."""
    name = f"{root.resolve().name}.json"
    places = (
        root / ".." / ".." / "realiad_jsons" / "realiad_jsons" / name,
        root / ".." / ".." / "realiad_jsons" / name,
        root / ".." / "realiad_jsons" / name,
        root / ".." / name,
        root / name,
    )
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        return None
    try:
        content = json.loads(_text_of(file))
        splits = dict(_real_iad_rows(content))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(file, error) from error
    return file, splits


def _real_iad_rows(content: Any) -> Iterable[tuple[str, tuple[str, str]]]:
    for split in ("train", "test"):
        for row in content.get(split, ()):
            kind = str(row["anomaly_class"])
            yield str(row["image_path"]), (split, GOOD if kind == "OK" else kind)


def _text_of(file: Path) -> str:
    if file.stat().st_size > MAX_BYTES:
        raise TilingError(f"{file} has more than {MAX_BYTES} bytes: no list of splits")
    return file.read_text(encoding="utf-8-sig", errors="replace")


def _damaged(file: Path, error: Exception) -> TilingError:
    reason = f"{type(error).__name__}: {error}"
    return TilingError(f"{file} is no list of splits as its data set has it ({reason})")
