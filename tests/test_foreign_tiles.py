"""Tiles that another tool cut, found by a pattern of their names."""

from __future__ import annotations

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

IMAGE = picture("uint8", 3)


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
        row, col = map(int, np.unravel_index(k, grid.shape))
        y, x = grid.boxes[k, :, 0].tolist()
        if short:
            tile = image[grid.slices(k)]  # noqa: PLW2901
        numbers = zip(("row", "col", "index"), (row, col, k), strict=True)
        counted = {key: n + count_from for key, n in numbers}
        path = folder / name.format(x=x, y=y, **counted)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, tile)
    return tiler


def found(
    folder: Path, pattern: str, settings: dict[str, Any] | None = None, **placement: Any
) -> TiledImageSet:
    options = MapOptions(settings=settings or {})
    return foreign_images(folder, NamePattern(pattern), Placement(**placement), options)


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
    tmp_path: Path, name: str, pattern: str, count_from: int, *, short: bool
) -> None:
    cut(tmp_path, IMAGE, name, count_from=count_from, short=short)
    one = found(tmp_path, pattern, size=SIZE, stride=(12, 12))
    assert [tiled.id for tiled in one.images] == ["deep/a" if "deep" in name else "a"]
    same_bits(reassemble(one.images[0]), IMAGE)
    told = any("count from 1" in note for note in one.notes)
    assert told == (count_from == 1 and "{x}" not in pattern)


@pytest.mark.parametrize("mode", ["clamp", "even", "drop"])
def test_the_last_row_and_column_may_lie_otherwise(tmp_path: Path, mode: str) -> None:
    tiler = Tiler(16, 12, channels_last=True, mode=mode)
    cut(tmp_path, IMAGE, "{row}_{col}.png", tiler)
    placement: dict[str, Any] = {"mode": mode, "size": SIZE, "stride": (12, 12)}
    one = found(tmp_path, "{row}_{col}", {"fill": 201}, **placement)
    whole = reassemble(one.images[0])
    bare = (whole == 201).all(axis=-1)
    assert bare.any() == (mode == "drop")
    assert np.array_equal(whole[~bare], IMAGE[~bare])


def test_the_size_is_what_the_tiles_cover(tmp_path: Path) -> None:
    for name in ("{x}_{y}.png", "{row}_{col}.png"):
        folder = tmp_path / name[1:4]
        cut(folder, IMAGE, name)
        one = found(folder, name, overlap=(4, 4))
        assert one.images[0].result_shape == (40, 52, 3)
        assert any("40x52" in note for note in one.notes)
        whole = reassemble(one.images[0])
        assert np.array_equal(whole[: SIZE[0], : SIZE[1]], IMAGE)


def test_several_images_each_get_their_tiles(tmp_path: Path) -> None:
    for name in ("a", "b_1"):
        shown = IMAGE if name == "a" else 255 - IMAGE
        cut(tmp_path, shown, name + "_{row}_{col}.png")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "a_1.png").touch()
    one = found(tmp_path, "{id}_{row}_{col}.png", size=SIZE, stride=(12, 12))
    whole = {tiled.id: reassemble(tiled) for tiled in one.images}
    assert sorted(whole) == ["a", "b_1"]
    same_bits(whole["a"], IMAGE)
    same_bits(whole["b_1"], 255 - IMAGE)
    assert any("2 files (a_1.png, notes.txt)" in note for note in one.notes)


def test_maps_of_another_size_have_the_scale_of_the_tile(tmp_path: Path) -> None:
    def five_of_half(tiles: NDArray[Any]) -> NDArray[Any]:
        return np.tile(tiles[:, ::2, ::2], 2)[..., :5] / 2

    tiler = Tiler(16, 12, channels_last=True)
    maps = np.moveaxis(five_of_half(tiler.tile(IMAGE)), -1, 1)
    for one_map, (y, x) in zip(maps, tiler.grid(SIZE).starts, strict=True):
        np.save(tmp_path / f"a_{x}_{y}.npy", one_map)
    one = found(tmp_path, "{id}_{x}_{y}.npy", tile=(16, 16), size=SIZE)
    same_bits(reassemble(one.images[0]), tiler.apply(five_of_half, IMAGE))
    with pytest.raises(TilingError, match="--tile, or --axes"):
        found(tmp_path, "{id}_{x}_{y}.npy", size=SIZE)


def test_tiles_keep_their_border_where_they_stick_out(tmp_path: Path) -> None:
    image = np.pad(IMAGE, [(0, 6), (0, 4), (0, 0)], "edge")  # a pixel less than tiles
    tiler = Tiler(16, 12, channels_last=True)
    for k, (y, x) in enumerate(tiler.grid(image.shape[:2]).starts.tolist()):
        write_image(tmp_path / f"{x}_{y}.png", tiler.tile(image)[k])
    size, border = image.shape[:2], {"remove_border_count": 2}
    one = found(tmp_path, "{x}_{y}", border, size=size, stride=(12, 12))
    same_bits(reassemble(one.images[0]), image)


def test_missing_tiles_are_named(tmp_path: Path) -> None:
    cut(tmp_path, IMAGE, "a_{row}_{col}.png")
    (tmp_path / "a_1_2.png").unlink()
    placement: dict[str, Any] = {"size": SIZE, "stride": (12, 12)}
    with pytest.raises(TilingError, match="lacks the tiles at row and column 1 2:"):
        found(tmp_path, "{id}_{row}_{col}.png", **placement)
    one = found(tmp_path, "{id}_{row}_{col}.png", {"fill": 0}, **placement)
    assert "1 2" in one.notes[0]
    whole = reassemble(one.images[0])
    bare = np.zeros(SIZE, dtype=bool)
    bare[16:24, 28:36] = True  # what no neighbour shows
    assert not whole[bare].any()
    assert np.array_equal(whole[~bare], IMAGE[~bare])


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
        ("{id}_{row}_{col}.png", {"stride": (12, 12), "first": 1},
         "row 0 and col 0, not with 1"),
    ],
)  # fmt: skip
def test_what_says_too_little_is_refused(
    tmp_path: Path, pattern: str, placement: dict[str, Any], words: str
) -> None:
    cut(tmp_path, IMAGE, "a_{row}_{col}.png")
    cut(tmp_path, IMAGE, "only/{index}.png")
    with pytest.raises(TilingError, match=words):
        found(tmp_path, pattern, **placement)


def test_two_files_in_one_place_are_refused(tmp_path: Path) -> None:
    cut(tmp_path, IMAGE, "a_{row}_{col}.png")
    write_image(tmp_path / "a_1_02.png", IMAGE[:16, :16])
    with pytest.raises(TilingError, match=r"a_1_02\.png and .*a_1_2\.png lie in one"):
        found(tmp_path, "{id}_{row}_{col}.png", stride=(12, 12))


def test_tiles_cut_short_need_the_size(tmp_path: Path) -> None:
    cut(tmp_path, IMAGE, "a_{row}_{col}.png", short=True)
    one = found(tmp_path, "{id}_{row}_{col}.png", stride=(12, 12))
    with pytest.raises(TilingError, match="--size HxW"):
        reassemble(one.images[0])
    write_image(tmp_path / "a_0_1.png", IMAGE[:15, :16])  # not at the edge
    one = found(tmp_path, "{id}_{row}_{col}.png", stride=(12, 12), size=SIZE)
    with pytest.raises(TilingError, match=r"a_0_1\.png is uint8 \(15, 16, 3\)"):
        reassemble(one.images[0])


@pytest.mark.parametrize(
    ("count_from", "lost"),
    [(0, {"r0", "c0", "r1"}), (1, {"r1"}), (1, {"c1"}), (0, {"r0", "c0"})],
)
def test_first_tiles_that_are_missing_move_nothing(
    tmp_path: Path, count_from: int, lost: set[str]
) -> None:
    cut(tmp_path, IMAGE, "{row}_{col}.png", count_from=count_from)
    for path in tmp_path.iterdir():
        row, _, col = path.stem.partition("_")
        if lost & {f"r{row}", f"c{col}"}:
            path.unlink()
    given: Any = (tmp_path, "{row}_{col}", {"fill": 201})
    placement: dict[str, Any] = {"size": SIZE, "stride": (12, 12)}
    if len(lost) != 2:  # else row and column 1 are the first of a whole image
        with pytest.raises(TilingError, match="--first 0"):
            found(*given, **placement)
    whole = reassemble(found(*given, **placement, first=count_from).images[0])
    kept = (whole != 201).any(axis=-1)
    assert kept.any()
    assert kept[:12].any() == (f"r{count_from}" not in lost)
    assert np.array_equal(whole[kept], IMAGE[kept])
