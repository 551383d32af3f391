"""OME-Zarr: which array of a group is the image, what its axes are, how large pixels.

Only metadata are read here, as JSON: groups of 0.1 to 0.5, what bioformats2raw makes,
plates and wells.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from reftiler.atomic import safe_join
from reftiler.io.info import ReadOptions
from reftiler.io.metadata import Metadata
from reftiler.io.zarr_metadata import ZarrNode, is_node, read_node
from reftiler.validation import shorten

_OLD_AXES = "tczyx"  # what the axes were before they were named
_LETTERS = {
    "y": "Y", "row": "Y", "rows": "Y", "height": "Y",
    "x": "X", "column": "X", "columns": "X", "width": "X",
    "c": "C", "channel": "C", "channels": "C", "band": "C", "bands": "C",
    "z": "Z", "t": "T", "time": "T",
}  # fmt: skip
_UNITS = {
    "angstrom": "Å", "nanometer": "nm", "micrometer": "µm", "millimeter": "mm",
    "centimeter": "cm", "meter": "m", "kilometer": "km", "inch": "in",
}  # fmt: skip
"""OME-Zarr's names of units and the symbols that OME-XML has, and `Metadata`."""


@dataclass(frozen=True)
class OmeImage:
    """The array that holds an image."""

    node: ZarrNode
    axes: str | None = None  # a letter for each, if the metadata name them
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()
    is_one_of_several: bool = False  # it is an array of a group that `page` picks from


def find_image(path: Path, options: ReadOptions) -> OmeImage:
    """Return the array that ``page`` (one of several images) and ``level`` mean."""
    node = read_node(path)
    if node.array is not None:
        if options.level:
            raise ValueError(f"an array has no level {options.level}: give its group")
        return _within_group(node) or OmeImage(node, axis_letters(_named_axes(node)))
    ome = _ome(node)
    if "multiscales" in ome:
        return _level(node, ome["multiscales"], options.level)
    images, what = _images(node, ome)
    chosen = _chosen(images, what, options, path)
    image = find_image(chosen, replace(options, page=None))
    return replace(image, is_one_of_several=True)


def axis_letters(names: Any) -> str | None:
    """Return a letter for each of an array's axes; None if a name is unknown."""
    if not isinstance(names, list | tuple):
        return None
    letters = [_LETTERS.get(str(name).lower()) for name in names]
    known = [letter for letter in letters if letter is not None]
    return "".join(known) if len(known) == len(names) else None


def multiscales_attributes(
    levels: int, rank: int, metadata: Metadata
) -> dict[str, Any]:
    """Return the attributes of an OME-Zarr 0.5 group whose levels halve each other."""
    symbols = {symbol: name for name, symbol in _UNITS.items()}
    unit = metadata.pixel_unit
    kept = {} if unit is None else {"unit": symbols.get(unit, unit)}
    axes = [{"name": "c", "type": "channel"}] if rank == 3 else []
    axes += [{"name": name, "type": "space", **kept} for name in "yx"]
    first, datasets = [1.0] * (rank - 2), []
    for level in range(levels):
        sizes = metadata.pixel_size or (1.0, 1.0)
        scale = [*first, *(size * 2**level for size in sizes)]
        shift = [0.0 * one for one in first]  # the middle of the first pixel moves
        shift += [size * (2**level - 1) / 2 for size in sizes]
        transforms = [
            {"type": "scale", "scale": scale},
            {"type": "translation", "translation": shift},
        ]
        datasets.append({"path": str(level), "coordinateTransformations": transforms})
    multiscales = [{"axes": axes, "datasets": datasets}]
    return {"ome": {"version": "0.5", "multiscales": multiscales}}


def _ome(node: ZarrNode) -> dict[str, Any]:
    """Return OME's attributes: those of 0.5 lie under a key of their own."""
    attributes = node.attributes
    ome: dict[str, Any] = _typed(attributes.get("ome", attributes), dict, "ome")
    return ome


def _typed(value: Any, kind: type, what: str) -> Any:
    if not isinstance(value, kind):
        got = shorten(value)
        raise ValueError(f"its OME metadata are damaged: {what} is {got}")  # noqa: TRY004
    return value


def _named_axes(node: ZarrNode) -> Any:
    """Return the names of an array's axes, as zarr 3 and xarray write them."""
    names = (node.array or {}).get("dimension_names")
    return names or node.attributes.get("_ARRAY_DIMENSIONS")


def _within_group(node: ZarrNode) -> OmeImage | None:
    """Return an array that the group above lists as one of its levels."""
    folder = node.path.resolve()
    if not is_node(folder.parent):
        return None
    group = read_node(folder.parent)
    scales = group.attributes.get("ome", group.attributes)
    if not isinstance(scales, dict) or "multiscales" not in scales:
        return None
    paths = [path for path, _ in _datasets(scales["multiscales"])]
    if folder.name not in paths:
        return None
    return _level(group, scales["multiscales"], paths.index(folder.name))


def _entries(
    holder: Any, what: str, key: str, each: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what OME's metadata list under a key, each with its path."""
    for one in _typed(_typed(holder, dict, what).get(key), list, key):
        yield _typed(_typed(one, dict, each).get("path"), str, "a path"), one


def _datasets(multiscales: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return the levels of the first multiscale, each with its path."""
    if not _typed(multiscales, list, "multiscales"):
        raise ValueError("its OME metadata are damaged: multiscales is empty")
    return list(_entries(multiscales[0], "a multiscale", "datasets", "a dataset"))


def _level(group: ZarrNode, multiscales: Any, level: int) -> OmeImage:
    """Return a resolution level, its axes and its pixel size."""
    datasets = _datasets(multiscales)
    if not 0 <= level < len(datasets):
        sizes = []
        for number, (name, _) in enumerate(datasets[:20]):
            array = read_node(safe_join(group.path, name)).array or {}
            sizes.append(f"{number} of {'×'.join(map(str, array.get('shape', ())))}")
        raise ValueError(
            f"there is no level {level}, only {len(datasets)}: {', '.join(sizes)}"
        )
    multiscale = multiscales[0]
    name, dataset = datasets[level]
    node = read_node(safe_join(group.path, name))
    if node.array is None:
        raise ValueError(f"its level {name!r:.40} is no array")
    rank = len(node.array.get("shape", ()))
    axes = multiscale.get("axes") or list(_OLD_AXES[-rank:])
    named = [
        {"name": axis} if isinstance(axis, str) else _typed(axis, dict, "an axis")
        for axis in _typed(axes, list, "axes")
    ]
    letters = axis_letters([axis.get("name") for axis in named])
    if letters is None or len(letters) != rank:
        raise ValueError(f"its axes are unknown: {shorten(axes)}")
    notes: tuple[str, ...] = ()
    if len(multiscales) > 1:
        notes = (f"the first of {len(multiscales)} multiscales is read",)
    return OmeImage(
        node, letters, _pixel_size(named, letters, multiscale, dataset), notes
    )


def _pixel_size(
    axes: list[dict[str, Any]],
    letters: str,
    multiscale: dict[str, Any],
    dataset: dict[str, Any],
) -> Metadata:
    """Return the size of a pixel, where there is a unit or a scale other than 1."""
    scales = [1.0] * len(axes)
    for holder in (multiscale, dataset):
        for transform in holder.get("coordinateTransformations") or []:
            if _typed(transform, dict, "a transform").get("type") == "scale":
                given = _typed(transform.get("scale"), list, "scale")
                numbers = all(type(one) in (int, float) for one in given)
                known = numbers and all(0 < one < math.inf for one in given)
                if len(given) != len(axes) or not known:
                    raise ValueError(
                        f"its OME metadata are damaged: scale {shorten(given)}"
                    )
                scales = [a * b for a, b in zip(scales, given, strict=True)]
    rows, columns = letters.index("Y"), letters.index("X")
    units = {axes[rows].get("unit"), axes[columns].get("unit")}
    unit = units.pop() if len(units) == 1 else None
    size = (scales[rows], scales[columns])
    if unit is None and size == (1.0, 1.0):
        return Metadata()
    return Metadata(
        pixel_size=size, pixel_unit=_UNITS.get(unit, unit) if unit else None
    )


# Groups of several images


def _images(group: ZarrNode, ome: dict[str, Any]) -> tuple[Iterator[Path], str]:
    """Return the folders of a group's images, and what they are called."""
    path = group.path
    if "plate" in ome:
        return _fields_of_plate(path, ome["plate"]), "fields of a plate"
    if "well" in ome:
        return _fields_of_well(path, ome["well"]), "fields of a well"
    if "bioformats2raw.layout" in ome:
        return _series(path), "images"
    if "labels" in ome:
        names = _typed(ome["labels"], list, "labels")
        return (safe_join(path, _typed(n, str, "a label")) for n in names), "labels"
    inner = sorted(child for child in path.iterdir() if is_node(child))
    names = ", ".join(child.name for child in inner[:20])
    hint = f"give one of its arrays: {names}" if names else "it holds no array"
    raise ValueError(f"a zarr group without OME-Zarr metadata: {hint}")


def _fields_of_plate(path: Path, plate: Any) -> Iterator[Path]:
    for name, _ in _entries(plate, "plate", "wells", "a well"):
        inner = safe_join(path, name)
        if is_node(inner):  # wells that were not imaged may have no folder
            yield from _fields_of_well(inner, _ome(read_node(inner)).get("well"))


def _fields_of_well(path: Path, well: Any) -> Iterator[Path]:
    for name, _ in _entries(well, "well", "images", "an image"):
        yield safe_join(path, name)


def _series(path: Path) -> Iterator[Path]:
    """Yield the images of bioformats2raw: those of its list, or numbered folders."""
    listed = None
    if is_node(path / "OME"):
        listed = _ome(read_node(path / "OME")).get("series")
    if listed is not None:
        for name in _typed(listed, list, "series"):
            yield safe_join(path, _typed(name, str, "a series"))
        return
    number = 0
    while is_node(path / str(number)):
        yield path / str(number)
        number += 1


def _chosen(
    images: Iterator[Path], what: str, options: ReadOptions, group: Path
) -> Path:
    """Return the image that is meant: the only one, or that of the page."""
    if options.page is not None:
        found = list(islice(images, options.page + 1))
        if len(found) > options.page >= 0:
            return found[options.page]
        raise ValueError(
            f"there is no page {options.page}, from 0: it holds {len(found)} {what}"
        )
    some = list(islice(images, 6))
    if len(some) == 1:
        return some[0]
    if not some:
        raise ValueError(f"it holds no {what}")
    names = ", ".join(path.relative_to(group).as_posix() for path in some[:5])
    more = ", …" if len(some) > 5 else ""
    raise ValueError(
        f"it holds several {what}: {names}{more}; pick one with --page (page), from 0, "
        f"or give its path, as in {some[0]}"
    )
