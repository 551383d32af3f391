"""Polygons clipped to rectangles, into as many parts as they fall.

Coordinates are those of pixel edges: the first pixel reaches from 0 to 1.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]
"""x and y."""
Polygon: TypeAlias = tuple[Point, ...]
"""Corners in their order; the last is joined to the first."""


def polygon_area(polygon: Sequence[Point]) -> float:
    """Return the area within a polygon that does not cross itself."""
    x0, y0 = polygon[0]  # from here, so that far away nothing is lost to rounding
    moved = [(x - x0, y - y0) for x, y in polygon]
    pairs = zip(moved, [*moved[1:], moved[0]], strict=True)
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2


def bounds(points: Sequence[Point]) -> tuple[float, float, float, float]:
    """Return the least and the largest coordinates: left, top, right, bottom."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def clip_polygon(
    polygon: Polygon, low: Sequence[float], high: Sequence[float]
) -> tuple[Polygon, ...]:
    """Return the parts of a polygon within a rectangle, of which none is a line.

    It may be concave, and cross itself: within is what an odd number of its edges
    separate from the outside. One within the rectangle is returned as it is.
    """
    parts: tuple[Polygon, ...] = (polygon,)
    for axis in (0, 1):
        for bound, sign in ((low[axis], 1), (high[axis], -1)):
            parts = tuple(
                part for whole in parts for part in _cut(whole, axis, bound, sign)
            )
    return tuple(part for part in parts if not _is_line(part))


def join_parts(parts: Sequence[Polygon]) -> Polygon:
    """Return one polygon of the same area: seams without width lead to each part."""
    first, *others = parts
    joined = list(first)
    for part in others:
        joined += [first[0], *part, part[0]]
    return tuple(joined)


def _is_line(polygon: Polygon) -> bool:
    left, top, right, bottom = bounds(polygon)
    return left == right or top == bottom or len(set(polygon)) < 3


def _cut(polygon: Polygon, axis: int, bound: float, sign: int) -> Iterator[Polygon]:
    """Yield the parts of a polygon on one side of a line.

    Its outline is cut into chains. Between the first and the second place at which
    they meet the line, the third and the fourth, …, the line lies within the polygon
    and joins them to new outlines.
    """
    inside = [sign * (point[axis] - bound) >= 0 for point in polygon]
    if all(inside):
        yield polygon
        return
    chains = list(_chains(polygon, inside, axis, bound))
    ends = [(chain, end) for chain in range(len(chains)) for end in (0, -1)]
    ends.sort(key=lambda one: chains[one[0]][one[1]][1 - axis])
    partner = dict(zip(ends[::2], ends[1::2], strict=True))
    partner |= {second: first for first, second in partner.items()}
    left = set(range(len(chains)))
    while left:
        start = chain, entered = min(left), 0
        outline: list[Point] = []
        while True:
            left.discard(chain)
            outline += chains[chain] if entered == 0 else chains[chain][::-1]
            chain, entered = partner[chain, -1 if entered == 0 else 0]
            if (chain, entered) == start:
                break
        yield tuple(outline)


def _chains(
    polygon: Polygon, inside: Sequence[bool], axis: int, bound: float
) -> Iterator[list[Point]]:
    """Yield the pieces of the outline inside, from where they enter to the exit."""
    count = len(polygon)
    for first in range(count):
        if not inside[first] or inside[first - 1]:
            continue
        chain = [_crossing(polygon[first - 1], polygon[first], axis, bound)]
        k = first
        while inside[k % count]:
            chain.append(polygon[k % count])
            k += 1
        chain.append(
            _crossing(polygon[(k - 1) % count], polygon[k % count], axis, bound)
        )
        yield [
            point for n, point in enumerate(chain) if n == 0 or point != chain[n - 1]
        ]


def _crossing(one: Point, other: Point, axis: int, bound: float) -> Point:
    """Return where an edge meets a line: the same point from either side."""
    first, second = sorted((one, other))
    for corner in (first, second):
        if corner[axis] == bound:
            return corner
    share = (bound - first[axis]) / (second[axis] - first[axis])
    ends = sorted((first[1 - axis], second[1 - axis]))
    across = first[1 - axis] + share * (second[1 - axis] - first[1 - axis])
    across = min(max(across, ends[0]), ends[1])
    return (bound, across) if axis == 0 else (across, bound)
