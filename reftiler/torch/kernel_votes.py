"""The loops of `reftiler.torch.kernel_cpu` for votes, compiled by numba: for numba.

Row by row: for each tile, in ascending order, the weights of those behind it that hold
the same label are added to its own. The sum for a label is made where the first tile
that holds it comes; a later one has a smaller sum, and wins against nothing.
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


def vote_blocks(  # noqa: C901, PLR0912 - one nest of loops
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
    parts, here, label, most, votes = scratch
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
        target = n * steps[4] + c * steps[5] + d * steps[6] + y * steps[7] + x
        for r in range(h):
            several = 0
            for p in range(found):  # MERGE-003: in ascending order
                if parts[p, LOW1] <= y + r < parts[p, HIGH1]:
                    here[several], several = p, several + 1
            for i in range(U(w)):
                most[i] = 0
            u = axes[3][1][y + r]
            for a in range(several):
                part = parts[here[a]]
                low, high = part[LOW2], part[HIGH2]
                s, m = U(low - x), U(high - low)
                at = U(base + part[AT] + u * steps[3])
                if weights is None:
                    for i in range(m):
                        votes[s + i] = 1
                else:
                    f = weights[0][part[START0]] * weights[1][u - part[START1]]
                    t = U(part[START2])
                    for i in range(m):
                        j = i if columns is None else columns[U(low) + i]
                        votes[s + i] = f * weights[2][t + j]
                for b in range(a + 1, several):
                    other = parts[here[b]]
                    add_votes(
                        votes,
                        tiles,
                        at,
                        part,
                        other,
                        base,
                        u,
                        x,
                        steps,
                        columns,
                        weights,
                    )
                for i in range(m):
                    j = i if columns is None else columns[U(low) + i]
                    own, v = tiles[at + j], votes[s + i]
                    # MERGE-028: of equal sums the lowest label. MERGE-029: exact
                    wins = (v > most[s + i]) | (
                        (v == most[s + i]) & (own < label[s + i])
                    )
                    label[s + i] = own if wins else label[s + i]
                    most[s + i] = v if wins else most[s + i]
            o = U(target + r * steps[7])
            for i in range(U(w)):
                # MERGE-018
                out[o + i] = convert(label[i], out) if most[i] > 0 else fill[0]
    return 0


@jitable
def add_votes(  # noqa: PLR0913
    votes: Any,
    tiles: Any,
    at: Any,
    part: Any,
    other: Any,
    base: Any,
    u: Any,
    x: Any,
    steps: Any,
    columns: Any,
    weights: Any,
) -> None:
    """Add the weights of a tile where it holds the label of one before it."""
    low = part[LOW2] if part[LOW2] > other[LOW2] else other[LOW2]
    high = part[HIGH2] if part[HIGH2] < other[HIGH2] else other[HIGH2]
    if low >= high:
        return
    s, m, p = U(low - x), U(high - low), U(low)
    here, there = at, U(base + other[AT] + u * steps[3])
    t = U(other[START2])
    if columns is None:
        here, there = here + U(low - part[LOW2]), there + U(low - other[LOW2])
        t = t + U(low - other[LOW2])
    if weights is None:
        for i in range(m):
            j = i if columns is None else columns[p + i]
            votes[s + i] += tiles[here + j] == tiles[there + j]
    else:
        f = weights[0][other[START0]] * weights[1][u - other[START1]]
        for i in range(m):  # WINDOW-002
            j = i if columns is None else columns[p + i]
            w = f * weights[2][t + j]
            votes[s + i] += w if tiles[here + j] == tiles[there + j] else 0.0
