"""Layouts: which axes of an array are batch, channels and space."""

from dataclasses import dataclass

from reftiler.errors import TilingError
from reftiler.settings import TilerSettings


@dataclass(frozen=True)
class ArrayLayout:
    """Which axes of an array are batch, channels and space.

    Attributes
    ----------
    batch, channels : int or None
        Their sizes; None where the array has no such axis.
    size : tuple of int
        The spatial sizes.
    channels_last : bool
        Whether the channels come behind the spatial axes.
    """

    batch: int | None
    channels: int | None
    size: tuple[int, ...]
    channels_last: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        batch = () if self.batch is None else (self.batch,)
        channels = () if self.channels is None else (self.channels,)
        if self.channels_last:
            return (*batch, *self.size, *channels)
        return (*batch, *channels, *self.size)

    @property
    def batch_size(self) -> int:
        """How many images the array holds."""
        return 1 if self.batch is None else self.batch


def image_layout(
    tiler: TilerSettings, shape: tuple[int, ...], what: str
) -> ArrayLayout:
    """Return how an image of ``shape`` lies, or refuse it; ``what`` is its name."""
    rank = tiler.rank
    if not rank <= len(shape) <= rank + 2:
        raise TilingError(
            f"{what} {shape} has {len(shape)} axes; tiles of rank {rank} take "
            f"{_image_words(tiler)}: reshape it, or give a tile_size of another length"
        )
    layout = _layout(shape, rank, tiler.channels_last)
    if min(shape) < 1:
        raise TilingError(f"{what} {shape} is empty: every size must be at least 1")
    return layout


def _layout(shape: tuple[int, ...], rank: int, channels_last: bool) -> ArrayLayout:
    batch = shape[0] if len(shape) == rank + 2 else None
    rest = shape[1:] if batch is not None else shape
    if len(rest) == rank:
        return ArrayLayout(batch, None, rest, channels_last)
    if channels_last:
        return ArrayLayout(batch, rest[-1], rest[:-1], channels_last)
    return ArrayLayout(batch, rest[0], rest[1:], channels_last)


def _image_words(tiler: TilerSettings) -> str:
    space = "*S"
    if tiler.channels_last:
        return f"({space}), ({space}, C) or (N, {space}, C)"
    return f"({space}), (C, {space}) or (N, C, {space})"


def tiles_layout(tiler: TilerSettings, shape: tuple[int, ...]) -> ArrayLayout:
    """Return how tiles of ``shape``, of any size and channels, lie, or refuse them."""
    rank = tiler.rank
    if len(shape) not in (rank + 1, rank + 2):
        raise TilingError(
            f"the tiles {shape} have {len(shape)} axes; untile takes (K, *T) or tiles "
            f"with a channel axis, {rank + 1} or {rank + 2} axes in all"
        )
    if min(shape) < 1:
        raise TilingError(f"the tiles {shape} are empty: every size must be at least 1")
    inner = _layout(shape[1:], rank, tiler.channels_last)
    return ArrayLayout(shape[0], inner.channels, inner.size, tiler.channels_last)
