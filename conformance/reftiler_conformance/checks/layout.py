"""LAYOUT: the axes of arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reftiler_conformance import definition
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.compare import Mismatch, same_numbers, same_shape
from reftiler_conformance.definition.layout import join
from reftiler_conformance.draws import ANY, LAYOUTS
from reftiler_conformance.lines import line, square
from reftiler_conformance.places import origins
from reftiler_conformance.refused import refuses_array
from reftiler_conformance.trial import Trial

COLOURED = tuple(layout for layout in LAYOUTS if layout != (None, None))
BATCHES = tuple(layout for layout in LAYOUTS if (layout[0] or 1) > 1)


def flat(case: Case) -> Array:
    """Return an image whose pixels differ along the spatial axes only."""
    space = np.arange(np.prod(case.size)).reshape(case.size)
    shape = join(case.batch and 1, case.channels and 1, case.size, case.channels_last)
    whole = np.broadcast_to(space.reshape(shape), case.shape)
    return whole.astype(case.numpy_dtype, order="C")


def spatial_axes_agree(trial: Trial) -> None:
    """Fail unless the tiles of a flat image are the definition's, in any order."""
    image = flat(trial.case)
    want = definition.tile(trial.case.plan, image)
    got = trial.tile(image).array
    trial.keep(got, want)
    if got.size == want.size:  # how they are shaped is LAYOUT-006's
        got = got.reshape(want.shape)
    same_shape(got, want)
    same_numbers(_sorted(got), _sorted(want))


def _sorted(tiles: Array) -> Array:
    rows = tiles.reshape(len(tiles), -1)
    return tiles[np.lexsort(rows.T)]


@line("LAYOUT-001", layout=ANY)
def channels_first(trial: Trial) -> None:
    """The last axes are cut."""
    spatial_axes_agree(trial)


@line("LAYOUT-002", layout=COLOURED, channels_last=(True,))
def channels_last(trial: Trial) -> None:
    """The axes before the channels are cut."""
    spatial_axes_agree(trial)


@line("LAYOUT-003", layout=((None, None),), channels_last=ANY)
def no_channels(trial: Trial) -> None:
    """All axes of an image without channels are cut."""
    spatial_axes_agree(trial)


@square("LAYOUT-004", needs=["refusals"], layout=ANY)
def refuses_images_of_other_ranks(trial: Trial) -> None:
    """An image with too few axes, or too many, is refused."""
    case = trial.case
    few, many = case.size[1:], (1, 1, 1, *case.size)
    for shape in (few, many) if few else (many,):
        image = np.ones(shape, case.numpy_dtype)
        refuses_array(trial, "tile", image, f"the image has the shape {shape}")


@square("LAYOUT-005", needs=["refusals"], layout=COLOURED, channels_last=ANY)
def refuses_images_of_nothing(trial: Trial) -> None:
    """No image and no channel are refused."""
    case = trial.case
    for batch, channels in _emptied(case.batch, case.channels):
        shape = join(batch, channels, case.size, case.channels_last)
        image = np.ones(shape, case.numpy_dtype)
        refuses_array(trial, "tile", image, f"the image has the shape {shape}")


@square(
    "LAYOUT-005",
    needs=["refusals"],
    verb="untile",
    layout=COLOURED,
    channels_last=ANY,
)
def refuses_tiles_of_nothing(trial: Trial) -> None:
    """No tile and tiles of no channel are refused."""
    case = trial.case
    for count, channels in _emptied(case.count, case.channels):
        shape = join(count, channels, case.tile, case.channels_last)
        tiles = np.ones(shape, case.numpy_dtype)
        refuses_array(trial, "untile", tiles, f"the tiles have the shape {shape}")


def _emptied(
    batch: int | None, channels: int | None
) -> list[tuple[int | None, int | None]]:
    no_channel: list[tuple[int | None, int | None]] = [(batch, 0)]
    return no_channel if batch is None else [*no_channel, (0, channels)]


LAST = (
    Case(size=(4, 4), tile=(2, 2), stride=(2, 2), channels=3, channels_last=True),
    Case(
        size=(4, 4),
        tile=(2, 2),
        stride=(2, 2),
        batch=2,
        channels=3,
        channels_last=True,
    ),
)


@square("LAYOUT-006", layout=ANY, channels_last=ANY, scatter=ANY, also=LAST)
def shape_of_tiles(trial: Trial) -> None:
    """Tiles have one leading axis, then the axes of the image."""
    _same_shape(trial.tile().array, trial.case.cut_shape)


def _same_shape(got: Array, want: tuple[int, ...]) -> None:
    if got.shape != want:
        raise Mismatch(f"the shape is {got.shape}, should be {want}")


@square("LAYOUT-007", layout=BATCHES, scatter=ANY)
def image_by_image(trial: Trial) -> None:
    """All tiles of an image come before those of the next."""
    got = trial.tile(_shaded(trial.case, trial.case.shape, 1)).array
    want = _shaded(trial.case, trial.case.cut_shape, len(trial.case.plan.places))
    _same_shades(got, want)


@square(
    "LAYOUT-007",
    verb="untile",
    layout=BATCHES,
    overlap=("none",),
)
def merged_image_by_image(trial: Trial) -> None:
    """The tiles of an image are those that follow each other."""
    case = trial.case
    got = trial.untile(_shaded(case, case.tiles_shape, len(case.plan.places))).array
    _same_shades(got, _shaded(case, case.shape, 1))


def _shaded(case: Case, shape: tuple[int, ...], each: int) -> Array:
    """Return an array whose entries along the first axis are 1, 2, …, each so often."""
    shade = 1 + np.arange(shape[0]) // each
    whole = np.broadcast_to(shade.reshape(-1, *[1] * (len(shape) - 1)), shape)
    return whole.astype(case.numpy_dtype)


def _same_shades(got: Array, want: Array) -> None:
    """Compare whatever the shape, if only the number of pixels is right."""
    same_numbers(got.reshape(want.shape) if got.size == want.size else got, want)


@square("LAYOUT-008", rank=(2, 3))
def row_by_row(trial: Trial) -> None:
    """The last axis runs fastest."""
    got, want = origins(trial), trial.case.plan.starts
    if got != want:
        raise Mismatch(f"the tiles begin at {got}, should at {want}")


@square("LAYOUT-008", verb="untile", rank=(2, 3), overlap=("none",))
def merged_row_by_row(trial: Trial) -> None:
    """The k-th tile is merged where the k-th start is."""
    case = trial.case
    want = np.zeros(case.size)
    for k, start in enumerate(case.plan.starts):
        box = (slice(s, s + t) for s, t in zip(start, case.tile, strict=True))
        want[tuple(box)] = k + 1
    got = trial.untile(_shaded(case, case.tiles_shape, 1)).array
    trial.keep(got, want)
    _same_shades(got, want)


ALONE = Case(size=(4, 4), tile=(2, 2), stride=(2, 2), batch=1, channels=1)


@square("LAYOUT-010", verb="untile", layout=ANY, channels_last=ANY, also=[ALONE])
def shape_of_the_result(trial: Trial) -> None:
    """A batch comes back as a batch, one image as one."""
    _same_shape(trial.untile().array, trial.case.shape)


@square("LAYOUT-010", needs=["refusals"], verb="untile", layout=ANY)
def refuses_other_numbers_of_tiles(trial: Trial) -> None:
    """One tile less, or one more, is refused."""
    tiles = trial.case.tiles()
    for wrong in (tiles[:-1], np.concatenate([tiles, tiles[:1]])):
        why = f"{len(wrong)} tiles are given, {len(tiles)} are due"
        refuses_array(trial, "untile", wrong, why)


@square(
    "LAYOUT-011",
    needs=["maps"],
    verb="untile",
    layout=ANY,
    channels_last=ANY,
    maps=(None, 1, 2),
    also=[replace(ALONE, channels=3, maps=2)],
)
def channels_of_the_tiles(trial: Trial) -> None:
    """The result has the channels of the tiles, whatever the image's."""
    case = trial.case
    want = join(case.batch, case.depth, case.size, case.channels_last)
    _same_shape(trial.untile().array, want)


@square("LAYOUT-012", needs=["refusals"], verb="untile", layout=ANY)
def refuses_tiles_of_other_ranks(trial: Trial) -> None:
    """Tiles with too few axes, or too many, are refused."""
    case = trial.case
    for shape in (case.tile, (case.count, 1, 1, *case.tile)):
        tiles = np.ones(shape, case.numpy_dtype)
        refuses_array(trial, "untile", tiles, f"the tiles have the shape {shape}")
