"""What files say of an image beside its pixels: colours, resolution, coordinates."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Metadata"]


@dataclass(frozen=True)
class Metadata:
    """
    What a file says of an image beside its pixels.

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
    transform: tuple[float, float, float, float, float, float] | None = None
    geo_keys: dict[int, object] | None = None
    nodata: str | None = None
    pixel_size: tuple[float, float] | None = None
    pixel_unit: str | None = None
    palette: bytes | None = None
