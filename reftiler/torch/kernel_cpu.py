"""Merging on the CPU with numba: what the loops are given, and who runs them.

The plan of a merge is a handful of integer arrays; `kernel_loops` sees nothing else.
This module is imported, and numba with it, when CPU tensors are first merged
(`dispatch`).
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from reftiler.axis import Axis
from reftiler.dtypes import MERGEABLE, nan_in_integers
from reftiler.geometry import SELECTING, axis_distance
from reftiler.parallel import parallel_for
from reftiler.plan import UntilePlan
from reftiler.torch import kernel_loops, kernel_votes
from reftiler.torch.dtypes import dtype_name, fill_scalar
from reftiler.torch.layout import as_nchw
from reftiler.torch.validation import aligned_bytes

TYPES = tuple(name for name in MERGEABLE if name != "float16")
"""Dtypes by name; numba has no halves on the CPU."""

RANK = 3
"""The loops' spatial rank; fewer axes are preceded by some of one pixel."""

BLOCK = 2**16
"""Pixels merged at a time: their sums stay in a core's own cache."""

COLUMNS = 2**13
"""The longest piece of a row that is merged at a time."""

VOTE_COLUMNS = 2**10
"""The same in a vote, for which each tile in it is compared with each other."""

BYTES = 257
"""The sum of so many bytes fits 16 bits."""

MIN_BYTES = 2**19
"""Bytes that are worth the start of another thread."""

SHARES = 8
"""Parts of the work for each thread: one that is held up leaves its rest to others."""

EXACT = 2**53
"""Whole numbers up to here are exact in float64, and so are their sums."""

LONGEST = 2**24
"""Pixels of a tile's side from which on distances to its centre need more bits."""

Array = NDArray[Any]


class Line(NamedTuple):
    """One axis of a merge, as arrays."""

    spans: Array  # of each tile the first result pixel, one past the last, its start
    source: Array  # what each result pixel reads, counted like the starts
    coverage: Array  # how many tiles contribute to each result pixel
    weights: Array  # of a tile's pixels
    total: Array  # the sum of the weights at each result pixel
    resampled: bool


class Frame(NamedTuple):
    """What the loops of every kind of merge are given."""

    lines: list[Line]
    flat: tuple[Array, Array]  # tiles, result
    shape: tuple[int, ...]  # channels, depth, height, width, rows, columns, tiles
    steps: Array
    regular: bool
    axes: tuple[Any, ...]
    fill: Array
    capacity: int  # how many tiles meet in a block at most
    blocks: int


class Job(NamedTuple):
    """What the loops are given."""

    given: tuple[Any, ...]
    scratch: Callable[[], tuple[Any, ...]]
    options: tuple[Any, ...]
    blocks: int
    body: Callable[..., int] = kernel_loops.merge_blocks


def supports(plan: UntilePlan, source: torch.dtype, target: torch.dtype) -> bool:
    """Tell whether `merge` takes a call with tiles and a result of these dtypes."""
    known = dtype_name(source) in TYPES and dtype_name(target) in TYPES
    # Sums, which gradients need, are of grids whose weights are known beforehand.
    summed = plan.merge == "sum" and plan.geometry.is_irregular
    exact = plan.merge != "center" or max(plan.tiles.size) < LONGEST
    return known and not summed and exact and len(plan.geometry.axes) <= RANK


def merge(tiles: Tensor, plan: UntilePlan, out: Tensor) -> None:
    """Merge ``tiles`` into ``out``, tensors of the plan's layouts on the CPU.

    Those whose rows lie in one piece are read and written where they are; others are
    copied.
    """
    tiles = tiles.detach().resolve_neg()
    source, target = as_nchw(tiles, plan.tiles), as_nchw(out, plan.result)
    inner = _inner(source, target)
    if not inner:  # the rows of one lie in one piece, those of the other do not
        source, inner = source.contiguous(), 1
    fits = _is_row(source, inner) and _is_row(target, inner)
    merged = target if fits else target.new_empty(target.shape)
    make = _plan_votes if plan.merge == "vote" else _plan
    job = make(source, plan, merged, inner)
    loops = _compiled(job)
    lost: list[int] = []
    idle: list[Any] = []  # scratch memory that no thread uses now

    def work(part: range) -> None:
        try:
            scratch = idle.pop()
        except IndexError:
            scratch = job.scratch()
        lost.append(loops(part.start, part.stop, *job.given, *scratch, *job.options))
        idle.append(scratch)

    size = (tiles.numel() + out.numel()) * tiles.itemsize
    threads = min(torch.get_num_threads(), 1 + size // MIN_BYTES)
    step = -(-job.blocks // (threads * SHARES))
    parts = [
        range(low, min(low + step, job.blocks)) for low in range(0, job.blocks, step)
    ]
    parallel_for(work, parts, threads)
    if sum(lost):  # ROUND-005
        raise nan_in_integers(dtype_name(out.dtype))
    if merged is not target:
        target.copy_(merged)


def _inner(*tensors: Tensor) -> int:
    """Return how many channels are a row's inner axis in all tensors; 0 if they differ.

    A row is one piece of memory.
    """
    for inner in {1, tensors[0].shape[1]}:
        if all(_is_row(tensor, inner) for tensor in tensors):
            return inner
    return 0


def _is_row(tensor: Tensor, inner: int) -> bool:
    steps = [(tensor.shape[-1], tensor.stride(-1), inner)]
    if inner > 1:
        steps.append((inner, tensor.stride(1), 1))
    aligned = tensor.data_ptr() % tensor.itemsize == 0
    return aligned and all(step == want for size, step, want in steps if size > 1)


def _frame(
    tiles: Tensor, plan: UntilePlan, out: Tensor, inner: int, longest: int
) -> Frame:
    """Return what all loops need of tiles (N K, C, *T) that become (N, C, *S)."""
    lines, regular = _lines(plan, inner), not plan.geometry.is_irregular
    depth, height, width = (len(line.source) for line in lines)
    cols = min(width, longest)
    rows = min(height, max(1, BLOCK // cols))
    sizes = np.array([1, rows, cols])
    meet = [_meet(line, size, regular) for line, size in zip(lines, sizes, strict=True)]
    each = [int((last - first).max()) for first, last in meet]
    channels = 1 if inner > 1 else out.shape[1]
    axes = (
        tuple(line.spans for line in lines),
        tuple(meet),
        tuple(line.coverage for line in lines),
        tuple(line.source for line in lines[:2]),
    )
    return Frame(
        lines,
        (_flat(tiles), _flat(out)),
        (channels, depth, height, width, rows, cols, len(tiles) // len(out)),
        np.array([*_steps(tiles), *_steps(out)], dtype=np.int64),
        regular,
        axes,
        _flat(fill_scalar(plan.fill, out.dtype, out.device).reshape(1)),
        math.prod(each) if regular else each[0],
        len(out) * channels * depth * -(-height // rows) * -(-width // cols),
    )


def _plan(tiles: Tensor, plan: UntilePlan, out: Tensor, inner: int) -> Job:
    """Return the arrays that are merged, the tables of the loops, and their blocks."""
    lines, flat, shape, steps, regular, axes, fill, capacity, blocks = _frame(
        tiles, plan, out, inner, COLUMNS
    )
    *_, rows, cols, _ = shape
    mean = plan.merge in ("mean", "sum")
    most = capacity
    if regular:
        most = math.prod(int(line.coverage.max()) for line in lines)
    same = tiles.dtype == out.dtype
    disjoint = same and regular and most <= 1
    weighted = plan.axis_weights is not None and not disjoint
    sums: np.dtype[Any] = np.dtype(np.float64)
    means: np.dtype[Any] = sums
    if not mean:
        sums = flat[0].dtype
    elif tiles.dtype == torch.uint8 and not weighted and most <= BYTES:
        sums = np.dtype(np.uint16)
        means = np.dtype(np.float32) if same else means
    # MERGE-007: w * v / w may differ from v, and a long integer from its float64.
    rounds = weighted or (mean and same and tiles.itemsize == 8 and not disjoint)
    # The sum of products is the product of sums, to the bit if all are whole numbers.
    whole = all((line.weights == np.rint(line.weights)).all() for line in lines)
    exact = math.prod(int(line.total.max()) for line in lines) <= EXACT
    separable = regular and whole and exact and not plan.omits_nan
    totals = [line.total.astype(means) for line in lines]
    if plan.merge == "sum":
        totals = [np.ones_like(total) for total in totals]
    inverse = np.where(totals[2] > 0, totals[2], 1)
    halves = separable and (np.frexp(inverse)[0] == 0.5).all()
    totals.append((1 / inverse if halves else inverse[:0]).astype(means))
    identity = np.array([_identity(sums, plan.merge)], sums)
    gaps, omits = bool(plan.num_uncovered), plan.omits_nan and not disjoint
    counted = gaps or rounds or not regular or omits

    def scratch() -> tuple[Any, ...]:
        parts = _empty(capacity * 8, np.int64).reshape(capacity, 8)
        pair = _empty(rows * cols, sums), _empty(rows * cols, means)
        return (parts, *pair), _empty(rows * cols, np.int64) if counted else None

    by_place = plan.merge in SELECTING and not regular
    nearest = by_place and plan.merge == "center"
    options = (
        _columns(lines),
        _distances(plan, inner) if nearest else _weights(lines) if weighted else None,
        None if mean else plan.merge == "max",
        plan.merge == "last" if by_place else None,
        np.nan if omits else None,
    )
    flags = (regular, gaps, rounds, disjoint, separable)
    tables = (shape, steps, flags, axes, tuple(totals), (identity, fill))
    return Job((*flat, tables), scratch, options, blocks)


def _plan_votes(tiles: Tensor, plan: UntilePlan, out: Tensor, inner: int) -> Job:
    """Return the same for a vote, in which fewer columns meet fewer tiles."""
    lines, flat, shape, steps, regular, axes, fill, capacity, blocks = _frame(
        tiles, plan, out, inner, VOTE_COLUMNS
    )
    votes, weights = np.dtype(np.float64), None
    if plan.axis_weights is not None:
        weights = _weights(lines)
    else:  # as wide as the labels, so that as many fit a vector
        size = tiles.itemsize if capacity < 2 ** (8 * tiles.itemsize) else 4
        votes = np.dtype(f"u{size}")

    def scratch() -> tuple[Any, ...]:
        parts = _empty(capacity * 8, np.int64).reshape(capacity, 8)
        in_row, edges = (
            _empty(size, np.int64) for size in (capacity, 2 * capacity + 2)
        )
        in_run = _empty(capacity * 2, np.int64).reshape(capacity, 2)
        kinds = flat[0].dtype, votes, votes  # labels, the most votes, a tile's
        rows = (_empty(shape[5], kind) for kind in kinds)
        return ((parts, in_row, edges, in_run, *rows),)

    given = (*flat, (shape, steps, regular, axes, fill))
    options = (_columns(lines), weights)
    return Job(given, scratch, options, blocks, kernel_votes.vote_blocks)


def _columns(lines: list[Line]) -> Array | None:
    """Return what each pixel of a row reads; None where these are neighbours."""
    return lines[2].source.astype(np.uint64) if lines[2].resampled else None


def _weights(lines: list[Line]) -> tuple[Array, ...]:
    return tuple(line.weights for line in lines)


def _distances(plan: UntilePlan, inner: int) -> tuple[Array, ...]:
    """Return on each axis how far a tile's pixels are from its centre, as float64."""
    found = [axis_distance(length).astype(np.float64) for length in plan.tiles.size]
    found = [np.zeros(1)] * (RANK - len(found)) + found
    return (*found[:2], np.repeat(found[2], inner))


def _empty(size: int, dtype: Any) -> Array:
    return aligned_bytes(size * np.dtype(dtype).itemsize).view(dtype)


def _lines(plan: UntilePlan, inner: int) -> list[Line]:
    """Return the axes of a merge, dummies first, the last with its inner channels."""
    axes, regular = plan.geometry.axes, not plan.geometry.is_irregular
    profiles = plan.axis_weights or [np.ones(axis.tile) for axis in axes]
    one = Axis(1, 1, 1, 0, (0,) * (1 if regular else len(axes[0])))
    lines = [_line(one, np.ones(1), 1) for _ in range(RANK - len(axes))]
    for a, (axis, profile) in enumerate(zip(axes, profiles, strict=True)):
        lines.append(_line(axis, profile, inner if a == len(axes) - 1 else 1))
    return lines


def _line(axis: Axis, profile: Array, inner: int) -> Line:
    start, source = axis.start_array.copy(), np.arange(axis.length)
    resampled = axis.resampled and not axis.is_unpadded
    if resampled:
        source = axis.merge_source  # INTERP-002, INTERP-003
    else:
        start -= axis.pad_before
    source = (source[:, np.newaxis] * inner + np.arange(inner)).reshape(-1)
    return Line(
        np.stack([*axis.valid.T, start]) * inner,
        source,
        np.repeat(axis.coverage, inner),
        np.repeat(profile, inner),
        np.repeat(_weight_sum(axis, profile), inner),
        resampled,
    )


def _weight_sum(axis: Axis, profile: Array) -> Array:
    """Sum the tiles' weights at each pixel of an axis."""
    total = np.zeros(axis.length)
    for number, (low, high) in enumerate(axis.valid.tolist()):
        total[low:high] += profile[axis.tile_index(number, low, high)]
    return total


def _meet(line: Line, size: int, regular: bool) -> Array:
    """Return the first and one past the last tile that meets each block of pixels."""
    first = np.arange(0, len(line.source), size)
    low, high, _ = line.spans
    if not regular:
        return np.stack([0 * first, 0 * first + len(low)])
    last = np.minimum(first + size, len(line.source)) - 1
    ends = np.searchsorted(low, last, side="right")
    begin = np.searchsorted(high, first, side="right")
    return np.stack([np.minimum(begin, ends), ends])


def _identity(dtype: np.dtype[Any], merge: str) -> Any:
    """Return what sums start from, or the value that loses against every other."""
    if merge in ("mean", "sum"):
        return -0.0
    if dtype.kind == "f":
        return -np.inf if merge == "max" else np.inf
    return np.iinfo(dtype).min if merge == "max" else np.iinfo(dtype).max


def _flat(tensor: Tensor) -> Array:
    """View a tensor's memory, from its first element to its last."""
    axes = zip(tensor.shape, tensor.stride(), strict=True)
    size = 1 + sum((length - 1) * step for length, step in axes)
    flat = tensor.as_strided((size,), (1,), tensor.storage_offset())
    return (flat.view(torch.uint8) if tensor.dtype == torch.bool else flat).numpy()


def _steps(tensor: Tensor) -> list[int]:
    """Return the strides of (tiles or images, channels, depth, height)."""
    spatial = [0] * (RANK + 2 - tensor.ndim) + list(tensor.stride()[2:])
    return [tensor.stride(0), tensor.stride(1), *spatial[:2]]


def _compiled(job: Job) -> Callable[..., int]:
    """Return the loops, compiled for what they are given, once and before threads."""
    nothing = (0, 0, *job.given, *job.scratch(), *job.options)
    try:
        loops = _loops(job.body, cache=True)
        loops(*nothing)
    except (RuntimeError, OSError):  # no folder can be written for the cache
        loops = _loops(job.body, cache=False)
        loops(*nothing)
    return loops


@lru_cache
def _loops(body: Callable[..., int], *, cache: bool) -> Callable[..., int]:
    loops: Callable[..., int] = njit(cache=cache, **kernel_loops.OPTIONS)(body)
    return loops
