"""Metadata that follow the pixels: parts, other sizes, turned upright, JSON."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from reftiler import TilingError
from reftiler.io.metadata import Metadata, Transform

ROTATED: Transform = (8.0, 3.0, 600000.0, 5.0, -6.0, 5600000.0)
GEO = Metadata(
    transform=ROTATED,
    geo_keys={34735: (1, 1, 0, 1, 3072, 0, 1, 32633), 34737: "WGS 84|"},
    nodata="-9999",
)
ALL = Metadata(
    icc_profile=b"\0\xff profile",
    resolution=(300.0, 150.0),
    resolution_unit="inch",
    transform=ROTATED,
    geo_keys=GEO.geo_keys,
    nodata="nan",
    pixel_size=(0.5, 0.25),
    pixel_unit="µm",
    palette=bytes(range(12)),
)


def position(metadata: Metadata, row: float, column: float) -> tuple[float, float]:
    """Return the coordinates of a pixel's corner."""
    assert metadata.transform is not None
    a, b, c, d, e, f = metadata.transform
    return a * column + b * row + c, d * column + e * row + f


@pytest.mark.parametrize(("top", "left"), [(0, 0), (64, 192), (-16, -5)])
def test_a_part_has_the_coordinates_of_its_place(top: int, left: int) -> None:
    part = ALL.cropped(top, left)
    assert position(part, 7, 11) == position(ALL, top + 7, left + 11)
    assert part.geo_keys == ALL.geo_keys
    assert Metadata(nodata="0").cropped(top, left) == Metadata(nodata="0")


def test_half_the_pixels_are_twice_as_large() -> None:
    half = ALL.scaled(Fraction(1, 2), Fraction(1, 4))
    assert position(half, 5, 3) == position(ALL, 10, 12)
    assert half.pixel_size == (1.0, 1.0)
    assert half.resolution == (75.0, 75.0)
    assert half.scaled(2, 4) == ALL
    for factors in ((0, 1), (1, -1), (float("nan"), 1)):
        with pytest.raises(TilingError, match="above zero"):
            ALL.scaled(*factors)


def upright(stored: Any, orientation: int) -> Any:
    """Turn an array as EXIF's table says: where its first row and column are seen."""
    turned = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.swapaxes(0, 1),
        6: stored[::-1].swapaxes(0, 1),
        7: stored[::-1, ::-1].swapaxes(0, 1),
        8: stored[:, ::-1].swapaxes(0, 1),
    }
    return turned[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_pixels_keep_their_coordinates(orientation: int) -> None:
    height, width = 4, 7
    rows, columns = np.mgrid[:height, :width]
    places = upright(np.stack([rows, columns], axis=-1), orientation)
    turned = ALL.oriented(orientation, (height, width, 3))
    for row, column in np.ndindex(places.shape[:2]):
        old = places[row, column] + 0.5  # centres: corners swap sides
        assert position(turned, row + 0.5, column + 0.5) == position(ALL, *old)
    swapped = orientation >= 5
    assert turned.pixel_size == ((0.25, 0.5) if swapped else (0.5, 0.25))
    assert turned.resolution == ((150.0, 300.0) if swapped else (300.0, 150.0))


def test_orientations_are_1_to_8() -> None:
    with pytest.raises(TilingError, match="orientation must be 1 to 8, got 9"):
        ALL.oriented(9, (2, 2))


@pytest.mark.parametrize("metadata", [Metadata(), GEO, ALL])
def test_json_there_and_back(metadata: Metadata) -> None:
    text = json.dumps(metadata.to_dict(), allow_nan=False)
    assert Metadata.from_dict(json.loads(text)) == metadata
    assert bool(metadata) == (metadata != Metadata())


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"color": 1},
        {"icc_profile": "%%%"},
        {"icc_profile": 5},
        {"resolution": [1.0]},
        {"resolution": "ab"},
        {"transform": [1, 2, 3, 4, 5, float("inf")]},
        {"transform": [1, 2, 3, 4, 5, True]},
        {"transform": [1, 2, 3, 4, 5, 10**400]},
        {"nodata": 0},
        {"geo_keys": {"1": [1]}},
        {"geo_keys": {"34735": [70000]}},
        {"geo_keys": {"34736": ["a"]}},
        {"geo_keys": []},
    ],
)
def test_damaged_json_is_refused(content: Any) -> None:
    with pytest.raises(TilingError, match="metadata"):
        Metadata.from_dict(content)


def test_what_a_format_loses_is_named() -> None:
    assert ALL.lost(".tiff") == ("the pixel size", "the palette")
    assert Metadata(pixel_size=(1.0, 1.0), pixel_unit="µm").lost(".tif") == ()
    assert Metadata(pixel_size=(1.0, 1.0), pixel_unit="pixel").lost(".tif")
    assert ALL.lost(".PNG") == (
        "the coordinates",
        "the coordinate system",
        "the nodata value",
        "the pixel size",
    )
    assert "the ICC profile" in ALL.lost(".npy")
    assert "the pixel size" not in ALL.lost(".ome.zarr")
    assert Metadata().lost(".npy") == ()


@pytest.mark.parametrize(
    ("metadata", "size"),
    [
        (Metadata(), None),
        (Metadata(pixel_size=(2.0, 3.0), pixel_unit="µm"), (2, 3)),
        (Metadata(pixel_size=(2.0, 3.0), pixel_unit="mm"), (2000, 3000)),
        (Metadata(pixel_size=(2.0, 3.0), pixel_unit="parsec"), None),
        (Metadata(pixel_size=(0.0, 3.0), pixel_unit="µm"), None),
        (Metadata(resolution=(100.0, 50.0), resolution_unit="centimeter"), (200, 100)),
        (Metadata(resolution=(0.0, 1.0), resolution_unit="inch"), None),
        (Metadata(resolution=(300.0, 300.0), resolution_unit="inch"), None),
        (Metadata(resolution=(28.346, 28.346), resolution_unit="centimeter"), None),
        (Metadata(resolution=(9.0, 9.0), resolution_unit="none"), None),
        (Metadata(resolution=(508.0, 508.0), resolution_unit="inch"), (50, 50)),
    ],
)
def test_what_a_file_says_of_the_size_of_pixels(
    metadata: Metadata, size: tuple[float, float] | None
) -> None:
    assert metadata.pixel_micrometers() == (
        None if size is None else pytest.approx(size)
    )
