"""What the tags of a TIFF say beside its pixels, as `Metadata`, and the way back."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from reftiler.io.metadata import CENTIMETERS, Metadata, Transform

_ICC, _NODATA = 34675, 42113
_GDAL_METADATA, _RPC = 42112, 50844
_NAMED = 6  # how many of GDAL's items a note names
_SCALE, _TIE_POINTS, _MATRIX = 33550, 33922, 34264
_KEY_DIRECTORY, _KEY_DOUBLES, _KEY_TEXT = 34735, 34736, 34737
_READ = frozenset([_ICC, _NODATA, _SCALE, _TIE_POINTS, _MATRIX, 282, 283, 296]) | {
    _KEY_DIRECTORY,
    _KEY_DOUBLES,
    _KEY_TEXT,
}
_RASTER_TYPE, _PIXEL_IS_POINT = 1025, 2
_UNITS = {1: "none", 2: "inch", 3: "centimeter"}
_DOUBLE, _SHORT, _ASCII = 12, 3, 2  # types of TIFF's values


def read_metadata(file: Any, page: Any, index: int = 0) -> Metadata:
    """Read what a page's tags say, and the pixel size of image `index` of the file."""
    tags = {code: page.tags.valueof(code) for code in _READ if code in page.tags}
    pixel_size, pixel_unit = _pixel_size(file, page, index, tags)
    resolution = None if pixel_size else _resolution(tags)  # which repeats it
    keys = _geo_keys(tags)
    nodata = tags.get(_NODATA)
    return Metadata(
        icc_profile=tags.get(_ICC) or None,
        resolution=resolution,
        resolution_unit=_UNITS.get(tags.get(296, 2)) if resolution else None,
        transform=_transform(tags, keys),
        geo_keys=keys or None,
        nodata=_text(nodata) if nodata is not None else None,
        pixel_size=pixel_size,
        pixel_unit=pixel_unit,
    )


def lost_tags(page: Any) -> tuple[str, ...]:
    """Say what `read_metadata` leaves out of what a page says of its pixels."""
    lost = []
    points = page.tags.valueof(_TIE_POINTS, ())
    placed = _SCALE in page.tags or _MATRIX in page.tags
    if not placed and isinstance(points, tuple) and len(points) > 6:
        lost.append(f"{len(points) // 6} ground control points")
    if _RPC in page.tags:
        lost.append("rational polynomial coefficients (RPC)")
    text = _text(page.tags.valueof(_GDAL_METADATA, ""))
    items = re.findall(r'<Item\s[^>]*?name="([^"]*)"', text)
    # statistics are those of the whole image: no tile could keep them
    names = sorted({name for name in items if not name.startswith("STATISTICS_")})
    if names:
        more = ", …" if len(names) > _NAMED else ""
        lost.append(f"GDAL metadata ({', '.join(names[:_NAMED])}{more})")
    return tuple(f"the TIFF's {what} are not kept" for what in lost)


def write_tags(
    shape: tuple[int, ...], metadata: Metadata, *, alpha: bool = False
) -> dict[str, Any]:
    """Return keywords for tifffile's writers; what TIFF has no tag for is left out."""
    channels = shape[2] if len(shape) == 3 else 1
    colors = 3 if channels in (3, 4) else 1
    extra = ["unspecified"] * (channels - colors)
    if alpha and extra:
        extra[-1] = "unassalpha"
    options: dict[str, Any] = {
        "photometric": "rgb" if colors == 3 else "minisblack",
        "planarconfig": "contig" if len(shape) == 3 else None,
        "extrasamples": extra or None,
        "metadata": None,
        "iccprofile": metadata.icc_profile,
        "extratags": _extra_tags(metadata),
    }
    return options | _resolution_options(metadata)


def _resolution(tags: Mapping[int, Any]) -> tuple[float, float] | None:
    """Return the resolution, unless it says nothing: one pixel a unit of no name."""
    try:
        across, down = (tags[code][0] / tags[code][1] for code in (282, 283))
    except (KeyError, TypeError, IndexError, ZeroDivisionError):
        return None
    plain = (across, down) == (1, 1) and tags.get(296) == 1
    return None if plain or not (across > 0 and down > 0) else (across, down)


def _transform(tags: Mapping[int, Any], keys: Mapping[int, Any]) -> Transform | None:
    """Return the coordinates of pixel corners, as GDAL finds them."""
    scale, matrix = _reals(tags.get(_SCALE), 2), _reals(tags.get(_MATRIX), 16)
    tie = _reals(tags.get(_TIE_POINTS), 6)
    if len(tie) == 6 and scale and scale[0] and scale[1]:
        across, down = scale[0], -abs(scale[1])
        x, y = tie[3] - tie[0] * across, tie[4] - tie[1] * down
        found: Transform = (across, 0.0, x, 0.0, down, y)
    elif matrix:
        a, b, _, c, d, e, _, f = matrix[:8]
        found = (a, b, c, d, e, f)
    else:
        return None
    return _moved(found, -0.5) if _is_point(keys) else found


def _reals(values: Any, count: int) -> tuple[float, ...]:
    """Return the values of a tag if there are so many, all finite."""
    if not isinstance(values, tuple) or len(values) < count:
        return ()
    return values if all(map(math.isfinite, values)) else ()


def _geo_keys(tags: Mapping[int, Any]) -> dict[int, object]:
    """Return GeoTIFF's tags; tifffile gives a single number without its tuple."""
    keys: dict[int, object] = {}
    for code in (_KEY_DIRECTORY, _KEY_DOUBLES):
        if code in tags:
            value = tags[code]
            keys[code] = value if isinstance(value, tuple) else (value,)
    if _KEY_TEXT in tags:
        keys[_KEY_TEXT] = _text(tags[_KEY_TEXT])
    return keys


def _text(value: Any) -> str:
    """Return a tag's text; each byte is a letter, as GeoTIFF counts them."""
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return text.strip("\0 ")


def _is_point(keys: Mapping[int, Any]) -> bool:
    """Tell whether GeoTIFF's coordinates are those of pixel centres."""
    directory = keys.get(_KEY_DIRECTORY, ())
    entries = zip(directory[4::4], directory[7::4], strict=False)
    return dict(entries).get(_RASTER_TYPE) == _PIXEL_IS_POINT


def _moved(transform: Transform, pixels: float) -> Transform:
    """Move the origin along both axes."""
    a, b, c, d, e, f = transform
    return (a, b, c + (a + b) * pixels, d, e, f + (d + e) * pixels)


def _pixel_size(
    file: Any, page: Any, index: int, tags: Mapping[int, Any]
) -> tuple[tuple[float, float] | None, str | None]:
    """Return height and width of a pixel and their unit, as microscopes write them."""
    if file.is_ome:
        return _ome_pixel_size(file.ome_metadata or "", index)
    if file.is_imagej:
        unit = str((file.imagej_metadata or {}).get("unit", ""))
        unit = "µm" if unit in ("\\u00B5m", "micron", "um") else unit
        resolution = _resolution(tags)
        if resolution and unit and unit not in ("inch", "pixel", "pixels"):
            return (1 / resolution[1], 1 / resolution[0]), unit
    if file.is_svs:
        found = re.search(r"\|MPP = ([0-9.]+)", page.description)
        if found and (size := _positive(found[1])):
            return (size, size), "µm"
    return None, None


def _ome_pixel_size(
    xml: str, index: int
) -> tuple[tuple[float, float] | None, str | None]:
    pixels = re.findall(r"<(?:\w+:)?Pixels\s[^>]*>", xml)
    if index >= len(pixels):
        return None, None
    attributes = dict(re.findall(r'(PhysicalSize\w+)="([^"]*)"', pixels[index]))
    sizes = [_positive(attributes.get(f"PhysicalSize{axis}")) for axis in "YX"]
    units = {attributes.get(f"PhysicalSize{axis}Unit", "µm") for axis in "YX"}
    if sizes[0] is None or sizes[1] is None or len(units) > 1:
        return None, None
    return (sizes[0], sizes[1]), units.pop().replace("&#181;", "µ").replace("μ", "µ")


def _positive(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 < value < math.inf else None


def _extra_tags(metadata: Metadata) -> list[tuple[int, int, int, Any, bool]]:
    """Return GeoTIFF's and GDAL's tags as tifffile takes them."""
    found: list[tuple[int, int, int, Any, bool]] = []
    keys: Mapping[int, Any] = metadata.geo_keys or {}
    if metadata.transform is not None:
        point = _is_point(keys)
        a, b, c, d, e, f = transform = metadata.transform
        if point:
            a, b, c, d, e, f = transform = _moved(transform, 0.5)
        if b == d == 0 and a > 0 > e:
            doubles = {_SCALE: (a, -e, 0.0), _TIE_POINTS: (0.0, 0.0, 0.0, c, f, 0.0)}
        else:
            rows = ((a, b, 0.0, c), (d, e, 0.0, f), (0.0,) * 4, (0.0, 0.0, 0.0, 1.0))
            doubles = {_MATRIX: tuple(value for row in rows for value in row)}
        found += [(c, _DOUBLE, len(v), v, True) for c, v in doubles.items()]
    types = {_KEY_DIRECTORY: _SHORT, _KEY_DOUBLES: _DOUBLE}
    for code, value in keys.items():
        if isinstance(value, str):
            found.append(_text_tag(code, value))
        else:
            values = tuple(value) if isinstance(value, tuple | list) else (value,)
            found.append((code, types[code], len(values), values, True))
    if metadata.nodata is not None:
        found.append(_text_tag(_NODATA, metadata.nodata))
    return found


def _text_tag(code: int, text: str) -> tuple[int, int, int, Any, bool]:
    data = text.encode("latin-1", errors="replace")
    return code, _ASCII, len(data) + 1, data, True


def _resolution_options(metadata: Metadata) -> dict[str, Any]:
    unit = metadata.resolution_unit or "none"
    resolution = metadata.resolution
    if resolution is None:
        share = CENTIMETERS.get(metadata.pixel_unit or "")
        if metadata.pixel_size is None or share is None:
            return {}
        height, width = metadata.pixel_size
        resolution, unit = (1 / (width * share), 1 / (height * share)), "centimeter"
    return {"resolution": resolution, "resolutionunit": unit}
