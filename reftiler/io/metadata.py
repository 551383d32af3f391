"""What files say of an image beside its pixels: colours, resolution, coordinates."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any, TypeAlias

from reftiler.errors import TilingError

Transform: TypeAlias = tuple[float, float, float, float, float, float]
Ratio: TypeAlias = Fraction | int | float

_NAMES = {
    "icc_profile": "the ICC profile",
    "resolution": "the resolution",
    "transform": "the coordinates",
    "geo_keys": "the coordinate system",
    "nodata": "the nodata value",
    "pixel_size": "the pixel size",
    "palette": "the palette",
}
_KEPT: dict[str, frozenset[str]] = {
    ".png": frozenset({"icc_profile", "resolution", "palette"}),
    ".tif": frozenset(_NAMES) - {"palette"},
    ".npy": frozenset(),
    ".zarr": frozenset(),
    ".ome.zarr": frozenset({"pixel_size"}),
}
_LENGTHS = {
    1e-10: ("pm",),
    1e-7: ("nm", "nanometer"),
    1e-4: ("µm", "um", "micron", "microns", "micrometer"),
    0.1: ("mm", "millimeter"),
    1.0: ("cm", "centimeter"),
    2.54: ("in", "inch"),
    100.0: ("m", "meter"),
}
CENTIMETERS = {name: size for size, names in _LENGTHS.items() for name in names}
"""Centimetres in each unit of length, as OME, ImageJ and people write them."""

_PRINTED = (72, 96, 100, 150, 200, 300, 600)  # pixels an inch

_BYTES = ("icc_profile", "palette")
_TEXTS = ("resolution_unit", "nodata", "pixel_unit")
_NUMBERS = {"resolution": 2, "transform": 6, "pixel_size": 2}
TRANSPOSED = (5, 6, 7, 8)  # orientations whose stored columns are the upright rows
ROWS_REVERSED = (3, 4, 6, 7)  # of the stored rows
COLUMNS_REVERSED = (2, 3, 7, 8)


@dataclass(frozen=True)
class Metadata:
    """
    What a file says of an image beside its pixels; true where it says anything.

    Attributes
    ----------
    icc_profile : bytes or None
        The colour profile.
    resolution : pair of float, or None
        Pixels a unit, along the width and along the height.
    resolution_unit : str or None
        inch, centimeter or none, as TIFF has them.
    transform : tuple of six floats, or None
        ``(a, b, c, d, e, f)``: the corner of pixel (row, column) lies at
        ``x = a·column + b·row + c``, ``y = d·column + e·row + f`` (rasterio's order).
    geo_keys : dict of int to object, or None
        GeoTIFF's tags as they are stored, but for those of the transform.
    nodata : str or None
        GDAL's text of the value that means no data.
    pixel_size : pair of float, or None
        Height and width of a pixel, OME's physical size.
    pixel_unit : str or None
        Its unit.
    palette : bytes or None
        Red, green and blue of each index, where the pixels are indices.
    """

    icc_profile: bytes | None = None
    resolution: tuple[float, float] | None = None
    resolution_unit: str | None = None
    transform: Transform | None = None
    geo_keys: dict[int, object] | None = None
    nodata: str | None = None
    pixel_size: tuple[float, float] | None = None
    pixel_unit: str | None = None
    palette: bytes | None = None

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) is not None for field in fields(self))

    def pixel_micrometers(self) -> tuple[float, float] | None:
        """
        Return how large a pixel is, if that is known.

        A pixel size with a unit of length counts, or a resolution in pixels an inch or
        centimeter, unless it is one of those that programs write for printers and
        screens: 72, 96, 100, 150, 200, 300 or 600 an inch, which tell nothing.

        Returns
        -------
        tuple of two floats, or None
            Height and width in micrometers.
        """
        if self.pixel_size is not None and self.pixel_unit in CENTIMETERS:
            unit = CENTIMETERS[self.pixel_unit]
            size = self.pixel_size[0] * unit * 1e4, self.pixel_size[1] * unit * 1e4
        elif self.resolution is not None and self.resolution_unit in CENTIMETERS:
            unit = CENTIMETERS[self.resolution_unit]
            across, down = self.resolution
            if not (across > 0 and down > 0):
                return None
            size = 1e4 * unit / down, 1e4 * unit / across
            inch = round(25_400 / size[0], 1), round(25_400 / size[1], 1)
            if inch[0] == inch[1] and inch[0] in _PRINTED:
                return None
        else:
            return None
        known = all(math.isfinite(side) and side > 0 for side in size)
        return size if known else None

    def cropped(self, top: int, left: int) -> Metadata:
        """
        Return the metadata of a part of the image.

        Parameters
        ----------
        top, left : int
            The part's first row and column; negative in the padding.
        """
        if self.transform is None:
            return self
        a, b, c, d, e, f = self.transform
        moved = (a, b, a * left + b * top + c, d, e, d * left + e * top + f)
        return replace(self, transform=moved)

    def scaled(self, rows: Ratio, columns: Ratio) -> Metadata:
        """
        Return the metadata of the image at another size.

        Parameters
        ----------
        rows, columns : Fraction, int or float
            How many times as many rows and columns the result has; above zero.

        Raises
        ------
        TilingError
            A factor is zero or negative.
        """
        if not (rows > 0 and columns > 0):
            raise TilingError(f"factors must be above zero, got {rows} and {columns}")
        down, across = Fraction(rows), Fraction(columns)
        changes: dict[str, Any] = {}
        if self.transform is not None:
            steps = (across, down, Fraction(1)) * 2
            changes["transform"] = _divided(self.transform, steps)
        if self.resolution is not None:
            changes["resolution"] = _divided(self.resolution, (1 / across, 1 / down))
        if self.pixel_size is not None:
            changes["pixel_size"] = _divided(self.pixel_size, (down, across))
        return replace(self, **changes)

    def oriented(self, orientation: int, shape: tuple[int, ...]) -> Metadata:
        """
        Return the metadata of the image turned upright.

        Parameters
        ----------
        orientation : int
            EXIF's and TIFF's number of the image as stored, 1 to 8.
        shape : tuple of int
            Rows and columns as stored; what follows does not matter.

        Raises
        ------
        TilingError
            There is no such orientation.
        """
        if orientation not in range(1, 9):
            raise TilingError(f"orientation must be 1 to 8, got {orientation}")
        changes: dict[str, Any] = {}
        if self.transform is not None:
            changes["transform"] = _turned(self.transform, orientation, shape)
        if orientation in TRANSPOSED:
            for name in ("resolution", "pixel_size"):
                pair = getattr(self, name)
                changes[name] = None if pair is None else pair[::-1]
        return replace(self, **changes)

    def lost(self, suffix: str) -> tuple[str, ...]:
        """
        Name what a format does not keep.

        Parameters
        ----------
        suffix : str
            .png, .tif, .tiff, .npy, .zarr or .ome.zarr; others keep nothing.

        Returns
        -------
        tuple of str
            ``the ICC profile``, ``the coordinates``, …
        """
        suffix = ".tif" if suffix.lower() == ".tiff" else suffix.lower()
        kept = _KEPT.get(suffix, frozenset())
        if suffix == ".tif" and (self.resolution or self.pixel_unit not in CENTIMETERS):
            kept -= {"pixel_size"}  # which TIFF holds as a resolution
        return tuple(
            text
            for name, text in _NAMES.items()
            if getattr(self, name) is not None and name not in kept
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what is there as JSON values; bytes are base64."""
        content = {field.name: getattr(self, field.name) for field in fields(self)}
        content = {name: value for name, value in content.items() if value is not None}
        for name in content.keys() & set(_BYTES):
            content[name] = base64.b64encode(content[name]).decode()
        for name in content.keys() & set(_NUMBERS):
            content[name] = list(content[name])
        if self.geo_keys is not None:
            content["geo_keys"] = {
                str(code): list(value) if isinstance(value, tuple) else value
                for code, value in self.geo_keys.items()
            }
        return content

    @classmethod
    def from_dict(cls, content: object) -> Metadata:
        """
        Return the metadata that `to_dict` made JSON values of.

        Parameters
        ----------
        content : dict
            As read from a file of whatever origin.

        Raises
        ------
        TilingError
            It is damaged.
        """
        if not isinstance(content, Mapping):
            raise TilingError(f"metadata must be an object, got {content!r:.80}")
        unknown = sorted(map(str, content.keys() - {one.name for one in fields(cls)}))
        if unknown:
            raise TilingError(f"metadata have no {unknown[0]!r:.80}: write them anew")
        return cls(**{name: _parse(name, value) for name, value in content.items()})


def _divided(
    values: tuple[float, ...], divisors: tuple[Fraction, ...]
) -> tuple[float, ...]:
    """Divide exactly and round once; what is not finite stays."""
    return tuple(
        float(Fraction(value) / divisor) if math.isfinite(value) else value
        for value, divisor in zip(values, divisors, strict=True)
    )


def _turned(transform: Transform, orientation: int, shape: Sequence[int]) -> Transform:
    """Return the transform of the upright pixels of an image as it is stored."""
    a, b, c, d, e, f = transform
    x = shape[1] if orientation in COLUMNS_REVERSED else 0
    y = shape[0] if orientation in ROWS_REVERSED else 0
    c, f = a * x + b * y + c, d * x + e * y + f
    if x:  # stored columns are counted from the right
        a, d = 0 - a, 0 - d  # which makes no -0.0
    if y:
        b, e = 0 - b, 0 - e
    return (b, a, c, e, d, f) if orientation in TRANSPOSED else (a, b, c, d, e, f)


def _parse(name: str, value: Any) -> Any:
    """Check a value that came from a file."""
    if name in _BYTES:
        try:
            return base64.b64decode(value, validate=True)
        except (TypeError, ValueError, binascii.Error) as error:
            raise _damaged(name, value) from error
    if name in _TEXTS and isinstance(value, str):
        return value
    if name in _NUMBERS and isinstance(value, list | tuple):
        numbers = tuple(map(_parse_number, value))
        if len(numbers) == _NUMBERS[name] and None not in numbers:
            return numbers
    if name == "geo_keys" and isinstance(value, Mapping):
        return dict(_parse_geo_key(*item) for item in value.items())
    raise _damaged(name, value)


def _parse_number(value: Any) -> float | None:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return float(value) if plain and math.isfinite(value) else None
    except OverflowError:
        return None


def _parse_geo_key(code: Any, value: Any) -> tuple[int, object]:
    if str(code) not in ("34735", "34736", "34737"):
        raise _damaged("geo_keys", code)
    if str(code) == "34737" and isinstance(value, str):
        return int(code), value
    numbers = value if isinstance(value, list | tuple) else [None]
    short = str(code) == "34735"
    for number in numbers:
        fits = not short or (isinstance(number, int) and 0 <= number < 2**16)
        if _parse_number(number) is None or not fits:
            raise _damaged("geo_keys", value)
    return int(code), tuple(numbers)


def _damaged(name: str, value: Any) -> TilingError:
    return TilingError(f"the metadata are damaged: {name} is {value!r:.80}")
