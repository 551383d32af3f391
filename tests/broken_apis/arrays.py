"""Tilers that take, or refuse, the wrong arrays."""

from __future__ import annotations

import numpy as np

from tests.broken_apis.table import BROKEN, Broken, raises, says, takes

LONG = np.dtype("longdouble").name
"""Some platforms have no floats longer than float64."""

BROKEN += [
    Broken("BACKEND-003", "a small image: TilingError", says("grid", "larger", "more")),
    Broken("BACKEND-003", "a start outside: ValueErr", raises("scatter", ValueError)),
    Broken("BACKEND-003", "a gap: taken", takes("untile", "no tile")),
    Broken("BACKEND-003", "an out of another shape", says("tile", "out is", "out:")),
    Broken("LAYOUT-004", "an image (1, 1, 1, 8) for", takes("tile", "has 4 axes")),
    Broken("LAYOUT-004", "an image (8,) for rank 2", takes("view", "has 1 axes")),
    Broken("LAYOUT-005", "an image (0, 2, 8, 8) was", takes("tile", "is empty")),
    Broken("LAYOUT-005", "an image (0, 2, 8, 8) was", takes("view", "is empty")),
    Broken("LAYOUT-005", "tiles (4, 0, 4, 4) was", takes("untile", r"0, 4, 4\) are")),
    Broken("LAYOUT-009", "the shape (8,) was taken", takes("untile", "has 1 axes")),
    Broken("LAYOUT-009", "the shape (0, 3, 8, 6) was", takes("untile", "0, 3, 8, 6")),
    Broken("LAYOUT-009", "the shape (8.0, 6) was", takes("untile", "got 8.0")),
    Broken("LAYOUT-010", "3 tiles for (8, 8) was", takes("untile", "got 3 tiles")),
    Broken("LAYOUT-012", "tiles (4, 4) for rank 2", takes("untile", "have 2 axes")),
    Broken("LAYOUT-012", "tiles (1, 4, 1, 4, 4)", takes("untile", r"\(1, 4, 1")),
    Broken("OUT-002", "tile into its own image was", takes("tile", "shares")),
    Broken("OUT-002", "untile into its own tiles", takes("untile", "shares")),
    Broken("OUT-002", "untile into a list was taken", takes("untile", "must be a")),
    Broken("OUT-002", "untile into uint8 (4, 16)", takes("untile", r"8 \(4, 16\), ")),
    Broken("OUT-002", "tile into float32 (4, 4, 4)", takes("tile", r"float32 \(4, 4")),
    Broken("OUT-002", "tile into what is read-only", takes("tile", "read-only")),
    Broken("OUT-002", "untile into what is read", takes("untile", "read-only")),
    Broken("PAD-010", "pad_value=0.5 of uint8 was", takes("tile", "=0.5 does not")),
    Broken("PAD-010", "pad_value=256 of uint8", takes("tile", "=256 does not")),
    Broken("SCALE-002", "tiles of (4, 8) for (8, 8)", takes("untile", "not alike")),
    Broken("SCALE-003", "scale=0.3 for tiles of", takes("untile", "scale 0.3 on")),
    Broken("SCALE-003", "scale=(0.5,) for tiles", takes("untile", "have 2 num.* 1")),
    Broken("SCALE-003", "scale=inf was taken", takes("untile", "be finite")),
    Broken("SCALE-006", "'axis 1' is not in", says("untile", "axis 1", "an axis")),
    Broken("SCALE-006", "'1/2' is not in", says("untile", "1/2", "0.5")),
    Broken("TILE-005", "tile with a grid of another", takes("tile", "made by")),
    Broken("TILE-005", "untile with one of another", takes("untile", "made by")),
    Broken("TILE-005", "a grid of another size was", takes("tile", "images of")),
    Broken("TYPE-003", "an image of object was", takes("tile", "be object")),
    Broken("TYPE-003", "('f1', 'O')] was taken", takes("view", r"'O'\)")),
    Broken("TYPE-003", "no dtype is named", says("tile", "object", "that")),
    Broken("TYPE-005", "tiles of complex64 was", takes("untile", "tiles cannot")),
    Broken("TYPE-005", "dtype=complex64 was taken", takes("untile", "dtype cannot")),
    Broken("TYPE-005", "complex64 is not named", says("untile", "complex64", "that")),
    Broken("TYPE-007", "dtype=bool of uint8 was", takes("untile", "got uint8")),
    Broken("TYPE-007", "dtype=bool of float32", takes("untile", "got float32")),
    Broken("VIEW-006", "the view of padding was", takes("view", "use tile")),
    Broken("VIEW-006", "the view of clamp was", takes("view", "mode='clamp'")),
    Broken("VIEW-006", "uneven starts was taken", takes("view", "mode='even'")),
    Broken("VIEW-007", "tile is not proposed", says("view", r": use tile\(\)", "")),
]

if LONG != "float64":
    BROKEN.append(Broken("TYPE-005", f"tiles of {LONG} was", takes("untile", LONG)))
