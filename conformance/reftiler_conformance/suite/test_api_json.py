"""JSON: saving, and reading what was saved.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import refused
from reftiler_conformance.suite.test_api_tiler import SETTINGS

SIZE = (9, 12)
ODD: dict[str, Any] = {
    "mode": "even",
    "pad_value": float("nan"),
    "fill": float("-inf"),
    "window": ((0.1, 3, 7, 1 / 3), (1, 2, 3, 4, 5)),
    "remove_border_count": (1, 0),
}


def tilers(api: Api) -> Iterator[Any]:
    """Return tilers whose settings are hard to write."""
    yield api.Tiler(4)
    yield api.Tiler((4, 5), (2, 5), **ODD)
    for value in (0.1, -0.0, 1e300, 5e-324, 2**64 - 1, -(2**63), True):
        yield api.Tiler(4, overlap=1, pad_value=value, fill=value, channels_last=True)


def grids(api: Api) -> Iterator[Any]:
    """Return fitted and scattered grids of those."""
    for tiler in tilers(api):
        yield tiler.grid(SIZE)
        yield tiler.scatter(SIZE, [(5, 0), (0, 7), (5, 0)])
        yield tiler.random(SIZE, 3, 7)


@api_clause("JSON-002")
def test_has_a_version(api: Api) -> None:
    """The JSON of a tiler is that of its settings, and has a version."""
    tiler = api.Tiler((8, 6), overlap=2)
    alone = json.loads(tiler.to_json())
    assert "spec_version" in alone, "a tiler is written without spec_version"
    del alone["spec_version"]
    assert alone == json.loads(tiler.grid(SIZE).to_json())["tiler"], "two ways to write"
    assert (alone["tile_size"], alone["stride"]) == ([8, 6], [6, 4]), f"sizes: {alone}"
    assert "overlap" not in alone, "the overlap is written beside the stride"
    for given in (tiler, api.Tiler([4], [2], mode="even", window="hann", fill=1)):
        alone = json.loads(given.to_json())
        del alone["spec_version"]
        wrong = set(SETTINGS) ^ set(alone)
        assert not wrong, f"{sorted(wrong)} are not those of the constructor"
        found = api.Tiler(**alone)
        assert found == given, f"the settings of {given} make {found}"


@api_clause("JSON-004")
def test_reads_what_it_wrote(api: Api) -> None:
    """Reading what was written gives an equal tiler or grid."""
    for tiler in tilers(api):
        again = api.Tiler.from_json(tiler.to_json())
        assert again == tiler, f"{tiler} became {again}"
        assert again.to_json() == tiler.to_json(), f"{tiler} is written otherwise"
    for grid in grids(api):
        found = type(grid).from_json(grid.to_json())
        assert found == grid, f"{grid} became {found}"
        assert np.array_equal(found.starts, grid.starts), f"{grid} has other starts"


@api_clause("JSON-005")
def test_is_all_that_is_needed(api: Api) -> None:
    """A grid that was read merges as the one that was written."""
    for tiler in (api.Tiler((4, 5), (2, 5), **ODD), api.Tiler(4, 2, fill=0)):
        for grid in (tiler.grid(SIZE), tiler.scatter(SIZE, [(5, 0), (0, 7), (5, 0)])):
            found = type(grid).from_json(grid.to_json())
            count = len(grid) * int(np.prod(tiler.tile_size))
            tiles = np.sqrt(np.arange(count)).reshape(-1, *tiler.tile_size)
            want = api.back(tiler.untile(api.array(tiles), SIZE, grid))
            reader = api.Tiler.from_other(found.tiler)
            got = api.back(reader.untile(api.array(tiles), SIZE, found))
            assert got.tobytes() == want.tobytes(), f"{grid} merges otherwise"


def changed(text: str, **entries: Any) -> str:
    """Return JSON with other entries; None takes one away."""
    content = json.loads(text) | entries
    return json.dumps({k: v for k, v in content.items() if v is not None})


def documents(api: Api) -> Iterator[tuple[str, Any]]:
    """Return the text of a tiler and of a grid, and what reads each."""
    tiler = api.Tiler(4, 2)
    yield tiler.to_json(), api.Tiler.from_json
    yield tiler.grid(SIZE).to_json(), type(tiler.grid(SIZE)).from_json


@api_clause("JSON-006")
def test_unknown_keys(api: Api) -> None:
    """An unknown key is refused."""
    for text, read in documents(api):
        refused("the key 'colour'", read, changed(text, colour="red"))
    text = api.Tiler(4).grid(SIZE).to_json()
    inner = json.loads(text)["tiler"] | {"colour": "red"}
    read = type(api.Tiler(4).grid(SIZE)).from_json
    refused("the key 'colour' of a grid's tiler", read, changed(text, tiler=inner))


@api_clause("JSON-007")
def test_nearest_keys(api: Api) -> None:
    """The refusal of an unknown key names the nearest known one."""
    near = ("strid", "stride"), ("image_siz", "image_size")
    for (text, read), (wrong, right) in zip(documents(api), near, strict=True):
        words = refused(f"the key {wrong!r}", read, changed(text, **{wrong: [4, 4]}))
        assert right in words.replace(repr(wrong), ""), f"{right} is not in: {words}"


@api_clause("JSON-008")
def test_versions(api: Api) -> None:
    """Text of a newer version, or of another MAJOR, is refused, and both are named."""
    for text, read in documents(api):
        mine = json.loads(text)["spec_version"]
        major, minor = map(int, mine.split("."))
        newer = f"{major}.{minor + 1}", f"{major}.{minor + 10}"
        for other in (*newer, f"{major + 1}.0", f"{major}0.0", f"{major - 1}.9"):
            words = refused(f"version {other}", read, changed(text, spec_version=other))
            for version in (mine, other):
                assert version in words, f"{version} is not in: {words}"
        read(changed(text, spec_version=mine))


@api_clause("JSON-009")
def test_no_version(api: Api) -> None:
    """Text without a version is refused."""
    for text, read in documents(api):
        refused("text without spec_version", read, changed(text, spec_version=None))
