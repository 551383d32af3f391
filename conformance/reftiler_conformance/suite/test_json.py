"""JSON and VERSION: what is saved of a grid."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Any, NoReturn

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.draws import ANY, WIDE
from reftiler_conformance.features import WINDOWS


def saved(run: CaseRun) -> dict[str, Any]:
    """Return the grid that was saved, which must be JSON that any parser reads."""
    text = run.ask("save")
    try:
        found = json.loads(text, parse_constant=_no_json)
    except (TypeError, ValueError) as error:
        raise Mismatch(f"what was saved is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise Mismatch("what was saved is no JSON object")
    return found


def _no_json(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def settings_of(content: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a tiler that were saved with its grid."""
    found = content.get("tiler")
    if not isinstance(found, dict):
        raise Mismatch(f"the tiler is {found!r}, should be an object")
    return found


@clause("JSON-001", needs=("json",), scatter=ANY)
def test_keys_of_a_grid(run: CaseRun) -> None:
    """A grid is an object with a version, a tiler, an image size and perhaps starts."""
    case, content = run.case, saved(run)
    want = {"spec_version", "tiler", "image_size"}
    want |= {"starts"} if case.starts is not None else set()
    if set(content) != want:
        raise Mismatch(f"the keys are {sorted(content)}, should be {sorted(want)}")
    if content["image_size"] != list(case.size):
        raise Mismatch(f"the image size is {content['image_size']}, not {case.size}")
    starts = [list(start) for start in case.starts or ()]
    if content.get("starts", []) != starts:
        raise Mismatch(f"the starts are {content['starts']}, should be {starts}")


@clause("JSON-002", needs=("json",), **WIDE | {"window": WINDOWS})
def test_settings_by_name(run: CaseRun) -> None:
    """A tiler is an object with its settings, sizes written out for each axis."""
    case = run.case
    found = settings_of(saved(run))
    want = {"tile_size": case.tile} | case.settings()
    for name, value in want.items():
        if name not in found:
            raise Mismatch(f"{name} was not saved")
        right = list(value) if isinstance(value, tuple) else value
        odd = isinstance(right, float) and not math.isfinite(right)
        if not odd and found[name] != right:
            raise Mismatch(f"{name} is saved as {found[name]!r}, should be {right!r}")
    if strangers := sorted(set(found) - set(want)):
        raise Mismatch(f"{strangers} are no settings of a tiler")


ODD = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
LINE = Case(size=(4,), tile=(2,), stride=(2,))


@clause(
    "JSON-003",
    needs=["json"],
    only=[replace(LINE, pad_value=value, fill=value) for value in ODD.values()],
)
def test_odd_numbers_are_words(run: CaseRun) -> None:
    """Constants that are not finite are written as strings."""
    case = run.case
    found = settings_of(saved(run))
    for name, value in (("pad_value", case.pad_value), ("fill", case.fill)):
        word = str(value)
        if word in ODD and found.get(name) != word:
            message = f"{name} is saved as {found.get(name)!r}, should be {word!r}"
            raise Mismatch(message)


@clause("VERSION-002", needs=("json",))
def test_the_version_is_saved(run: CaseRun) -> None:
    """What is saved carries the version that it was written by."""
    version = saved(run).get("spec_version")
    if not isinstance(version, str) or not re.fullmatch(r"\d+\.\d+", version):
        raise Mismatch(f"the spec_version is {version!r}, should be MAJOR.MINOR")
