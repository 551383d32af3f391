"""The loops of `reftiler.torch.kernel_cpu` for votes, compiled by numba: for numba.

A row is cut into runs of pixels in which the same tiles take part. The sum for a label
is made where the first tile that holds it comes: a later tile of that label has a
smaller one, and wins against nothing.
"""

from typing import Any

from reftiler.torch.kernel_loops import (
    AT,
    HIGH1,
    HIGH2,
    LOW1,
    LOW2,
    START0,
    START1,
    START2,
    U,
    convert,
    find_parts,
    jitable,
)


def vote_blocks(
    first: int,
    last: int,
    tiles: Any,
    out: Any,
    plan: Any,
    scratch: Any,
    columns: Any,
    weights: Any,
) -> int:
    """Merge blocks ``first`` to ``last``; no NaN is lost.

    Of ``columns`` and ``weights`` what is None is compiled away.
    """
    shape, steps, regular, axes, fill = plan
    channels, depth, height, width, rows, cols, tile_count = shape
    parts, in_row, edges, in_run, _, _, _ = scratch
    blocks1, blocks2 = -(-height // rows), -(-width // cols)
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
        target = n * steps[4] + c * steps[5] + d * steps[6] + y * steps[7]
        for r in range(h):
            u = axes[3][1][y + r]
            several = find_row(parts, found, y + r, in_row)
            ends = find_edges(parts, in_row, several, x, x + w, edges)
            for e in range(ends - 1):
                low, high = edges[e], edges[e + 1]
                count = find_run(parts, in_row, several, low, high, in_run)
                for k in range(count):
                    part = parts[in_run[k, 0]]
                    at = base + part[AT] + u * steps[3]
                    in_run[k, 1] = at if columns is not None else at + low - part[LOW2]
                vote_run(
                    tiles,
                    out,
                    U(target + r * steps[7] + low),
                    (low, high, u),
                    (parts, count),
                    scratch,
                    fill,
                    columns,
                    weights,
                )
    return 0


@jitable
def find_row(parts: Any, found: int, row: int, in_row: Any) -> int:
    """List the parts that have a row, in ascending order."""
    several = 0
    for p in range(found):
        if parts[p, LOW1] <= row < parts[p, HIGH1]:
            in_row[several] = p
            several += 1
    return several


@jitable
def find_edges(
    parts: Any, in_row: Any, several: int, low: int, high: int, edges: Any
) -> int:
    """List in ascending order where parts of a row begin and end, each place once."""
    edges[0], edges[1], count = low, high, 2
    for p in range(several):
        for column in (LOW2, HIGH2):
            edge = parts[in_row[p], column]
            place = count
            while edges[place - 1] > edge:
                place -= 1
            if edges[place - 1] != edge:
                for k in range(count, place, -1):
                    edges[k] = edges[k - 1]
                edges[place] = edge
                count += 1
    return count


@jitable
def find_run(
    parts: Any, in_row: Any, several: int, low: int, high: int, in_run: Any
) -> int:
    """List the parts that have all pixels of a run, in ascending order."""
    count = 0
    for p in range(several):
        part = parts[in_row[p]]
        if part[LOW2] <= low and high <= part[HIGH2]:
            in_run[count, 0] = in_row[p]
            count += 1
    return count


@jitable
def vote_run(  # noqa: C901, PLR0912, PLR0913 - a loop for each number of tiles
    tiles: Any,
    out: Any,
    o: Any,
    run: Any,
    listed: Any,
    scratch: Any,
    fill: Any,
    columns: Any,
    weights: Any,
) -> None:
    """Merge a run of pixels in which the same tiles take part."""
    low, high, u = run
    parts, count = listed
    _, _, _, in_run, label, most, votes = scratch
    p, m = U(low), U(high - low)
    if count == 0:
        for i in range(m):  # MERGE-018
            out[o + i] = fill[0]
        return
    a = U(in_run[0, 1])
    if count == 1:
        for i in range(m):  # MERGE-007
            j = i if columns is None else columns[p + i]
            out[o + i] = convert(tiles[a + j], out)
        return
    if weights is None and count == 2:
        b = U(in_run[1, 1])
        for i in range(m):  # MERGE-028: both are equal, or the lower one wins
            j = i if columns is None else columns[p + i]
            one, two = tiles[a + j], tiles[b + j]
            out[o + i] = convert(one if one < two else two, out)
        return
    if weights is None and count == 4:
        b, c, d = U(in_run[1, 1]), U(in_run[2, 1]), U(in_run[3, 1])
        for i in range(m):
            j = i if columns is None else columns[p + i]
            four = tiles[a + j], tiles[b + j], tiles[c + j], tiles[d + j]
            out[o + i] = convert(vote_of_four(four), out)
        return
    for i in range(m):
        most[i], label[i] = 0, 0
    for k in range(count):
        here = U(in_run[k, 1])
        for q in range(k, count):  # MERGE-003: in ascending order
            there = U(in_run[q, 1])
            if weights is None:
                for i in range(m):
                    j = i if columns is None else columns[p + i]
                    v = most.dtype.type(tiles[here + j] == tiles[there + j])
                    votes[i] = v if q == k else votes[i] + v
            else:
                part = parts[in_run[q, 0]]
                f = weights[0][part[START0]] * weights[1][u - part[START1]]
                t = U(
                    part[START2]
                    if columns is not None
                    else part[START2] + low - part[LOW2]
                )
                for i in range(m):  # WINDOW-002
                    j = i if columns is None else columns[p + i]
                    g = f * weights[2][t + j]
                    v = g if tiles[here + j] == tiles[there + j] else 0.0
                    votes[i] = v if q == k else votes[i] + v
        for i in range(m):  # MERGE-028: of equal sums the lowest label
            j = i if columns is None else columns[p + i]
            own, v, best, old = tiles[here + j], votes[i], label[i], most[i]
            lower = own if own < best else best
            label[i] = lower if v == old else (own if v > old else best)
            most[i] = v if v > old else old
    for i in range(m):
        out[o + i] = convert(label[i], out)


@jitable
def vote_of_four(four: Any) -> Any:
    """Return the label that most of four tiles hold, of several the lowest."""
    a, b, c, d = four
    # Of two pairs the lower wins; of one pair it does; else the lowest of all.
    low = a if a < b else b
    high = c if c < d else d
    lowest = low if low < high else high
    pair = b if (b == c) | (b == d) else c if c == d else lowest
    own = (a == b) | (a == c) | (a == d)
    other = (b == c) | (b == d) | (c == d)
    three = (a == b) & (a == c) | (a == b) & (a == d) | (a == c) & (a == d)
    both = a if three | (a < pair) else pair
    return both if own & other else a if own else pair
