"""Array layouts: which axes of an array are batch, channels and space."""

from dataclasses import dataclass

from reftiler.errors import TilingError
from reftiler.settings import TilerSettings

FEW_CHANNELS = 4
"""Images have up to as many channels, and spatial axes more pixels."""
MANY_CHANNELS = 16
"""So many channels are no image's that has at most `FEW_CHANNELS` pixels in a row."""


@dataclass(frozen=True)
class ArrayLayout:
    """Which axes of an array are batch, channels and space."""

    batch: int | None
    channels: int | None
    size: tuple[int, ...]
    channels_last: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        batch = () if self.batch is None else (self.batch,)
        channels = () if self.channels is None else (self.channels,)
        if self.channels_last:  # LAYOUT-002
            return (*batch, *self.size, *channels)
        return (*batch, *channels, *self.size)  # LAYOUT-001, LAYOUT-006

    @property
    def batch_size(self) -> int:
        """How many images the array holds."""
        return 1 if self.batch is None else self.batch


def image_layout(
    tiler: TilerSettings, shape: tuple[int, ...], what: str
) -> ArrayLayout:
    """Return how an image of ``shape`` lies, or refuse it; ``what`` is its name."""
    rank = tiler.rank
    if not rank <= len(shape) <= rank + 2:  # LAYOUT-004, LAYOUT-009, ERROR-003
        known = "(*S), (C, *S) or (N, C, *S)"
        if tiler.channels_last:
            known = "(*S), (*S, C) or (N, *S, C)"
        raise TilingError(
            f"{what} {shape} has {len(shape)} axes; tiles of rank {rank} take {known}: "
            "reshape it, or give a tile_size of another length"
        )
    layout = _layout(shape, rank, tiler.channels_last)
    if min(shape) < 1:  # LAYOUT-005, SIZE-009
        raise TilingError(f"{what} {shape} is empty: every size must be at least 1")
    # Refused, too, is a last axis that can only be the channels.
    channels, last = layout.channels or 0, layout.size[-1]
    meant = layout.channels_last or last > FEW_CHANNELS or last >= tiler.tile_size[-1]
    if not meant and channels > MANY_CHANNELS:
        raise TilingError(
            f"{what} {layout.shape} would have {channels} channels and a last spatial "
            f"axis of {last} pixels, far less than the tile {tiler.tile_size}: if the "
            "channels come last, as reftiler.io has them, say channels_last=True; "
            "if not, pad the last axis to the tile first"
        )
    return layout


def _layout(shape: tuple[int, ...], rank: int, channels_last: bool) -> ArrayLayout:
    batch = shape[0] if len(shape) == rank + 2 else None
    rest = shape[1:] if batch is not None else shape
    if len(rest) == rank:  # LAYOUT-003
        return ArrayLayout(batch, None, rest, channels_last)
    if channels_last:
        return ArrayLayout(batch, rest[-1], rest[:-1], channels_last)
    return ArrayLayout(batch, rest[0], rest[1:], channels_last)


def tiles_layout(tiler: TilerSettings, shape: tuple[int, ...]) -> ArrayLayout:
    """Return how tiles of ``shape``, of any size and channels, lie, or refuse them."""
    rank = tiler.rank
    if len(shape) not in (rank + 1, rank + 2):  # LAYOUT-012
        scores = f"; {broadcast_hint(tiler, shape)}" if 1 <= len(shape) <= 2 else ""
        raise TilingError(
            f"the tiles {shape} have {len(shape)} axes; untile takes (K, *T) or tiles "
            f"with a channel axis, {rank + 1} or {rank + 2} axes in all{scores}"
        )
    if min(shape) < 1:  # LAYOUT-005
        raise TilingError(f"the tiles {shape} are empty: every size must be at least 1")
    inner = _layout(shape[1:], rank, tiler.channels_last)
    return ArrayLayout(shape[0], inner.channels, inner.size, tiler.channels_last)


def broadcast_hint(tiler: TilerSettings, shape: tuple[int, ...]) -> str:
    """Say how scores of whole tiles, (K,) or (K, C), become tiles of equal pixels."""
    space = ", None" * tiler.rank
    axes = ":" if len(shape) == 1 else ":, :"
    if len(shape) > 1 and tiler.channels_last:
        axes, space = f":{space}, :", ""
    inner = ArrayLayout(None, (*shape, None)[1], tiler.tile_size, tiler.channels_last)
    return (
        "if these are scores of whole tiles, spread them over the tiles first: "
        f"broadcast_to(scores[{axes}{space}], {(shape[0], *inner.shape)})"
    )
