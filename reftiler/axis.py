"""One axis of a grid: integers only, so that every backend cuts alike."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError

IntArray = NDArray[np.int64]
Index = slice | IntArray

MODES = ("padding", "interpolation", "clamp", "even", "drop")
PAD_SIDES = ("end", "both")


@dataclass(frozen=True)
class Axis:
    """Where the tiles lie along one axis.

    The *frame* is what the tiles are cut from: the image itself, the image with
    padding, or the image resampled. Starts are counted in the frame.

    Attributes
    ----------
    length : int
        Pixels of the image.
    tile : int
        Pixels of a tile.
    padded_length : int
        Pixels of the frame.
    pad_before : int
        Padding ahead of the image's first pixel.
    starts : tuple of int
        First frame pixel of each tile.
    border : int
        Pixels at either side of a tile that do not take part in the merge, except
        where that side is the frame's own rim.
    resampled : bool
        Whether the frame is the image resampled instead of extended.
    """

    length: int
    tile: int
    padded_length: int
    pad_before: int
    starts: tuple[int, ...]
    border: int = 0
    resampled: bool = False

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def pad_after(self) -> int:
        """Padding behind the image's last pixel; 0 where the image is resampled."""
        behind = self.padded_length - self.pad_before - self.length
        return 0 if self.resampled else behind

    @property
    def is_unpadded(self) -> bool:
        """Whether the frame is the image itself."""
        return self.padded_length == self.length

    @cached_property
    def step(self) -> int | None:
        """The distance from each start to the next, if it is the same everywhere."""
        steps = set(np.diff(self.starts).tolist()) or {self.tile}
        step: int = steps.pop()
        return step if not steps and step > 0 else None

    @cached_property
    def regular_run(self) -> range:
        """The longest run of tiles that lie inside the image, equally spaced."""
        if self.resampled and not self.is_unpadded:
            return range(0)
        begin = np.array(self.starts) - self.pad_before
        inside = (begin >= 0) & (begin + self.tile <= self.length)
        best = run = range(0)
        for number in np.flatnonzero(inside).tolist():
            fits = len(run) and run[-1] == number - 1
            if fits and len(run) > 1:
                fits = (
                    begin[number] - begin[number - 1] == begin[run[1]] - begin[run[0]]
                )
            # A run that ends here may lend its last tile to the next one.
            run = range(run.start, number + 1) if fits else range(number, number + 1)
            best = max(best, run, key=len)
        return best

    def slices(self, run: range) -> tuple[slice, int]:
        """Return the image pixels that a run of even tiles covers, and their step."""
        first, last = (self.starts[n] - self.pad_before for n in (run[0], run[-1]))
        step = self.starts[run[1]] - self.starts[run[0]] if len(run) > 1 else 1
        return slice(first, last + self.tile), step

    def to_image(self, pixel: int) -> int:
        """Return the image pixel that a frame pixel shows, beyond it in padding."""
        if self.resampled:
            return pixel * self.length // self.padded_length
        return pixel - self.pad_before

    @cached_property
    def boxes(self) -> IntArray:
        """First and one past last image pixel of each tile, shape (n, 2)."""
        rows = [
            (self.to_image(start), self.to_image(start + self.tile - 1) + 1)
            for start in self.starts
        ]
        return np.array(rows, dtype=np.int64)

    @cached_property
    def valid(self) -> IntArray:
        """Image pixels where each tile takes part in the merge, shape (n, 2)."""
        start = np.array(self.starts, dtype=np.int64)
        stop = start + self.tile
        low = np.where(start == 0, start, start + self.border)
        high = np.where(stop == self.padded_length, stop, stop - self.border)
        frame = np.stack([low, high], axis=1)
        if self.resampled:
            # Pixel i reads frame pixel ceil(i P / L); the first i with that >= j.
            image: IntArray = (frame - 1) * self.length // self.padded_length + 1
            return image
        valid: IntArray = np.clip(frame - self.pad_before, 0, self.length)
        return valid

    @cached_property
    def coverage(self) -> IntArray:
        """How many tiles take part in each image pixel, shape (length,)."""
        return np.rint(self.weight_sum(np.ones(self.tile))).astype(np.int64)

    def weight_sum(self, profile: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum the tiles' weights at each image pixel, shape (length,)."""
        total = np.zeros(self.length)
        for number, (low, high) in enumerate(self.valid.tolist()):
            total[low:high] += profile[self.tile_index(number, low, high)]
        return total

    def tile_index(self, number: int, low: int, high: int) -> Index:
        """Return which pixels of tile ``number`` image pixels low to high read."""
        start = self.starts[number]
        if self.resampled and not self.is_unpadded:
            pixels = np.arange(low, high, dtype=np.int64)
            frame: IntArray = -(-pixels * self.padded_length // self.length)
            return frame - start
        return slice(low + self.pad_before - start, high + self.pad_before - start)

    def scaled(self, scale: Fraction, name: str) -> "Axis":
        """Return this axis for tiles of ``scale`` times the resolution.

        Raises
        ------
        TilingError
            If a start, the tile, the padding or the border becomes fractional.
        """
        if scale == 1:
            return self
        values = {
            "the tile size": self.tile,
            "the leading padding": self.pad_before,
            "remove_border_count": self.border,
            **{f"the start of tile {i}": start for i, start in enumerate(self.starts)},
        }
        for what, value in values.items():
            if value % scale.denominator:
                raise TilingError(
                    f"scale {scale} on {name}: {what}, {value}, times {scale} is not "
                    f"whole; it and every other start, padding and border must be a "
                    f"multiple of {scale.denominator}"
                )
        return Axis(
            length=_ceil(self.length * scale),
            tile=int(self.tile * scale),
            padded_length=_ceil(self.padded_length * scale),
            pad_before=int(self.pad_before * scale),
            starts=tuple(int(start * scale) for start in self.starts),
            border=int(self.border * scale),
            resampled=self.resampled,
        )


def fit_axis(length: int, tile: int, stride: int, mode: str, *, both: bool) -> Axis:
    """Fit an axis of ``length`` pixels with tiles, by ``mode``.

    Parameters
    ----------
    length, tile, stride : int
        Pixels of the image, of a tile, and between the starts of neighbours.
    mode : str
        One of `MODES`; ``clamp``, ``even`` and ``drop`` need ``length >= tile``.
    both : bool
        Whether padding goes to both sides, the smaller half first.
    """
    rest = max(0, length - tile)
    if mode == "drop":
        starts = range(0, rest + 1, stride)
        return Axis(length, tile, length, 0, tuple(starts))
    gaps = -(-rest // stride)
    if mode == "clamp":
        clamped = (min(number * stride, rest) for number in range(gaps + 1))
        return Axis(length, tile, length, 0, tuple(clamped))
    if mode == "even":
        # Rounded half up: floor(x + 1/2), in exact integers.
        spread = (
            (2 * number * rest + gaps) // (2 * gaps) if gaps else 0
            for number in range(gaps + 1)
        )
        return Axis(length, tile, length, 0, tuple(spread))
    frame = gaps * stride + tile
    starts = range(0, gaps * stride + 1, stride)
    if mode == "interpolation":
        return Axis(length, tile, frame, 0, tuple(starts), resampled=True)
    before = (frame - length) // 2 if both else 0
    return Axis(length, tile, frame, before, tuple(starts))


def _ceil(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
