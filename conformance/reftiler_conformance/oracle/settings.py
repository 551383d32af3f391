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
    align: tuple[int, ...] = ()
    context: tuple[int, ...] = ()
    nan: str = "propagate"

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.tile)

    @property
    def contexts(self) -> tuple[int, ...]:
        """The context of each axis; none given means none."""
        return self.context or (0,) * self.rank

    @property
    def cut_size(self) -> tuple[int, ...]:
        """The size of a tile with its context: CONTEXT-001."""
        return tuple(t + 2 * c for t, c in zip(self.tile, self.contexts, strict=True))

    @property
    def aligns(self) -> tuple[int, ...]:
        """What the starts of each axis are multiples of; none given means 1."""
        return self.align or (1,) * self.rank

    @property
    def borders(self) -> tuple[int, ...]:
        """The removed border of each axis; none given means none removed."""
        return self.border or (0,) * self.rank
