"""The loops of `reftiler.torch.kernel_cpu`, compiled by numba: for numba.

A gather, one block of rows at a time: the tiles that meet there are added, in
ascending order, to sums that stay in the cache; then every row is divided once and
rounded once. A tile's rows are read one after the other, as they lie in memory.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload, register_jitable

OPTIONS: Any = {"nogil": True, "error_model": "numpy"}
"""Not `parallel`: numba's thread layers abort in forked processes, or where several
threads call. Not `fastmath`: MERGE-004, a product is never fused with the addition."""

U = np.uint64
"""Indices that are not negative: numba looks for none, and vectors need no check."""

NUMBER = 2**32
"""What a tile adds to the count in a pixel, beside 1 if it holds a number there."""

jitable = register_jitable(**OPTIONS)

# Columns of the list of parts: what a tile gives to a block.
AT, LOW1, HIGH1, LOW2, HIGH2, START0, START1, START2 = range(8)


def merge_blocks(  # noqa: C901, PLR0912, PLR0913, PLR0915 - one nest of loops
    first: int,
    last: int,
    tiles: Any,
    out: Any,
    plan: Any,
    scratch: Any,
    count: Any,
    columns: Any,
    weights: Any,
    highest: Any,
    latest: Any,
    omits: Any,
) -> int:
    """Merge blocks ``first`` to ``last``; return how many NaN an integer would lose.

    Of ``count`` (how many tiles contribute to each pixel, kept only where it matters),
    ``columns``, ``weights``, ``highest``, ``latest`` and ``omits`` what is None is
    compiled away.
    Where one tile counts for its place, ``latest`` says whether it is the last one; or
    ``weights`` are distances from the centre. Where NaN is omitted, ``count`` is of
    numbers, and ``omits`` what stands for pixels of NaN alone.
    """
    shape, steps, flags, axes, totals, constants = plan
    channels, depth, height, width, rows, cols, tile_count = shape
    regular, gaps, single, disjoint, separable = flags
    counts, source = axes[2], axes[3]
    parts, total, divisor = scratch
    kind = divisor.dtype.type
    blocks1, blocks2 = -(-height // rows), -(-width // cols)
    lost = 0
    for block in range(first, last):
        rest, b2 = block // blocks2, block % blocks2
        rest, b1 = rest // blocks1, rest % blocks1
        rest, d = rest // depth, rest % depth
        n, c = rest // channels, rest % channels  # MERGE-022: each by itself
        y, x = b1 * rows, b2 * cols
        h = rows if y + rows < height else height - y
        w = cols if x + cols < width else width - x
        box = (d, y, y + h, x, x + w)
        found = find_parts(parts, axes, steps, box, (b1, b2), regular, columns)
        base = n * tile_count * steps[0] + c * steps[1]
        target = n * steps[4] + c * steps[5] + d * steps[6] + y * steps[7] + x
        for i in range(U(0 if disjoint else h * cols)):
            total[i] = constants[0][0]  # MERGE-003: sums start from -0.0
        if count is not None:
            for i in range(U(0 if separable else h * cols)):
                count[i], divisor[i] = 0, -0.0
        for p in range(0 if disjoint else found):  # MERGE-003: in ascending order
            part = parts[p]
            low, m = U(part[LOW2]), U(part[HIGH2] - part[LOW2])
            for r in range(part[LOW1] - y, part[HIGH1] - y):
                u = source[1][y + r]
                s = U(r * cols + part[LOW2] - x)
                at = U(base + part[AT] + u * steps[3])
                if latest is not None:
                    take_by_place(
                        total,
                        divisor,
                        tiles,
                        (s, at, low, m),
                        part,
                        u,
                        count,
                        columns,
                        weights,
                        latest,
                    )
                elif highest is not None:
                    for i in range(m):
                        j = i if columns is None else columns[low + i]  # INTERP-002
                        total[s + i] = best(total[s + i], tiles[at + j], highest)
                elif omits is not None:
                    row = (s, at, low, m)
                    add_numbers(
                        total, divisor, count, tiles, row, part, u, columns, weights
                    )
                elif weights is None:
                    for i in range(m):  # MERGE-006: nothing is multiplied
                        j = i if columns is None else columns[low + i]
                        total[s + i] += tiles[at + j]
                else:
                    f = weights[0][part[START0]] * weights[1][u - part[START1]]
                    t = U(part[START2])
                    for i in range(m):  # WINDOW-002, MERGE-004
                        j = i if columns is None else columns[low + i]
                        v = np.float64(tiles[at + j])
                        total[s + i] += (f * weights[2][t + j]) * v
                    for i in range(U(0) if separable else m):
                        j = i if columns is None else columns[low + i]
                        divisor[s + i] += f * weights[2][t + j]
                if count is not None:  # noqa: SIM102 - numba drops what is None
                    if omits is None:
                        for i in range(U(0) if regular else m):
                            count[s + i] += 1
        for r in range(0 if disjoint and not gaps else h):
            s, o, xs, m = U(r * cols), U(target + r * steps[7]), U(x), U(w)
            if count is not None:
                cover = counts[0][d] * counts[1][y + r]
                if omits is None:
                    for i in range(m if regular else U(0)):
                        count[s + i] = cover * counts[2][xs + i]
                else:
                    for i in range(m):
                        if count[s + i] > 0 and count[s + i] % NUMBER == 0:
                            total[s + i] = omits  # MERGE-033
                            count[s + i] = 2  # which is neither filled nor copied
                        count[s + i] %= NUMBER
            if not disjoint:
                lost += count_lost(total, s, m, out)  # ROUND-005
            f = totals[0][d] * totals[1][y + r]
            if disjoint:
                pass
            elif highest is not None:
                for i in range(m):  # MERGE-013: compared first, then converted
                    out[o + i] = convert(total[s + i], out)
            elif len(totals[3]) and f > 0 and np.int64(f) & (np.int64(f) - 1) == 0:
                f = kind(1) / f  # the reciprocal of a power of two is exact
                for i in range(m):
                    v = kind(total[s + i]) * (f * totals[3][xs + i])
                    out[o + i] = convert(v, out)
            else:
                if count is not None:
                    for i in range(m if not separable and weights is None else U(0)):
                        divisor[s + i] = count[s + i]
                for i in range(m if separable else U(0)):
                    divisor[s + i] = f * totals[2][xs + i]
                for i in range(m):  # MERGE-005: one division; where no tile is, by one
                    q = divisor[s + i] if divisor[s + i] > 0 else kind(1)
                    out[o + i] = convert(kind(total[s + i]) / q, out)
            if count is not None:
                for i in range(m if gaps else U(0)):
                    if count[s + i] == 0:  # MERGE-018
                        out[o + i] = constants[1][0]
        for p in range(found if single or disjoint else 0):
            part = parts[p]
            low, m = U(part[LOW2]), U(part[HIGH2] - part[LOW2])
            for r in range(part[LOW1] - y, part[HIGH1] - y):
                if omits is None:  # noqa: SIM102
                    if regular and counts[0][d] * counts[1][y + r] > 1:
                        continue
                at = U(base + part[AT] + source[1][y + r] * steps[3])
                o = U(target + r * steps[7] + part[LOW2] - x)
                s = U(r * cols + part[LOW2] - x)
                for i in range(m):
                    j = i if columns is None else columns[low + i]
                    v = tiles[at + j]
                    # MERGE-007: copied
                    if count is None or count[s + i] == 1:  # noqa: SIM102
                        if omits is None or v == v:  # noqa: PLR0124 - no NaN
                            out[o + i] = convert(v, out)
    return lost


@jitable
def add_numbers(  # noqa: PLR0913
    total: Any,
    divisor: Any,
    count: Any,
    tiles: Any,
    row: Any,
    part: Any,
    u: Any,
    columns: Any,
    weights: Any,
) -> None:
    """Add a row of a tile but for its NaN; count tiles in steps of `NUMBER` + 1."""
    s, at, low, m = row
    t = U(part[START2])
    f = 1.0
    if weights is not None:
        f = weights[0][part[START0]] * weights[1][u - part[START1]]
    for i in range(m):
        j = i if columns is None else columns[low + i]
        v = np.float64(tiles[at + j])
        w = 1.0 if weights is None else f * weights[2][t + j]
        count[s + i] += NUMBER
        if v == v:  # noqa: PLR0124 - MERGE-032: no NaN
            total[s + i] += w * v
            divisor[s + i] += w
            count[s + i] += 1


@jitable
def take_by_place(  # noqa: PLR0913
    total: Any,
    least: Any,
    tiles: Any,
    row: Any,
    part: Any,
    u: Any,
    count: Any,
    columns: Any,
    distances: Any,
    latest: bool,
) -> None:
    """Take a row of a tile where it is the first, the last or the nearest."""
    s, at, low, m = row
    if distances is None:
        for i in range(m):  # MERGE-024
            j = i if columns is None else columns[low + i]
            if latest or count[s + i] == 0:
                total[s + i] = tiles[at + j]
    else:
        f = distances[0][part[START0]] + distances[1][u - part[START1]]
        t = U(part[START2])
        for i in range(m):  # MERGE-025: of equal distances the earlier stays
            j = i if columns is None else columns[low + i]
            far = f + distances[2][t + j]
            if count[s + i] == 0 or far < least[s + i]:
                total[s + i], least[s + i] = tiles[at + j], far


@jitable
def find_parts(
    parts: Any, axes: Any, steps: Any, box: Any, at: Any, regular: bool, columns: Any
) -> int:
    """List what each tile gives to a box of pixels, tiles in ascending order."""
    spans, meet, _, source = axes
    d, y0, y1, x0, x1 = box
    found = 0
    for i in range(meet[0][0, d], meet[0][1, d]):
        if not spans[0][0, i] <= d < spans[0][1, i]:
            continue
        u = source[0][d] - spans[0][2, i]
        j0, j1 = i, i + 1
        if regular:
            j0, j1 = meet[1][0, at[0]], meet[1][1, at[0]]
        for j in range(j0, j1):
            low1, high1, start1 = spans[1][0, j], spans[1][1, j], spans[1][2, j]
            low1, high1 = y0 if y0 > low1 else low1, y1 if y1 < high1 else high1
            if low1 >= high1:
                continue
            k0, k1, tile = i, i + 1, 0
            if regular:
                k0, k1 = meet[2][0, at[1]], meet[2][1, at[1]]
                tile = (i * spans[1].shape[1] + j) * spans[2].shape[1]
            for k in range(k0, k1):
                low2, high2, start2 = spans[2][0, k], spans[2][1, k], spans[2][2, k]
                low2, high2 = x0 if x0 > low2 else low2, x1 if x1 < high2 else high2
                if low2 >= high2:
                    continue
                t = (low2 if columns is None else 0) - start2
                part = parts[found]
                part[AT] = (tile + k) * steps[0] + u * steps[2] - start1 * steps[3] + t
                part[LOW1], part[HIGH1], part[START1] = low1, high1, start1
                part[LOW2], part[HIGH2], part[START2] = low2, high2, t
                part[START0] = u
                found += 1
    return found


def best(a: Any, b: Any, highest: bool) -> Any:
    """Return the maximum or minimum of two numbers."""
    raise NotImplementedError


def convert(value: Any, out: Any) -> Any:
    """Round ``value`` once to the dtype of ``out``."""
    raise NotImplementedError


def count_lost(values: Any, first: Any, size: Any, out: Any) -> int:
    """Count the NaN among ``values`` that ``out`` cannot hold."""
    raise NotImplementedError


@overload(best, jit_options=OPTIONS)
def _best(a: Any, b: Any, highest: Any) -> Callable[..., Any]:
    def real(a: Any, b: Any, highest: Any) -> Any:
        # MERGE-012: a sum decides between zeros, and makes NaN of NaN.
        tie = a + b if highest else -(-a - b)
        tie = a if (a == b) & (a != 0) else tie
        return (a if (a > b) == highest else b) if (a > b) | (a < b) else tie

    def integer(a: Any, b: Any, highest: Any) -> Any:
        return a if (a > b) == highest else b

    return real if isinstance(a, types.Float) else integer


@overload(convert, jit_options=OPTIONS)
def _convert(value: Any, out: Any) -> Callable[..., Any]:
    target = out.dtype

    def same(value: Any, out: Any) -> Any:
        return value

    def real(value: Any, out: Any) -> Any:
        return target(np.float64(value))  # ROUND-001, ROUND-002, ROUND-006

    if value == target:
        return same
    if isinstance(target, types.Float):
        return real
    # A mean of n <= 257 bytes is a tie or at least 1/(2n) away from one, which is more
    # than float32 can be wrong by: it rounds to the right byte.
    short = value == types.float32 and target.bitwidth == 8
    kind = types.float32 if short else types.float64
    lowest, most = target.minval, target.maxval
    low, high = float(lowest), float(most)  # 2**63 - 1 becomes 2**63
    last = high if most < 2**53 else float(np.nextafter(high, 0.0))

    def integer(value: Any, out: Any) -> Any:
        whole = np.rint(kind(value))  # ROUND-003
        inside = whole if whole > kind(low) else kind(low)  # of NaN too: it is counted
        inside = inside if inside < kind(last) else kind(last)
        return target(most) if whole >= kind(high) else target(inside)  # ROUND-004

    return integer


@overload(count_lost, jit_options=OPTIONS)
def _count_lost(values: Any, first: Any, size: Any, out: Any) -> Callable[..., int]:
    def none(values: Any, first: Any, size: Any, out: Any) -> int:
        return 0

    def count(values: Any, first: Any, size: Any, out: Any) -> int:
        lost = 0
        for i in range(size):
            lost += values[first + i] != values[first + i]
        return lost

    real = isinstance(values.dtype, types.Float)
    return count if real and not isinstance(out.dtype, types.Float) else none
