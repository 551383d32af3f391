"""The tiles of a manifest as images to put together: their own, or their masks."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from reftiler.atomic import safe_join
from reftiler.errors import TilingError
from reftiler.io.zarr_metadata import SUFFIX as ZARR
from reftiler.tilesets.manifest import Manifest
from reftiler.tilesets.maps import MapOptions, map_set
from reftiler.tilesets.reassemble import TiledImage, TiledImageSet, tiled_image
from reftiler.tilesets.records import ImageRecord
from reftiler.tilesets.tile_arrays import (
    ArrayOfTiles,
    FormSource,
    LabelFiles,
    TileArrays,
    TileFiles,
    TileForm,
    form_of,
    is_array,
    palette_of,
    stores,
)
from reftiler.tilesets.tile_storage import FORMATS
from reftiler.validation import Real

_MANIFEST = FormSource("the manifest says", "it was altered; cut the image anew")


def stored_images(
    folder: Path, manifest: Manifest, options: MapOptions
) -> TiledImageSet:
    """Return the images of a manifest, or of the results that replaced their tiles."""
    found = _first_form(folder, manifest)
    if found is not None and not as_cut(folder, manifest):
        paths: dict[str, Path | list[Path]] = {}
        for record in manifest.images:
            own = [safe_join(folder, tile.file) for tile in record.tiles]
            paths[record.id] = own[0] if own and own[0].suffix == ZARR else own
        note = (
            f"the tiles are {found.dtype.name} {found.shape}, not as they were "
            "cut: they are merged as results of a model"
        )
        return map_set(manifest.images, paths, options, (note,))
    images = [
        stored_image(folder, record, **options.settings) for record in manifest.images
    ]
    return TiledImageSet(tuple(images), FORMATS[manifest.format])


def as_cut(folder: Path, manifest: Manifest) -> bool:
    """Tell whether the first tile has the form in which it was cut."""
    found = _first_form(folder, manifest)
    if found is None:
        return True
    first = next(record for record in manifest.images if record.tiles)
    return stores(_own_form(first), found.shape, found.dtype)


def _first_form(folder: Path, manifest: Manifest) -> TileForm | None:
    for record in manifest.images:
        if record.tiles:
            path = safe_join(folder, record.tiles[0].file)
            return form_of(path, rows=path.suffix == ZARR)
    return None


def stored_image(folder: Path, record: ImageRecord, **settings: object) -> TiledImage:
    """Return one image of a manifest; ``settings`` of the tiler say how it merges."""
    tiles = _tiles(folder, record.tile_names, _own_form(record))
    image = tiled_image(record, tiles, settings)
    return replace(image, alpha=record.alpha)


def stored_masks(
    folder: Path, manifest: Manifest, fill: Real | None = None
) -> TiledImageSet:
    """Return the masks there are; left out tiles are 0 where that is known of them."""
    images = []
    for record in manifest.images:
        if record.masks:
            mask = stored_mask(folder, record, fill)
            if fill is None and mask.num_uncovered:
                unknown = _unknown_marks(manifest, record)
                mask = stored_mask(folder, record, None if unknown else 0)
                mask = replace(mask, left_out=unknown)
            images.append(mask)
    return TiledImageSet(tuple(images), FORMATS[manifest.format])


def _unknown_marks(manifest: Manifest, record: ImageRecord) -> str:
    """Say why pixels in no tile may be marked or void; nothing where they are not."""
    way_out = "--fill 0 takes them for unmarked"
    if not manifest.skip_empty or manifest.random is not None or record.grid.uncovered:
        return f"no tile was cut there; {way_out}"
    if manifest.min_marked > 1:
        fewer = f"tiles with fewer than {manifest.min_marked} marked pixels"
        return f"{fewer} were left out; {way_out}"
    if record.void is not None:
        void = f"void pixels ({record.void})"
        return (
            f"tiles without marked pixels were left out, with their {void}; {way_out}"
        )
    return ""


def stored_mask(
    folder: Path, record: ImageRecord, fill: Real | None = None
) -> TiledImage:
    """Return the mask of one image: labels, never averaged; 0 where it has no file."""
    if record.mask_dtype is None:
        raise TilingError(f"{record.id} has no mask")
    form = TileForm(record.mask_tile_shape, np.dtype(record.mask_dtype))
    tiles = _tiles(folder, record.mask_names, form, LabelFiles)
    settings = {"merge": "max", "fill": fill}
    mask = tiled_image(record, tiles, settings, record.mask_grid)
    name = next(filter(None, record.mask_names), None)
    palette = None
    if name is not None and record.mask_dtype != "bool":
        palette = palette_of(folder / name)
    metadata = replace(record.mask_metadata, palette=palette)
    return replace(mask, metadata=metadata, labels=True)


def _own_form(record: ImageRecord) -> TileForm:
    return TileForm(record.tile_shape, np.dtype(record.dtype))


def _tiles(
    folder: Path,
    names: Sequence[str | None],
    form: TileForm,
    files: type[TileFiles] = TileFiles,
) -> TileArrays:
    """Return the tiles of some names: files, or the array that all of them name."""
    paths = [name and safe_join(folder, name) for name in names]
    first = next((path for path in paths if path), None)
    if first is not None and is_array(first):  # such files have a byte order
        dtype = form_of(first, rows=first.suffix == ZARR).dtype
        if dtype.name == form.dtype.name:
            form = replace(form, dtype=dtype)
    if first is not None and first.suffix == ZARR:
        return ArrayOfTiles(first, len(names), form, _MANIFEST, whole=True)
    return files([path or None for path in paths], form, _MANIFEST)
