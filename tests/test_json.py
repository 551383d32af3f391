"""JSON there and back: it is all that untiling needs."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from reftiler import SPEC_VERSION, Grid, Tiler, TilingError
from reftiler.json_io import read_json
from reftiler.validation import shorten
from tests.strategies import merges


@given(merges())
def test_json_there_and_back(merge: Any) -> None:
    tiler = merge.case.tiler(Tiler)
    grid = merge.case.grid(tiler)
    again = Grid.from_json(grid.to_json())
    assert type(again) is Grid
    assert again == grid
    assert hash(again) == hash(grid)
    assert again.to_json() == grid.to_json()
    assert again.starts.tolist() == grid.starts.tolist()
    assert again.coverage().tolist() == grid.coverage().tolist()
    assert again.tiler == tiler == Tiler.from_json(tiler.to_json())
    assert Tiler.from_json(tiler.to_json()).to_json() == tiler.to_json()


def test_what_json_holds() -> None:
    tiler = Tiler((4, 5), (2, 5), mode="even", pad_value=math.nan, fill=-math.inf)
    content = json.loads(tiler.grid((9, 12)).to_json())
    assert content["spec_version"] == SPEC_VERSION == "1.1"
    assert content["image_size"] == [9, 12]
    assert set(content) == {"spec_version", "tiler", "image_size"}
    assert content["tiler"]["tile_size"] == [4, 5]
    assert content["tiler"]["stride"] == [2, 5]
    assert content["tiler"]["mode"] == "even"
    assert content["tiler"]["pad_value"] == "nan"
    assert content["tiler"]["fill"] == "-inf"
    scattered = json.loads(tiler.scatter((9, 12), [(0, 1), (5, 7)]).to_json())
    assert scattered["starts"] == [[0, 1], [5, 7]]
    assert set(scattered) == {"spec_version", "tiler", "image_size", "starts"}


def test_json_is_strict_json() -> None:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    for value in (math.nan, math.inf, -math.inf):
        text = Tiler(4, pad_value=value, fill=value).to_json()
        json.loads(text, parse_constant=refuse)
        again: Any = Tiler.from_json(text)
        assert repr(float(again.pad_value)) == repr(float(value))
        assert repr(float(again.fill)) == repr(float(value))


@pytest.mark.parametrize("value", [0.1, -0.0, 1e300, 5e-324, 2**64 - 1, -(2**63), 7])
def test_constants_survive_json_exactly(value: float) -> None:
    again = Tiler.from_json(Tiler(4, pad_value=value, fill=value).to_json())
    for got in (again.pad_value, again.fill):
        assert got == value
        assert math.copysign(1, got) == math.copysign(1, value)


def test_files_of_json_are_read_up_to_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": [1, 2]}')
    assert read_json(path, limit=13) == {"a": [1, 2]}
    with pytest.raises(TilingError, match=r"a\.json has 13 bytes, more than the 12"):
        read_json(path, limit=12)
    with pytest.raises(OSError, match="a"):
        read_json(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(TilingError, match="pipe"):
            read_json(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 10**5, "nested too deeply"),
        ('{"a":' * 10**5, "nested too deeply"),
        ("9" * 10**4, "is not JSON"),
        ("{", "is not JSON"),
        ('"' + "x" * 10**4, "is not JSON"),
        (b"\xff\xff", "is not JSON"),
    ],
)
def test_odd_texts_are_one_short_sentence(text: str | bytes, words: str) -> None:
    with pytest.raises(TilingError, match=words) as caught:
        Grid.from_json(text)
    assert len(str(caught.value)) < 250


def test_values_in_messages_are_short() -> None:
    nested: Any = []
    for _ in range(30):
        nested = [nested] * 9  # stands for 9**30 lists
    for value in (nested, "x" * 10**6, list(range(10**6)), {"a": "b" * 10**6}, 9**9999):
        assert len(shorten(value)) <= 100
    assert shorten([256, (1, "a"), None]) == "[256, (1, 'a'), None]"
