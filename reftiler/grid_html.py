"""A grid as notebooks show it: a small drawing and what there is to know."""

import math

from reftiler.grid import Grid

__all__ = ["grid_html"]

_SIDE = 180  # of the drawing, in CSS pixels
_MOST = 400  # tiles that are drawn one by one
_LINE = "stroke:#0072b2;stroke-width:1;vector-effect:non-scaling-stroke"
_TILE = f"fill:#56b4e9;fill-opacity:.25;{_LINE}"
_IMAGE = "fill:#fff;stroke:#000;stroke-width:1.5;vector-effect:non-scaling-stroke"


def grid_html(grid: Grid) -> str:
    """Return a grid as HTML: a drawing, where it has two axes, beside a table."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{name}</th>"
        f"<td style='text-align:left'>{text}</td></tr>"
        for name, text in _facts(grid).items()
    )
    drawing = _drawing(grid) if len(grid.image_size) == 2 else ""
    return (
        f"<div style='display:flex;gap:1em;align-items:center'>{drawing}"
        f"<table>{rows}</table></div>"
    )


def _facts(grid: Grid) -> dict[str, str]:
    tiler, padding = grid.tiler, grid.padding
    count = str(len(grid))
    if not grid.is_irregular:
        count += f" ({_times(grid.shape)})"
    facts = {
        "image": _times(grid.image_size),
        "tiles": f"{count} of {_times(tiler.tile_size)}",
        "stride": "a list of starts" if grid.is_irregular else _times(tiler.stride),
        "mode": tiler.mode,
    }
    window = tiler.window if isinstance(tiler.window, str) else "of one's own"
    border = tiler.remove_border_count
    special = {
        "context": _times(tiler.context) if tiler.has_context else "",
        "border removed": _times(border) if any(border) else "",
        "window": "" if window == "box" else window,
        "merge": tiler.merge or "",
    }
    facts |= {name: text for name, text in special.items() if text}
    if any(map(any, padding)):
        facts["padding"] = ", ".join(f"{low} + {high}" for low, high in padding)
    if not grid.is_irregular:
        low = math.prod(int(axis.coverage.min()) for axis in grid.axes)
        high = math.prod(int(axis.coverage.max()) for axis in grid.axes)
        facts["tiles on a pixel"] = f"{low} to {high}" if low < high else f"{low}"
    return facts


def _drawing(grid: Grid) -> str:
    """Return an SVG of the image and its tiles; of very many, of the image alone."""
    frame = [(-before, length + after) for length, (before, after)
             in zip(grid.image_size, grid.padding, strict=True)]  # fmt: skip
    (top, bottom), (left, right) = frame
    height, width = bottom - top, right - left
    scale = _SIDE / max(height, width)
    high, wide = grid.image_size
    parts = [_rect(0, 0, high, wide, _IMAGE)]
    if len(grid) <= _MOST:
        for (y0, y1), (x0, x1) in grid.boxes.tolist():
            parts.append(_rect(y0, x0, y1 - y0, x1 - x0, _TILE))
    return (
        f"<svg width='{width * scale + 4:.0f}' height='{height * scale + 4:.0f}' "
        f"viewBox='{left} {top} {width} {height}' style='overflow:visible;"
        f"padding:2px'>{''.join(parts)}</svg>"
    )


def _rect(top: int, left: int, height: int, width: int, style: str) -> str:
    return (
        f"<rect x='{left}' y='{top}' width='{width}' height='{height}' "
        f"style='{style}'/>"
    )


def _times(sizes: tuple[int, ...]) -> str:
    return " × ".join(map(str, sizes))
