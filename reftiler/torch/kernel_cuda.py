"""Merging and cutting on CUDA with Triton: one launch, the bits of every other body.

The kernels take ranks 1 to 3, of any grid, mode, scale, window, border and dtype. This
module is imported when CUDA tensors are first merged or cut (`dispatch`). With
``TRITON_INTERPRET=1`` the kernels run on CPU tensors.
"""

import math
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reftiler.axis import Axis, IntArray
from reftiler.dtypes import INTEGERS, nan_in_integers
from reftiler.geometry import TileGeometry
from reftiler.layout import ArrayLayout
from reftiler.plan import TilePlan, UntilePlan
from reftiler.torch import triton_kernels
from reftiler.torch.cut import frame_sources
from reftiler.torch.dtypes import KNOWN, dtype_name, fill_scalar
from reftiler.torch.layout import as_nchw, by_image

BLOCK = 256
"""Values of the result that one program makes."""

CELL = 16
"""Rows on each axis for which a scattered grid lists its tiles together."""

LIMIT = 2**31 - BLOCK
"""CUDA starts no more programs than this, and a row has no more values."""

LONGEST = 2**24
"""Pixels of an axis: of each the kernel wants a few numbers, 24 bytes in all."""

BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Dtypes by the bytes of an item, as which cutting moves any other."""

VIEWS = {torch.bool: torch.uint8, torch.bfloat16: torch.uint16}
"""As what merging reads bool, 0 or 1, and bfloat16, which it rounds by its bits."""

LIMITS = {"bool": (0, 1), **INTEGERS}


def supports(plan: UntilePlan, source: torch.dtype, target: torch.dtype) -> bool:
    """Tell whether `merge` takes a plan with tiles and a result of these dtypes."""
    known = dtype_name(source) in KNOWN and dtype_name(target) in KNOWN
    return known and plan.merge != "sum" and _fits(plan.result, plan.result.size)


def supports_cut(plan: TilePlan, dtype: torch.dtype) -> bool:
    """Tell whether `cut` takes a plan with an image of this dtype."""
    return dtype.itemsize in BITS and _fits(plan.tiles, plan.image.size)


def merge(tiles: Tensor, plan: UntilePlan, out: Tensor) -> None:
    """Merge ``tiles`` into ``out``, tensors of the plan's layouts."""
    if plan.num_uncovered:  # MERGE-018: the kernel writes no pixel of no tile
        out.copy_(fill_scalar(plan.fill, out.dtype, out.device))
    source, target = dtype_name(tiles.dtype), dtype_name(out.dtype)
    tiles = tiles.resolve_neg()  # a kernel sees memory as it is
    tiles, image = tiles.view(VIEWS.get(tiles.dtype, tiles.dtype)), out
    image = image.view(VIEWS.get(image.dtype, image.dtype))
    group = _lift(by_image(tiles, plan.tiles, plan.result.batch_size), 3)
    image = _lift(as_nchw(image, plan.result), 2)
    count, channels, *size = image.shape
    inner, rows, columns, programs = _blocks(image)
    axes, scattered = _three_axes(plan.geometry), plan.geometry.is_irregular
    pixels = [_pixels(axis, scattered=scattered) for axis in axes]
    extents = [np.stack([axis.start_array, *axis.valid.T]) for axis in axes]
    lines = plan.axis_weights or ()
    lines = (*[np.ones(1)] * (3 - len(lines)), *lines)
    cell, cells = (CELL, max(CELL, rows), columns), [np.zeros(1, np.int64)] * 2
    if scattered:
        cells = _cells(extents, cell, size, inner)
    nans = np.zeros(1, np.int64)
    arrays = _upload(tiles.device, nans, *cells, *pixels, *extents, *lines)
    low, high = LIMITS.get(target, (None, None))
    _launch(
        triton_kernels.merge_block,
        programs * count,
        (group, image, *arrays, *size, channels // inner, inner, rows, columns),
        (cell[1], *(len(axis) for axis in axes)),
        (*group.stride(), *image.stride()),
        [1] * (3 - len(plan.tiles.size)) + list(plan.tiles.size),
        MERGE=plan.merge,
        WEIGHTED=plan.axis_weights is not None,
        OMIT=plan.omits_nan,
        SCATTERED=scattered,
        SOURCE=source,
        TARGET=target,
        LOW=low,
        HIGH=high,
        BLOCK=BLOCK,
        CELL=CELL,
    )
    checked = high is not None and "float" in source
    if checked and int(arrays[0]):  # waits for the device, and raises if that is gone
        raise nan_in_integers(target)  # ROUND-005


def cut(image: Tensor, plan: TilePlan, out: Tensor) -> None:
    """Cut an image into ``out``."""
    grid, dtype = plan.grid, BITS[image.itemsize]
    pads = grid.tiler.pads and grid.tiler.pad_mode == "constant"
    value = grid.tiler.pad_value if pads else 0  # PAD-011: else it need not fit
    padding = fill_scalar(value, image.dtype, image.device)
    bits = image.resolve_conj().resolve_neg().view(dtype)
    source = _lift(as_nchw(bits, plan.image), 2)
    group = _lift(by_image(out.view(dtype), plan.tiles, plan.image.batch_size), 3)
    count, number, channels, *size = group.shape
    inner, rows, columns, programs = _blocks(group[0])
    axes = _three_axes(plan.geometry)
    sources = [frame_sources(axis, grid.tiler.pad_mode) for axis in axes]
    starts = [axis.start_array for axis in axes]
    _launch(
        triton_kernels.cut_block,
        programs * count * number,
        (source, group, padding.reshape(1).view(dtype)),
        _upload(image.device, *sources, *starts),
        (*size, channels // inner, inner, rows, columns, number),
        (len(axes[1]), len(axes[2])),
        (*source.stride(), *group.stride()),
        SCATTERED=grid.is_irregular,
        BLOCK=BLOCK,
    )


# --- the plan, as arrays --------------------------------------------------------------


def _three_axes(geometry: TileGeometry) -> list[Axis]:
    """Return three axes: ahead of fewer, ones of a single pixel."""
    number = len(geometry) if geometry.is_irregular else 1
    point = Axis(1, 1, 1, 0, (0,) * number)
    return [point] * (3 - len(geometry.axes)) + list(geometry.axes)


def _pixels(axis: Axis, *, scattered: bool) -> IntArray:
    """Return each pixel's frame pixel, its first tile and one past its last."""
    source = axis.merge_source  # MERGE-020; INTERP-002, INTERP-003, SCALE-009
    if scattered:
        return source
    x = np.arange(axis.length, dtype=np.int64)
    low, high = axis.valid.T  # BORDER-001, BORDER-006; both ascend
    first = np.searchsorted(high, x, side="right")
    return np.stack([source, first, np.searchsorted(low, x, side="right")])


def _cells(
    extents: list[IntArray], cell: tuple[int, int, int], size: list[int], inner: int
) -> list[IntArray]:
    """Return where the list of each cell begins, and its tiles in ascending order."""
    sides, scale = np.array(cell)[:, np.newaxis], np.array([[1], [1], [inner]])
    _, low, high = np.stack(extents, axis=1)
    low, high = low * scale, high * scale
    shape = [-(-length // side) for length, side in zip(size, cell, strict=True)]
    shape[2] = -(-size[2] * inner // cell[2])
    first, counts = low // sides, (high - 1) // sides - low // sides + 1
    counts = np.where((high > low).all(axis=0), counts, 0)
    total = counts.prod(axis=0)
    tile = np.repeat(np.arange(len(total)), total)
    place = np.arange(len(tile)) - np.repeat(np.cumsum(total) - total, total)
    where = np.zeros_like(tile)
    for axis in range(3):
        step = counts[axis + 1 :, tile].prod(axis=0)
        here = first[axis, tile] + place // step % counts[axis, tile]
        where = where * shape[axis] + here
    order = np.argsort(where, kind="stable")  # MERGE-003: tiles stay in order
    ends = np.arange(math.prod(shape) + 1)
    return [np.searchsorted(where[order], ends), tile[order]]


# --- tensors and launches -------------------------------------------------------------


def _fits(result: ArrayLayout, size: tuple[int, ...]) -> bool:
    if len(size) > 3 or max(size) > LONGEST:
        return False
    channels, width = result.channels or 1, result.size[-1]
    rows = result.batch_size * channels * math.prod(result.size[:-1])
    programs, columns = rows * -(-width // BLOCK), width * channels
    return max(programs, columns) < LIMIT


def _blocks(planes: Tensor) -> tuple[int, int, int, int]:
    """Return how many channels are neighbours, and the rows, columns and blocks."""
    _, channels, depth, height, width = planes.shape
    inner = channels if planes.stride(1) < planes.stride(-1) else 1
    columns = min(BLOCK, 1 << (width * inner - 1).bit_length())
    rows = BLOCK // columns
    programs = channels // inner * depth * -(-height // rows)
    return inner, rows, columns, programs * -(-width * inner // columns)


def _lift(tensor: Tensor, leading: int) -> Tensor:
    """Return three axes of space behind the ``leading`` ones."""
    added = leading + 3 - tensor.ndim
    return tensor[(slice(None),) * leading + (None,) * added]


def _upload(device: torch.device, *arrays: NDArray[Any]) -> list[Tensor]:
    """Copy arrays of eight-byte items to the device, all at once."""
    flat = [array.reshape(-1).view(np.int64) for array in arrays]
    there = torch.from_numpy(np.concatenate(flat)).to(device)
    parts = torch.split(there, [len(array) for array in flat])
    return [
        part.view(torch.float64) if array.dtype == np.float64 else part
        for part, array in zip(parts, arrays, strict=True)
    ]


def _launch(kernel: Any, programs: int, *arguments: Any, **constants: Any) -> None:
    flat = [item for group in arguments for item in group]
    device = flat[0].device
    with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
        # MERGE-004: without fusion a product is rounded before it is added
        kernel[(programs,)](*flat, **constants, enable_fp_fusion=False)
