"""Tiles that another tool cut, found by a pattern of their names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("skimage")

from reftiler import Tiler, TilingError
from reftiler.io import write_image
from reftiler.tilesets.foreign_tiles import NamePattern, Placement, foreign_images
from reftiler.tilesets.maps import MapOptions
from reftiler.tilesets.reassemble import TiledImageSet, reassemble
from reftiler_conformance.compare import same_bits
from tests.folders import SIZE, picture

KEEP = MapOptions()


@pytest.fixture
def image() -> NDArray[Any]:
    return picture("uint8", 3)


def cut(
    folder: Path,
    image: NDArray[Any],
    name: str,
    tiler: Tiler | None = None,
    *,
    count_from: int = 0,
    short: bool = False,
) -> Tiler:
    """Write tiles; with ``short`` those that stick out are cut short."""
    tiler = tiler or Tiler(16, 12, channels_last=True)
    grid = tiler.grid(SIZE)
    for k, tile in enumerate(tiler.tile(image)):
        row, col = np.unravel_index(k, grid.shape)
        y, x = grid.boxes[k, :, 0].tolist()
        if short:
            tile = image[grid.slices(k)]  # noqa: PLW2901
        path = folder / name.format(
            row=row + count_from, col=col + count_from, x=x, y=y, index=k + count_from
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, tile)
    return tiler


def found(folder: Path, pattern: str, **placement: Any) -> TiledImageSet:
    return foreign_images(folder, NamePattern(pattern), Placement(**placement), KEEP)


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("count_from", [0, 1])
@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("a_{row}_{col}.png", "{id}_{row}_{col}.png"),
        ("a_{row:04d}-{col:02d}.tif", "{id}_{row}-{col}"),
        ("deep/a/r{row}c{col}.npy", "{id}/r{row:02}c{col}.npy"),
        ("a_{index:03d}.png", "{id}_{index}.png"),
        ("a_x{x}_y{y}.png", "{id}_x{x}_y{y}.png"),
        ("a_{index}_{row}_{col}_{x}_{y}.png", "{id}_{index}_{row}_{col}_{x}_{y}"),
    ],
)
def test_names_say_where_tiles_lie(
    tmp_path: Path,
    image: NDArray[Any],
    name: str,
    pattern: str,
    count_from: int,
    *,
    short: bool,
) -> None:
    cut(tmp_path, image, name, count_from=count_from, short=short)
    one = found(tmp_path, pattern, size=SIZE, stride=(12, 12))
    assert [tiled.id for tiled in one.images] == ["deep/a" if "deep" in name else "a"]
    same_bits(reassemble(one.images[0]), image)
    told = any("count from 1" in note for note in one.notes)
    assert told == (count_from == 1 and "{x}" not in pattern)


@pytest.mark.parametrize("mode", ["clamp", "even", "drop"])
def test_the_last_row_and_column_may_lie_otherwise(
    tmp_path: Path, image: NDArray[Any], mode: str
) -> None:
    cut(
        tmp_path, image, "{row}_{col}.png", Tiler(16, 12, channels_last=True, mode=mode)
    )
    options = MapOptions(settings={"fill": 201})
    pattern = NamePattern("{row}_{col}")
    placement = Placement(mode=mode, size=SIZE, stride=(12, 12))
    one = foreign_images(tmp_path, pattern, placement, options)
    whole = reassemble(one.images[0])
    bare = (whole == 201).all(axis=-1)
    assert bare.any() == (mode == "drop")
    assert np.array_equal(whole[~bare], image[~bare])


def test_the_size_is_what_the_tiles_cover(tmp_path: Path, image: NDArray[Any]) -> None:
    for name in ("{x}_{y}.png", "{row}_{col}.png"):
        folder = tmp_path / name[1:4]
        cut(folder, image, name)
        one = found(folder, name, overlap=(4, 4))
        assert one.images[0].result_shape == (40, 52, 3)
        assert any("40x52" in note for note in one.notes)
        whole = reassemble(one.images[0])
        assert np.array_equal(whole[: SIZE[0], : SIZE[1]], image)


def test_several_images_each_get_their_tiles(
    tmp_path: Path, image: NDArray[Any]
) -> None:
    for name in ("a", "b_1"):
        shown = image if name == "a" else 255 - image
        cut(tmp_path, shown, name + "_{row}_{col}.png")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "a_1.png").touch()
    one = found(tmp_path, "{id}_{row}_{col}.png", size=SIZE, stride=(12, 12))
    whole = {tiled.id: reassemble(tiled) for tiled in one.images}
    assert sorted(whole) == ["a", "b_1"]
    same_bits(whole["a"], image)
    same_bits(whole["b_1"], 255 - image)
    assert any("2 files (a_1.png, notes.txt)" in note for note in one.notes)


def test_maps_of_another_size_have_the_scale_of_the_tile(
    tmp_path: Path, image: NDArray[Any]
) -> None:
    tiler = Tiler(16, 12, channels_last=True)
    for k, (y, x) in enumerate(tiler.grid(SIZE).starts.tolist()):
        tile = tiler.tile(image)[k]
        five = np.tile(tile[::2, ::2], 2)[..., :5] / 2
        np.save(tmp_path / f"a_{x}_{y}.npy", np.moveaxis(five, -1, 0))
    one = found(tmp_path, "{id}_{x}_{y}.npy", tile=(16, 16), size=SIZE)
    whole = tiler.apply(
        lambda tiles: np.tile(tiles[:, ::2, ::2], 2)[..., :5] / 2, image
    )
    same_bits(reassemble(one.images[0]), whole)
    with pytest.raises(TilingError, match="--tile, or --axes"):
        found(tmp_path, "{id}_{x}_{y}.npy", size=SIZE)


def test_tiles_keep_their_border_where_they_stick_out(
    tmp_path: Path, image: NDArray[Any]
) -> None:
    image = np.pad(image, [(0, 6), (0, 4), (0, 0)], "edge")  # a pixel less than tiles
    tiler = Tiler(16, 12, channels_last=True)
    for k, (y, x) in enumerate(tiler.grid(image.shape[:2]).starts.tolist()):
        write_image(tmp_path / f"{x}_{y}.png", tiler.tile(image)[k])
    options = MapOptions(settings={"remove_border_count": 2})
    placement = Placement(size=image.shape[:2], stride=(12, 12))
    one = foreign_images(tmp_path, NamePattern("{x}_{y}"), placement, options)
    same_bits(reassemble(one.images[0]), image)


def test_missing_tiles_are_named(tmp_path: Path, image: NDArray[Any]) -> None:
    cut(tmp_path, image, "a_{row}_{col}.png")
    (tmp_path / "a_1_2.png").unlink()
    placement: dict[str, Any] = {"size": SIZE, "stride": (12, 12)}
    with pytest.raises(TilingError, match="lacks the tiles at row and column 1 2:"):
        found(tmp_path, "{id}_{row}_{col}.png", **placement)
    one = foreign_images(
        tmp_path,
        NamePattern("{id}_{row}_{col}.png"),
        Placement(**placement),
        MapOptions(settings={"fill": 0}),
    )
    assert "1 2" in one.notes[0]
    whole = reassemble(one.images[0])
    bare = np.zeros(SIZE, dtype=bool)
    bare[16:24, 28:36] = True  # what no neighbour shows
    assert not whole[bare].any()
    assert np.array_equal(whole[~bare], image[~bare])


@pytest.mark.parametrize(
    ("pattern", "placement", "words"),
    [
        ("{id}.png", {}, "does not say where"),
        ("{id}_{row}.png", {}, "does not say where"),
        ("{id}_{row}_{row}_{col}.png", {}, "each once"),
        ("{foo}_{x}_{y}.png", {}, "each once"),
        ("{}_{x}_{y}.png", {}, "each once"),
        ("{x_{y}.png", {}, "is wrong"),
        ("b_{x}_{y}.png", {}, "no file .* is called b_"),
        ("{id}_{row}_{col}.png", {}, "give --stride or --overlap"),
        ("only/{index}.png", {"stride": (12, 12)}, "give --size"),
        ("{id}_{row}_{col}.png", {"stride": (12, 12), "size": (20, 20)}, "outside"),
        ("{id}_{y}_{x}.png", {"size": (2, 20)}, "outside of the image of 2x20"),
        ("{id}_{row}_{col}.png", {"stride": (17, 12)}, "larger than the tile"),
        (
            "{id}_{row}_{col}.png",
            {"stride": (12, 12), "first": 1},
            "row 0 and col 0, not with 1",
        ),
    ],
)
def test_what_says_too_little_is_refused(
    tmp_path: Path,
    image: NDArray[Any],
    pattern: str,
    placement: dict[str, Any],
    words: str,
) -> None:
    cut(tmp_path, image, "a_{row}_{col}.png")
    cut(tmp_path, image, "only/{index}.png")
    with pytest.raises(TilingError, match=words):
        found(tmp_path, pattern, **placement)


def test_two_files_in_one_place_are_refused(
    tmp_path: Path, image: NDArray[Any]
) -> None:
    cut(tmp_path, image, "a_{row}_{col}.png")
    write_image(tmp_path / "a_1_02.png", image[:16, :16])
    with pytest.raises(TilingError, match=r"a_1_02\.png and .*a_1_2\.png lie in one"):
        found(tmp_path, "{id}_{row}_{col}.png", stride=(12, 12))


def test_tiles_cut_short_need_the_size(tmp_path: Path, image: NDArray[Any]) -> None:
    cut(tmp_path, image, "a_{row}_{col}.png", short=True)
    one = found(tmp_path, "{id}_{row}_{col}.png", stride=(12, 12))
    with pytest.raises(TilingError, match="--size HxW"):
        reassemble(one.images[0])
    write_image(tmp_path / "a_0_1.png", image[:15, :16])  # not at the edge
    one = found(tmp_path, "{id}_{row}_{col}.png", stride=(12, 12), size=SIZE)
    with pytest.raises(TilingError, match=r"a_0_1\.png is uint8 \(15, 16, 3\)"):
        reassemble(one.images[0])


@pytest.mark.parametrize(
    ("count_from", "lost"),
    [(0, {"r0", "c0", "r1"}), (1, {"r1"}), (1, {"c1"}), (0, {"r0", "c0"})],
)
def test_first_tiles_that_are_missing_move_nothing(
    tmp_path: Path, image: NDArray[Any], count_from: int, lost: set[str]
) -> None:
    cut(tmp_path, image, "{row}_{col}.png", count_from=count_from)
    for path in tmp_path.iterdir():
        row, _, col = path.stem.partition("_")
        if lost & {f"r{row}", f"c{col}"}:
            path.unlink()
    options = MapOptions(settings={"fill": 201})
    placement = Placement(size=SIZE, stride=(12, 12))
    pattern = NamePattern("{row}_{col}")
    if len(lost) != 2:  # else row and column 1 are the first of a whole image
        with pytest.raises(TilingError, match="--first 0"):
            foreign_images(tmp_path, pattern, placement, options)
    told = replace(placement, first=count_from)
    whole = reassemble(foreign_images(tmp_path, pattern, told, options).images[0])
    kept = (whole != 201).any(axis=-1)
    assert kept.any()
    assert kept[:12].any() == (f"r{count_from}" not in lost)
    assert np.array_equal(whole[kept], image[kept])
