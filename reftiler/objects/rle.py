"""COCO's run lengths: masks as counts of pixels, column by column.

The counts are of zeros and ones in turn, zeros first. COCO's files have them as a list,
or as a text of six bits a character.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.validation import is_sequence, shorten

_MAX_PIXELS = 2**31


def decode_rle(segmentation: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Return the mask (H, W) of ``size``, (H, W), and ``counts``, a list or a text."""
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if not (is_sequence(size) and size is not None and len(size) == 2) or not all(
        isinstance(side, int) and 0 < side < _MAX_PIXELS for side in size
    ):
        raise TilingError(f"run lengths must have a size [H, W], got {shorten(size)}")
    if isinstance(counts, str | bytes):
        text = counts if isinstance(counts, str) else counts.decode("latin-1")
        runs = _from_text(text)
    elif is_sequence(counts) and all(isinstance(run, int) for run in counts or ()):
        runs = list(counts or ())
    else:
        raise TilingError(f"run lengths must be ints or a text: {shorten(counts)}")
    height, width = size
    if min(runs, default=0) < 0 or sum(runs) != height * width:
        raise TilingError(
            f"the run lengths add up to {sum(runs)} pixels, the size {size} has "
            f"{height * width}: the annotation is damaged"
        )
    if height * width > _MAX_PIXELS:
        raise TilingError(f"a mask of {height} x {width} pixels is too large")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(width, height).T


def encode_rle(mask: NDArray[np.bool_], *, as_text: bool = True) -> dict[str, Any]:
    """Return a mask's run lengths as `decode_rle` takes them, as a text or a list."""
    flat = np.concatenate([[False], mask.T.ravel()])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    runs = np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()
    counts = "".join(_to_text(runs)) if as_text else runs
    return {"size": list(mask.shape), "counts": counts}


def _from_text(text: str) -> list[int]:
    """Read counts of 5 bits a character and a sixth that says whether more follow.

    From the fourth on they are differences to the count before the last.
    """
    runs: list[int] = []
    number, shift = 0, 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 60:
            raise TilingError(f"run lengths cannot be {shorten(text)}")
        number |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            number -= 1 << shift
        runs.append(number + (runs[-2] if len(runs) > 2 else 0))
        number, shift = 0, 0
    if shift:
        raise TilingError(f"the run lengths {shorten(text)} break off")
    return runs


def _to_text(runs: Sequence[int]) -> Iterator[str]:
    for k, run in enumerate(runs):
        number = run - runs[k - 2] if k > 2 else run
        more = True
        while more:
            bits, number = number & 31, number >> 5
            more = number != (-1 if bits & 16 else 0)
            yield chr(bits + (32 if more else 0) + 48)
