"""Likely mistakes of tilers, made on purpose: which of them explains a wrong result.

Each is a clause that it breaks, a sentence, and the array that it gives.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.axis import MODES
from reftiler.cut import as_nchw, by_image, index_spatial, open_mesh
from reftiler.errors import TilingError
from reftiler.geometry import TileGeometry, outer_product
from reftiler.grid import Grid
from reftiler.merge import round_into
from reftiler.padding import PAD_MODES
from reftiler.plan import TilePlan, UntilePlan
from reftiler.settings import MERGES
from reftiler.tiler import Tiler
from reftiler.windows import NAMES

Array = NDArray[Any]
Mistake = tuple[str, str, Array]
State = tuple[Any, Any]

GRID = dict(zip(MODES, [f"GRID-00{n}" for n in range(2, 7)], strict=True))
PAD = {"constant": 4, "edge": 6, "wrap": 7, "symmetric": 8, "reflect": 9}
WINDOW = {"box": 4, "triangle": 5, "hann": 6, "gaussian": 7}

MERGE = {
    "mean": "MERGE-001",
    **dict.fromkeys(("max", "min"), "MERGE-012"),
    **dict.fromkeys(("first", "last"), "MERGE-024"),
    "center": "MERGE-025",
    "vote": "MERGE-028",
}


def _pad_clause(tiler: Tiler) -> str:
    return f"PAD-00{PAD[tiler.pad_mode]}"


def _window_clause(tiler: Tiler) -> str:
    return f"WINDOW-00{WINDOW.get(str(tiler.window), 1)}"


def tile_mistakes(tiler: Tiler, image: Array, grid: Grid) -> Iterator[Mistake]:
    """Yield what tiles would be in another order, or with another setting."""
    tiles = tiler.tile(image)
    for clause, said, order in _orders(len(tiles), grid):
        yield clause, said, tiles[order]
    for clause, said, other in _other_tilers(tiler):
        with suppress(TilingError):
            yield clause, said, other.tile(image)


def untile_mistakes(
    tiler: Tiler,
    tiles: Array,
    shape: Sequence[int],
    plan: UntilePlan,
    scale: Any,
    want: Array,
) -> Iterator[Mistake]:
    """Yield what the image (N, C, *S) would be if a call or a sum were another."""
    orders = _orders(len(tiles), plan.geometry)
    calls = chain(
        ((c, said, tiler, tiles[np.argsort(order)]) for c, said, order in orders),
        ((c, said, other, tiles) for c, said, other in _other_tilers(tiler)),
    )
    for clause, said, other, given in calls:
        with suppress(TilingError):
            made = other.untile(given, shape, scale=scale, dtype=want.dtype)
            yield clause, said, as_nchw(made, plan.result)
    if plan.merge == "mean":
        yield from _mean_mistakes(tiles, plan, want)


def _orders(count: int, grid: Grid | TileGeometry) -> Iterator[tuple[str, str, Array]]:
    """Yield orders of tiles that are none of the specification's."""
    order, axes = np.arange(count).reshape(-1, *grid.shape), len(grid.shape)
    by_column = order.transpose(0, *range(axes, 0, -1)).ravel()
    yield "LAYOUT-008", "tiles are taken column by column, not row by row", by_column
    by_tile = order.reshape(-1, len(grid)).T.ravel()
    yield "LAYOUT-007", "tiles are taken tile by tile, not image by image", by_tile


def _other_tilers(tiler: Tiler) -> Iterator[tuple[str, str, Tiler]]:
    """Yield tilers with one setting changed, and the clause that the change breaks."""
    settings = tiler.to_dict()
    sides = {"end": "PAD-001", "both": "PAD-002"}
    merges = MERGE[tiler.merge or "mean"]
    changes: list[tuple[str, str, Any]] = [
        *((GRID[tiler.mode], "mode", mode) for mode in MODES),
        *((sides[tiler.pad_side], "pad_side", side) for side in sides),
        *((_pad_clause(tiler), "pad_mode", mode) for mode in PAD_MODES),
        ("BORDER-001", "remove_border_count", 0),
        *((_window_clause(tiler), "window", name) for name in NAMES),
        *((merges, "merge", merge) for merge in MERGES if merge != "mean"),
    ]
    for clause, name, value in changes:
        if settings[name] == value:
            continue
        changed = {**settings, name: value}
        if name == "merge":
            changed |= {"window": "box", "nan": "propagate"}
        if name == "mode" and tiler.fill is None:
            changed["fill"] = 0
        due = settings[name] or "mean"  # merge=None
        said = f"it is what {name}={value!r} gives, {due!r} is due"
        with suppress(TilingError):
            yield clause, said, Tiler.from_dict(changed)


def _mean(total: Array, weight: Array, value: Array, w: Array) -> State:
    return total + w * value, weight + w


# What is made of the sums so far, the sum of weights, a tile's values and its weights.
STEPS: tuple[tuple[str, str, Callable[..., State]], ...] = (
    ("MERGE-001", "the last tile wins", lambda t, n, v, w: (v, w / w)),
    ("MERGE-001", "the first wins", lambda t, n, v, w: (np.where(n, t, v), w / w)),
    ("MERGE-001", "sums are not divided", lambda t, n, v, w: (t + w * v, w / w)),
    (
        "MERGE-001",
        "each tile is averaged with what is there, (a + b) / 2",
        lambda t, n, v, w: (np.where(n, (t + v) / 2, v), w / w),
    ),
    (
        "MERGE-009",
        "0 is taken for an empty pixel: count the tiles",
        lambda t, n, v, w: (np.where(t == 0, v, (t + v) / 2), w / w),
    ),
    (
        "MERGE-009",
        "0 is taken for an empty pixel: count the tiles",
        lambda t, n, v, w: _mean(t, n, v, np.where(v == 0, 0, w)),
    ),
    (
        "MERGE-008",
        "NaN is left out: let it show",
        lambda t, n, v, w: _mean(t, n, np.nan_to_num(v), np.where(np.isnan(v), 0, w)),
    ),
    (
        "MERGE-008",
        "NaN becomes a number: let it show",
        lambda t, n, v, w: _mean(t, n, np.nan_to_num(v), w),
    ),
)


def _mean_mistakes(tiles: Array, plan: UntilePlan, want: Array) -> Iterator[Mistake]:
    """Yield what the mean of a call, (N, C, *S), would be if taken in wrong ways."""
    count = plan.geometry.coverage(tuple((0, side) for side in plan.geometry.size))
    copied = count < (2 if tiles.dtype == want.dtype else 1)

    def rounded(mean: Array) -> Array:
        """Round to the result's dtype; pixels that are copied are right."""
        made = np.zeros(mean.shape, want.dtype)
        with suppress(TilingError):
            round_into(made, mean)
        np.copyto(made, want, where=np.broadcast_to(copied, made.shape))
        return made

    folded = partial(_folded, tiles, plan, want.shape)
    with np.errstate(all="ignore"):
        for clause, said, step in STEPS:
            yield clause, said, rounded(folded(step))
        exact = folded(_mean)
        twice = rounded(exact.astype(np.float32))
        yield "ROUND-002", "means are rounded twice, first to float32", twice
        if want.dtype.kind in "iu":
            wrapped = np.rint(exact).astype(np.int64).astype(want.dtype)
            yield "ROUND-004", "what is too large wraps: clip it", wrapped
            for said, whole in {
                "means are cut off: round to nearest": np.trunc(exact),
                "means are rounded down: round to nearest": np.floor(exact),
                "halves are rounded up: round them to even": np.floor(exact + 0.5),
            }.items():
                yield "ROUND-003", said, rounded(whole)
        for power in range(3, 16):
            said = f"1e-{power} is added to the divisor"
            yield "MERGE-005", said, rounded(folded(_mean, term=10.0**-power))
        for dtype in (np.float32, np.float16):
            said = f"sums are {np.dtype(dtype)}: add up in float64, and round once"
            yield "MERGE-002", said, rounded(folded(_mean, dtype))
        back = rounded(folded(_mean, step=-1))
        yield "MERGE-003", "tiles are added up from the last to the first", back


def _folded(
    tiles: Array,
    plan: UntilePlan,
    shape: tuple[int, ...],
    merge: Callable[..., State],
    dtype: Any = np.float64,
    term: float = 0.0,
    step: int = 1,
) -> Array:
    """Merge tile by tile, as a function of the sums so far says."""
    total, weight = np.full(shape, -0.0, dtype), np.zeros(shape, dtype)
    stacks = by_image(tiles, plan.tiles, len(total))
    box = tuple((0, side) for side in plan.geometry.size)
    for overlap in list(plan.geometry.overlaps(box))[::step]:
        for n, stack in enumerate(stacks):
            there: Any = (n, ..., *overlap.in_block)
            values = index_spatial(stack[overlap.tile], open_mesh(overlap.in_tile))
            w = np.ones(values.shape, dtype)
            if plan.axis_weights is not None:
                pairs = zip(plan.axis_weights, overlap.in_tile, strict=True)
                w *= outer_product([p[i] for p, i in pairs]).astype(dtype)
            value = values.astype(dtype)
            total[there], weight[there] = merge(total[there], weight[there], value, w)
    return np.asarray(total / (weight + dtype(term)))


def source_pixels(tiler: Tiler, plan: TilePlan, shape: Sequence[int]) -> Array:
    """Return the image pixel of each pixel of the tiles, −1 in the padding."""
    size, settings = plan.image.size, tiler.to_dict()
    settings |= {"pad_mode": "constant", "pad_value": -1, "channels_last": False}
    found = Tiler.from_dict(settings).tile(np.arange(np.prod(size)).reshape(size))
    found = np.tile(found, (shape[0] // len(found), *(1,) * len(size)))
    if plan.tiles.channels is not None:
        found = np.expand_dims(found, -1 if tiler.channels_last else 1)
    return np.broadcast_to(found, shape)


def describe_tiles(
    tiler: Tiler, got: Array, want: Array, wrong: Array, pixels: Array
) -> tuple[str, str]:
    """Name the clause by what the differences look like."""
    if not wrong[pixels >= 0].any():
        return _pad_clause(tiler), "the padding is wrong, and all else is right"
    near = got.dtype.kind in "iufc" and np.allclose(got, want, 0.01, equal_nan=True)
    if near or not wrong[got != want].any():
        return "TILE-002", "pixels are nearly right: move them, and compute nothing"
    if tiler.mode == "interpolation":
        return "INTERP-001", "frame pixel j reads image pixel j·L // P, in integers"
    return "TILE-001", "the tiles hold other pixels than those at their place"


def describe_shape(got: Sequence[int], want: Sequence[int]) -> tuple[str, str]:
    """Name the clause that a result of a wrong shape breaks."""
    said = f"the result has the shape {tuple(got)}, {tuple(want)} is due"
    if len(got) != len(want):
        return "LAYOUT-010", f"{said}: the leading axes are those of the image"
    if any(g > w for g, w in zip(got[-2:], want[-2:], strict=True)):
        return "MERGE-020", f"{said}: cut the padding off"
    return "LAYOUT-011", f"{said}: channels are the tiles', all else is the image's"


def cause_by_place(
    dtype: np.dtype[Any], plan: UntilePlan, got: Array, want: Array, wrong: Array
) -> tuple[str, str] | None:
    """Name what shows only in pixels of no tile, or only in those of exactly one."""
    count = plan.geometry.coverage(tuple((0, side) for side in plan.geometry.size))
    if not wrong[..., count > 0].any():
        return "MERGE-018", "pixels in no tile must have the value of fill"
    alone = dtype == want.dtype and not wrong[..., count != 1].any()
    if alone and np.allclose(got[wrong], want[wrong], 0.01, 1e-30):
        return "MERGE-007", "a pixel of one tile is computed: copy it"
    return None


def describe_merge(
    tiler: Tiler, plan: UntilePlan, got: Array, want: Array, wrong: Array
) -> tuple[str, str]:
    """Name the clause by what the differences look like; arrays are (N, C, *S)."""
    right = want[wrong].astype(np.float64)
    with np.errstate(all="ignore"):
        errors = np.abs(got[wrong].astype(np.float64) - right)
    largest = np.abs(right).max()
    inner = tuple(slice(r, -r or None) for r in tiler.remove_border_count)
    looks: list[tuple[Any, str, str]] = [
        (np.isnan(right).any(), "MERGE-008", "a tile holds NaN there: let it show"),
        (
            tiler.mode == "interpolation",
            "INTERP-002",
            "image pixel i reads frame pixel ⌈i·P/L⌉, in integers",
        ),
        (
            any(tiler.remove_border_count) and not wrong[(..., *inner)].any(),
            "BORDER-002",
            "the border is removed at the rim of the image too",
        ),
        (
            plan.merge == "mean" and not errors.any(),
            "MERGE-003",
            "−0.0 is lost: start the sums from −0.0",
        ),
        (
            plan.merge != "mean",
            MERGE[plan.merge],
            f"it is not the {plan.merge} of the tiles",
        ),
        (
            want.dtype.kind in "iu" and errors.max() <= 1,
            "ROUND-003",
            "means are not rounded to nearest, ties to even",
        ),
        (
            errors.max() <= 1e-3 * largest,
            "MERGE-002",
            "sums are not float64, in ascending order of the tiles",
        ),
        (tiler.window != "box", _window_clause(tiler), "the weights are others"),
        (True, "MERGE-001", "it is not the mean of the tiles that take part"),
    ]
    return next((clause, said) for seen, clause, said in looks if seen)
