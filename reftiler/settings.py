"""Tiler settings: an immutable, validated value that JSON can hold.

They make no grid and touch no pixel, so that a grid can hold them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from reftiler import json_io
from reftiler.axis import MODES, PAD_SIDES
from reftiler.errors import TilingError
from reftiler.padding import PAD_MODES
from reftiler.validation import (
    Real,
    Sizes,
    as_bool,
    as_ints,
    as_real,
    names_its_arguments,
    one_of,
    reject_unknown_keys,
    validate_align,
    validate_border,
    validate_stride,
    validate_tile_size,
)
from reftiler.windows import Window, check_window

MERGES = ("mean", "max", "min", "first", "last", "center", "vote")
NANS = ("propagate", "omit")
WEIGHTED_MERGES = ("mean", "vote")
"""Those in which the pixels of a tile have weights, by its window."""

Self = TypeVar("Self", bound="TilerSettings")


# TILER-001: an immutable value, which threads may share (TILER-006), copied and pickled
# as its fields are (TILER-007)
@dataclass(frozen=True, init=False, eq=False, repr=False)
class TilerSettings:
    """How to cut images into tiles and how to merge tiles into images.

    Two tilers are equal, whatever their backend, when their settings are.

    Parameters
    ----------
    tile_size : int or sequence of R ints
        Pixels of a tile on its spatial axes; an int means a square tile.
    stride : int or sequence of R ints, optional
        Pixels between the starts of neighbouring tiles, at most the tile's own size,
        which is the default.
    overlap : int or sequence of R ints, optional
        Pixels that neighbours share: ``stride = tile_size - overlap``. Not both.
    mode : {'padding', 'interpolation', 'clamp', 'even', 'drop'}
        What to do where the tiles do not fill the image exactly.
    pad_mode : {'constant', 'edge', 'reflect', 'symmetric', 'wrap'}
        What padding shows, as in `numpy.pad`; it extends the image, never a tile.
    pad_value : float
        What ``constant`` padding shows.
    pad_side : {'end', 'both'}
        Where padding goes; ``both`` puts the smaller half first.
    window : {'box', 'triangle', 'hann', 'gaussian'} or R sequences of weights
        How much a pixel counts in the mean or the vote by its place in the tile.
    merge : {'mean', 'max', 'min', 'first', 'last', 'center', 'vote'}, optional
        How overlapping tiles become one; None means mean, and max for bool. ``first``
        and ``last`` take the tile of lowest or highest index, ``center`` the one whose
        centre is nearest; ``vote``, for maps of class labels, the label that most
        tiles hold, and of several the lowest.
    remove_border_count : int or sequence of R ints
        Pixels at the edges of a tile that do not contribute to the merge, except
        where the edge is the image's own.
    channels_last : bool
        Whether channels come behind the spatial axes, in images and in tiles.
    fill : float, optional
        The result where no tile takes part; without it such pixels are an error.
    align : int or sequence of R ints
        Starts are multiples of this, such as the patch size of a vision transformer;
        ``tile_size`` and ``stride`` must be, and in ``clamp`` and ``even`` the image.
    context : int or sequence of R ints
        Pixels around a tile that the model sees too and the merge drops: of the image
        where it has them, else padding by ``pad_mode``. Not in ``interpolation``.
    nan : {'propagate', 'omit'}
        What a NaN in a tile makes of a mean: NaN, or the mean of the other tiles.

    Raises
    ------
    TypeError
        If a setting is of the wrong type.
    TilingError
        If a value breaks a rule; the message names it and the way out.
    """

    tile_size: tuple[int, ...]
    stride: tuple[int, ...]
    mode: str
    pad_mode: str
    pad_value: Real
    pad_side: str
    window: Window
    merge: str | None
    remove_border_count: tuple[int, ...]
    channels_last: bool
    fill: Real | None
    align: tuple[int, ...]
    context: tuple[int, ...]
    nan: str
    _json: str = field(init=False)  # the JSON, by which tilers are compared

    @names_its_arguments
    def __init__(  # noqa: PLR0913 - one argument a setting
        self,
        tile_size: Sizes,
        stride: Sizes | None = None,
        *,
        overlap: Sizes | None = None,
        mode: str = "padding",
        pad_mode: str = "constant",
        pad_value: Real = 0,
        pad_side: str = "end",
        window: str | Sequence[Sequence[float]] = "box",
        merge: str | None = None,
        remove_border_count: Sizes = 0,
        channels_last: bool = False,
        fill: Real | None = None,
        align: Sizes = 1,
        context: Sizes = 0,
        nan: str = "propagate",
    ) -> None:
        # ERROR-005, ERROR-006: all that can be checked without an image
        tile = validate_tile_size(tile_size)
        step = validate_stride(tile, stride, overlap)
        settings = {
            "tile_size": tile,
            "stride": step,
            "mode": one_of(mode, "mode", MODES),
            "pad_mode": one_of(pad_mode, "pad_mode", PAD_MODES),
            "pad_value": as_real(pad_value, "pad_value"),
            "pad_side": one_of(pad_side, "pad_side", PAD_SIDES),
            "window": check_window(window, tile),
            "merge": None if merge is None else one_of(merge, "merge", MERGES),
            "remove_border_count": validate_border(remove_border_count, tile, step),
            "channels_last": as_bool(channels_last, "channels_last"),
            "fill": None if fill is None else as_real(fill, "fill"),
            "align": validate_align(align, tile, step),
            "context": as_ints(context, "context", rank=len(tile), minimum=0),
            "nan": one_of(nan, "nan", NANS),
        }
        for name, value in settings.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_json", json_io.dump(self.to_dict()))
        # MERGE-014, MERGE-027
        if self.window != "box" and self.merge not in (None, *WEIGHTED_MERGES):
            raise TilingError(
                f"merge={self.merge!r} takes no window, got window={window!r}: weights "
                "need merge='mean', or merge='vote' for labels"
            )
        if self.nan == "omit" and self.merge not in (None, "mean"):  # MERGE-034
            raise TilingError(
                f"merge={self.merge!r} leaves no NaN out: nan='omit' needs merge='mean'"
            )

        if self.has_context and self.mode == "interpolation":  # CONTEXT-003
            raise TilingError(
                f"mode='interpolation' takes no context, got context={context!r}: an "
                "image that is resampled has no pixels around it; use mode='padding'"
            )

    @property
    def rank(self) -> int:
        """The number of spatial axes, R."""
        return len(self.tile_size)

    @property
    def has_context(self) -> bool:
        """Whether tiles have pixels around them that the merge drops."""
        return any(self.context)

    @property
    def pads(self) -> bool:
        """Whether tiles may show pixels beyond the image."""
        return self.mode == "padding" or self.has_context

    @property
    def input_size(self) -> tuple[int, ...]:
        """Pixels of a tile with its context, which the model sees, on each axis."""
        return tuple(
            t + 2 * c for t, c in zip(self.tile_size, self.context, strict=True)
        )

    @property
    def inner(self) -> tuple[slice, ...]:
        """Where a tile lies in the tile with its context, on each axis."""
        sides = zip(self.context, self.tile_size, strict=True)
        return tuple(slice(c, c + t) for c, t in sides)

    @property
    def overlap(self) -> tuple[int, ...]:
        """Pixels that neighbouring tiles share on each axis."""
        return tuple(t - s for t, s in zip(self.tile_size, self.stride, strict=True))

    @classmethod
    def from_other(cls: type[Self], tiler: "TilerSettings") -> Self:
        """Return this backend's tiler with the settings of any other's."""
        return cls.from_dict(tiler.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values that JSON can hold."""
        # JSON-002
        content = {name: getattr(self, name) for name in self._names()}
        for name in ("pad_value", "fill"):
            content[name] = json_io.encode_real(content[name])
        return content

    @classmethod
    def from_dict(cls: type[Self], settings: Any) -> Self:
        """Make a tiler of what `to_dict` returned."""
        if not isinstance(settings, dict):
            raise TilingError(f"a tiler's settings must be an object, got {settings!r}")
        reject_unknown_keys(settings, cls._names(), "a tiler")
        json_io.require(settings, ["tile_size"], "a tiler")
        values = dict(settings)
        for name in ("pad_value", "fill"):
            if name in values:
                values[name] = json_io.decode_real(values[name])
        return cls(**values)

    def to_json(self) -> str:
        """Write the settings with the version of the specification."""
        return self._json

    @classmethod
    def from_json(cls: type[Self], text: str | bytes) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        TilingError
            If the text is damaged, has unknown keys or is of a newer version.
        """
        where = "the tiler's JSON"
        return cls.from_dict(json_io.load(text, cls._names(), where))

    @classmethod
    def _names(cls) -> list[str]:
        return [setting.name for setting in fields(cls) if setting.init]

    def __eq__(self, other: object) -> bool:
        # TILER-002, BACKEND-002: by text; −0.0 == 0.0 and NaN != NaN would mislead
        if not isinstance(other, TilerSettings):
            return NotImplemented
        return self._json == other._json

    def __hash__(self) -> int:
        return hash(self._json)

    def __repr__(self) -> str:
        plain = TilerSettings(self.tile_size)
        words = [
            f"{name}={getattr(self, name)!r}"
            for name in self._names()
            if name == "tile_size"
            or repr(getattr(self, name)) != repr(getattr(plain, name))
        ]
        return f"Tiler({', '.join(words)})"
