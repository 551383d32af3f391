"""LAYOUT: the axes of arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import product

import numpy as np

from reftiler_conformance import oracle
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case, Sizes
from reftiler_conformance.compare import Mismatch, same_numbers, same_shape
from reftiler_conformance.draws import ANY, LAYOUTS, wide
from reftiler_conformance.oracle.layout import join
from reftiler_conformance.suite.narrowed import alike, each, line, square
from reftiler_conformance.suite.positions import origins
from reftiler_conformance.suite.verbs import Verb, call, of_both, refuses_array

COLOURED = tuple(layout for layout in LAYOUTS if layout != (None, None))
BATCHES = tuple(layout for layout in LAYOUTS if (layout[0] or 1) > 1)


@line("LAYOUT-001", layout=ANY, channels_last=(False,))
@line("LAYOUT-002", layout=COLOURED, channels_last=(True,))
@line("LAYOUT-003", layout=((None, None),), channels_last=ANY)
def test_spatial_axes(run: CaseRun) -> None:
    """
    The last axes are cut, and those before the channels if these come last.

    Tiles are right in any order, whatever their shape: both are other clauses.
    """
    image = flat(run.case)
    want = oracle.tile(run.case.grid, image)
    got = run.tile(image).array
    run.keep(got, want)
    if got.size == want.size:
        got = got.reshape(want.shape)
    same_shape(got, want)
    same_numbers(_sorted(got), _sorted(want))
    if (run.case.batch, run.case.channels) == (None, None):  # no channel is made
        same_shape(run.tile().array, np.empty(run.case.cut_shape))


def flat(case: Case) -> Array:
    """Return an image whose pixels differ along the spatial axes only."""
    space = np.arange(np.prod(case.size)).reshape(case.size)
    shape = join(case.batch and 1, case.channels and 1, case.size, case.channels_last)
    whole = np.broadcast_to(space.reshape(shape), case.shape)
    return whole.astype(case.numpy_dtype, order="C")


def _sorted(tiles: Array) -> Array:
    rows = tiles.reshape(len(tiles), -1)
    return tiles[np.lexsort(rows.T)]


def refuses_shapes(run: CaseRun, verb: Verb, shapes: Iterable[Sizes]) -> None:
    """Fail unless arrays of these shapes are refused; images by view too."""
    view = ["view"] if verb == "tile" and "view" in run.features else []
    for shape, asked in product(shapes, [verb, *view]):
        given = np.ones(shape, run.case.numpy_dtype)
        refuses_array(run, asked, given, f"the input has the shape {shape}")


@square("LAYOUT-004", needs=["refusals"], layout=ANY, channels_last=ANY)
def test_refuses_images_of_other_ranks(run: CaseRun) -> None:
    """An image with too few axes, or too many, is refused."""
    few, many = run.case.size[1:], (1, 1, 1, *run.case.size)
    refuses_shapes(run, "tile", filter(None, (few, many)))


@of_both(
    "LAYOUT-005", needs=["refusals"], draws=alike, layout=COLOURED, channels_last=ANY
)
def test_refuses_nothing(run: CaseRun, verb: Verb) -> None:
    """No image and no tile are refused, nor what has no channel."""
    case = run.case
    count, space = (
        (case.batch, case.size) if verb == "tile" else (case.count, case.tile)
    )
    nothing = [(count, 0)] if count is None else [(count, 0), (0, case.channels)]
    shapes = (join(n, c, space, case.channels_last) for n, c in nothing)
    refuses_shapes(run, verb, shapes)


EACH = Case(size=(4, 4), tile=(2, 2), stride=(2, 2))
ALONE = replace(EACH, batch=1, channels=1)
LAST = each([replace(EACH, channels=3, channels_last=True)], batch=(None, 2))
MERGED = wide("layout", "channels_last") | {"verb": "untile"}
SCATTERED = replace(ALONE, batch=2, starts=((2, 2), (0, 2), (2, 0), (0, 0)))
COLOURS = each([replace(ALONE, channels=3), *LAST], maps=[2])


@square("LAYOUT-006", layout=ANY, channels_last=ANY, scatter=ANY, also=LAST)
def test_shape_of_tiles(run: CaseRun) -> None:
    """Tiles have one leading axis, then the axes of the image."""
    same_shape(run.tile().array, np.empty(run.case.cut_shape))


@of_both("LAYOUT-007", draws=alike, layout=BATCHES, overlap=("none",), also=[SCATTERED])
def test_image_by_image(run: CaseRun, verb: Verb) -> None:
    """All tiles of an image come before those of the next."""
    case = run.case
    images = _shaded(case, case.shape, 1)
    tiles = _shaded(case, case.cut_shape, len(case.grid.tile_specs))
    given, want = (images, tiles) if verb == "tile" else (tiles, images)
    _same_shades(run, call(run, verb, given).array, want)


def _shaded(case: Case, shape: Sizes, often: int) -> Array:
    """Return an array that is 1, 2, … along its first axis, each so often."""
    shade = 1 + np.arange(shape[0]) // often
    whole = np.broadcast_to(shade.reshape(-1, *[1] * (len(shape) - 1)), shape)
    return whole.astype(case.numpy_dtype)


def _same_shades(run: CaseRun, got: Array, want: Array) -> None:
    """Compare whatever the shape, if only the number of pixels is right."""
    run.keep(got, want)
    same_numbers(got.reshape(want.shape) if got.size == want.size else got, want)


PLACED = ("padding", "clamp", "even", "drop")
"""Modes in which the first pixel of a tile tells where it lies."""
ROWS = (
    *each([Case((9, 9), (4, 4), (3, 3), channels=1)], mode=PLACED),
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
        want[tuple(map(slice, start, np.add(start, case.tile)))] = k + 1
    _same_shades(run, run.untile(_shaded(case, case.tiles_shape, 1)).array, want)


@square("LAYOUT-010", also=[ALONE], **MERGED)
@square("LAYOUT-011", needs=["maps"], maps=(None, 1, 2), also=COLOURS, **MERGED)
def test_shape_of_the_result(run: CaseRun) -> None:
    """A batch comes back as a batch, one image as one, with the channels of tiles."""
    case = run.case
    want = join(case.batch, case.depth, case.size, case.channels_last)
    same_shape(run.untile().array, np.empty(want))


@square("LAYOUT-010", needs=["refusals"], verb="untile", layout=ANY, scatter=ANY)
def test_refuses_other_numbers_of_tiles(run: CaseRun) -> None:
    """One tile less, one more, or those of several images are refused."""
    count, rest = run.case.count, run.case.tiles_shape[1:]
    others = {count - 1, count + 1, 2 * count, count * (run.case.channels or 3)}
    refuses_shapes(run, "untile", [(n, *rest) for n in sorted(others - {0, count})])


@square("LAYOUT-012", needs=["refusals"], verb="untile", layout=ANY)
def test_refuses_tiles_of_other_ranks(run: CaseRun) -> None:
    """Tiles with too few axes, or too many, are refused."""
    count, tile = run.case.count, run.case.tile
    refuses_shapes(run, "untile", (tile, (count, 1, 1, *tile), (1, count, 1, *tile)))
