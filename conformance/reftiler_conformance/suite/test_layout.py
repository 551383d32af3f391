"""LAYOUT: the axes of arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from reftiler_conformance import oracle
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.compare import Mismatch, same_numbers, same_shape
from reftiler_conformance.draws import ANY, LAYOUTS
from reftiler_conformance.oracle.layout import join
from reftiler_conformance.suite.narrowed import line, square
from reftiler_conformance.suite.positions import origins
from reftiler_conformance.suite.refused import refuses_array

COLOURED = tuple(layout for layout in LAYOUTS if layout != (None, None))
BATCHES = tuple(layout for layout in LAYOUTS if (layout[0] or 1) > 1)


def flat(case: Case) -> Array:
    """Return an image whose pixels differ along the spatial axes only."""
    space = np.arange(np.prod(case.size)).reshape(case.size)
    shape = join(case.batch and 1, case.channels and 1, case.size, case.channels_last)
    whole = np.broadcast_to(space.reshape(shape), case.shape)
    return whole.astype(case.numpy_dtype, order="C")


def spatial_axes_agree(run: CaseRun) -> None:
    """Fail unless the tiles of a flat image are the oracle's, in any order."""
    image = flat(run.case)
    want = oracle.tile(run.case.grid, image)
    got = run.tile(image).array
    run.keep(got, want)
    if got.size == want.size:  # how they are shaped is LAYOUT-006's
        got = got.reshape(want.shape)
    same_shape(got, want)
    same_numbers(_sorted(got), _sorted(want))


def _sorted(tiles: Array) -> Array:
    rows = tiles.reshape(len(tiles), -1)
    return tiles[np.lexsort(rows.T)]


@line("LAYOUT-001", layout=ANY, channels_last=(False,))
def test_channels_first(run: CaseRun) -> None:
    """The last axes are cut."""
    spatial_axes_agree(run)


@line("LAYOUT-002", layout=COLOURED, channels_last=(True,))
def test_channels_last(run: CaseRun) -> None:
    """The axes before the channels are cut."""
    spatial_axes_agree(run)


@line("LAYOUT-003", layout=((None, None),), channels_last=ANY)
def test_no_channels(run: CaseRun) -> None:
    """All axes of an image without channels are cut."""
    spatial_axes_agree(run)
    _same_shape(run.tile().array, run.case.cut_shape)


def refused_images(run: CaseRun, shapes: Iterable[tuple[int, ...]]) -> None:
    """Fail unless images of these shapes are refused, by tile and by view."""
    for shape, verb in product(shapes, ("tile", "view")):
        if verb in run.features:
            image = np.ones(shape, run.case.numpy_dtype)
            refuses_array(run, verb, image, f"the image has the shape {shape}")


def refused_tiles(run: CaseRun, shapes: Iterable[tuple[int, ...]]) -> None:
    """Fail unless tiles of these shapes are refused."""
    for shape in shapes:
        tiles = np.ones(shape, run.case.numpy_dtype)
        refuses_array(run, "untile", tiles, f"the tiles have the shape {shape}")


@square("LAYOUT-004", needs=["refusals"], layout=ANY, channels_last=ANY)
def test_refuses_images_of_other_ranks(run: CaseRun) -> None:
    """An image with too few axes, or too many, is refused."""
    few, many = run.case.size[1:], (1, 1, 1, *run.case.size)
    refused_images(run, (few, many) if few else (many,))


@square("LAYOUT-005", needs=["refusals"], layout=COLOURED, channels_last=ANY)
def test_refuses_images_of_nothing(run: CaseRun) -> None:
    """No image and no channel are refused."""
    case = run.case
    refused_images(run, _emptied(case, case.batch, case.size))


@square(
    "LAYOUT-005",
    needs=["refusals"],
    verb="untile",
    layout=COLOURED,
    channels_last=ANY,
)
def test_refuses_tiles_of_nothing(run: CaseRun) -> None:
    """No tile and tiles of no channel are refused."""
    case = run.case
    refused_tiles(run, _emptied(case, case.count, case.tile))


def _emptied(
    case: Case, leading: int | None, space: tuple[int, ...]
) -> Iterator[tuple[int, ...]]:
    """Return shapes without a channel, and without a first entry."""
    yield join(leading, 0, space, case.channels_last)
    if leading is not None:
        yield join(0, case.channels, space, case.channels_last)


EACH = Case(size=(4, 4), tile=(2, 2), stride=(2, 2))
ALONE = replace(EACH, batch=1, channels=1)
LAST = (
    replace(EACH, channels=3, channels_last=True),
    replace(EACH, batch=2, channels=3, channels_last=True),
)


@square("LAYOUT-006", layout=ANY, channels_last=ANY, scatter=ANY, also=LAST)
def test_shape_of_tiles(run: CaseRun) -> None:
    """Tiles have one leading axis, then the axes of the image."""
    _same_shape(run.tile().array, run.case.cut_shape)


def _same_shape(got: Array, want: tuple[int, ...]) -> None:
    if got.shape != want:
        raise Mismatch(f"the shape is {got.shape}, should be {want}")


@square("LAYOUT-007", layout=BATCHES, scatter=ANY)
def test_image_by_image(run: CaseRun) -> None:
    """All tiles of an image come before those of the next."""
    got = run.tile(_shaded(run.case, run.case.shape, 1)).array
    want = _shaded(run.case, run.case.cut_shape, len(run.case.grid.tile_specs))
    _same_shades(got, want)


@square("LAYOUT-007", verb="untile", layout=BATCHES, overlap=("none",))
def test_merged_image_by_image(run: CaseRun) -> None:
    """The tiles of an image are those that follow each other."""
    case = run.case
    got = run.untile(_shaded(case, case.tiles_shape, len(case.grid.tile_specs))).array
    _same_shades(got, _shaded(case, case.shape, 1))


def _shaded(case: Case, shape: tuple[int, ...], each: int) -> Array:
    """Return an array whose entries along the first axis are 1, 2, …, each so often."""
    shade = 1 + np.arange(shape[0]) // each
    whole = np.broadcast_to(shade.reshape(-1, *[1] * (len(shape) - 1)), shape)
    return whole.astype(case.numpy_dtype)


def _same_shades(got: Array, want: Array) -> None:
    """Compare whatever the shape, if only the number of pixels is right."""
    same_numbers(got.reshape(want.shape) if got.size == want.size else got, want)


PLACED = ("padding", "clamp", "even", "drop")
"""Modes in which the first pixel of a tile tells where it lies."""
ROWS = (
    *(
        Case(size=(9, 9), tile=(4, 4), stride=(3, 3), channels=1, mode=mode)
        for mode in PLACED
    ),
    Case(size=(50, 44), tile=(2, 2), stride=(2, 2), channels=1),  # 550 tiles
)


@square("LAYOUT-008", rank=(2, 3), mode=PLACED, fit=("exact", "longer"), also=ROWS)
def test_row_by_row(run: CaseRun) -> None:
    """The last axis runs fastest."""
    found = origins(run)  # where the first lies is another clause
    if found != sorted(found):
        raise Mismatch(f"the tiles begin at {found}, in this order")


@square("LAYOUT-008", verb="untile", rank=(2, 3), overlap=("none",))
def test_merged_row_by_row(run: CaseRun) -> None:
    """The k-th tile is merged where the k-th start is."""
    case = run.case
    want = np.zeros(case.size)
    for k, start in enumerate(case.grid.starts):
        box = (slice(s, s + t) for s, t in zip(start, case.tile, strict=True))
        want[tuple(box)] = k + 1
    got = run.untile(_shaded(case, case.tiles_shape, 1)).array
    run.keep(got, want)
    _same_shades(got, want)


@square("LAYOUT-010", verb="untile", layout=ANY, channels_last=ANY, also=[ALONE])
def test_shape_of_the_result(run: CaseRun) -> None:
    """A batch comes back as a batch, one image as one."""
    _same_shape(run.untile().array, run.case.shape)


@square("LAYOUT-010", needs=["refusals"], verb="untile", layout=ANY, scatter=ANY)
def test_refuses_other_numbers_of_tiles(run: CaseRun) -> None:
    """One tile less, one more, or those of several images are refused."""
    count, rest = run.case.count, run.case.tiles_shape[1:]
    others = {count - 1, count + 1, 2 * count, count * (run.case.channels or 3)}
    refused_tiles(run, [(n, *rest) for n in sorted(others - {0, count})])


@square(
    "LAYOUT-011",
    needs=["maps"],
    verb="untile",
    layout=ANY,
    channels_last=ANY,
    maps=(None, 1, 2),
    also=[replace(one, maps=2) for one in (replace(ALONE, channels=3), *LAST)],
)
def test_channels_of_the_tiles(run: CaseRun) -> None:
    """The result has the channels of the tiles, whatever the image's."""
    case = run.case
    want = join(case.batch, case.depth, case.size, case.channels_last)
    _same_shape(run.untile().array, want)


@square("LAYOUT-012", needs=["refusals"], verb="untile", layout=ANY)
def test_refuses_tiles_of_other_ranks(run: CaseRun) -> None:
    """Tiles with too few axes, or too many, are refused."""
    count, tile = run.case.count, run.case.tile
    refused_tiles(run, (tile, (count, 1, 1, *tile), (1, count, 1, *tile)))
