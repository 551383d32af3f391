"""The settings of a tiling, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

Number = bool | int | float


@dataclass(frozen=True)
class Settings:
    """What is asked for; every tuple has one entry per spatial axis."""

    tile: tuple[int, ...]
    stride: tuple[int, ...]
    mode: str = "padding"
    pad_mode: str = "constant"
    pad_value: Number = 0
    pad_side: str = "end"
    window: str | tuple[tuple[float, ...], ...] = "box"
    merge: str | None = None
    border: tuple[int, ...] = ()
    channels_last: bool = False
    fill: Number | None = None

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.tile)

    @property
    def borders(self) -> tuple[int, ...]:
        """The removed border of each axis; none given means none removed."""
        return self.border or (0,) * self.rank
