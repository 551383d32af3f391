"""What a detector found in tiles, in the coordinates of the images."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from reftiler.errors import TilingError, printable
from reftiler.io.coco import object_of_coco
from reftiler.io.yolo import in_pixels, parse_label
from reftiler.json_io import MAX_FILE, read_bytes, read_json
from reftiler.objects import ImageObject, object_to_image
from reftiler.tilesets.manifest import Manifest
from reftiler.tilesets.records import ImageRecord, TileRecord
from reftiler.validation import count_of, first_few, shorten


@dataclass(frozen=True)
class _Tile:
    """A tile of an image; ``image_id`` is COCO's of the image, or the manifest's."""

    record: ImageRecord
    tile: TileRecord
    image_id: Any


def detections_to_image(folder: Path, detections: Path) -> list[dict[str, Any]]:
    """Bring what was found in tiles back to the images, as rows of COCO's results.

    Boxes, polygons and masks are moved, and scaled where images were resampled; nothing
    is clipped, merged or left out: which objects of several tiles are one, non-maximum
    suppression decides. ``detections`` is COCO's results, whose ``image_id`` is that of
    the tiles' annotations or the name of a tile, a COCO file of objects, or a folder of
    YOLO's text files, called as the tiles. Rows have the ``image_id`` and ``file_name``
    of the image, and ``tile``, the tile's file.
    """
    manifest = Manifest.read(folder)
    tiles = _tiles(folder, manifest)
    try:
        if detections.is_dir():
            found = list(_of_yolo(detections, manifest, tiles))
        else:
            found = list(_of_coco(detections, tiles))
    except OSError as error:
        where = printable(str(error.filename or detections))
        raise TilingError(f"cannot read {where}: {error.strerror}") from error
    return [_row(place, one) for place, one in found]


def _tiles(folder: Path, manifest: Manifest) -> dict[Any, _Tile | None]:
    """Return the tiles by all that they are called; None where that is not certain."""
    ids = dict(_coco_ids(folder, manifest))
    found: dict[Any, _Tile | None] = {}
    for record in manifest.images:
        for tile in record.tiles:
            number, image_id = ids.get(tile.file, (None, record.id))
            one = _Tile(record, tile, image_id)
            path = PurePosixPath(tile.file)
            for key in {tile.file, path.name, path.stem} | (
                set() if number is None else {number}
            ):
                found[key] = None if key in found else one
    return found


def _coco_ids(
    folder: Path, manifest: Manifest
) -> Iterator[tuple[str, tuple[int, Any]]]:
    """Yield the files of tiles, their COCO ids, and those of their images."""
    for name in manifest.annotations:
        if not name.endswith(".json"):
            continue
        path = folder / name
        content = read_json(path)
        try:
            for image in content["images"]:
                beside = PurePosixPath(name).parent / image["file_name"]
                file = image["file_name"]
                if (folder / beside).is_file():
                    file = beside.as_posix()
                yield file, (image["id"], image["source_image_id"])
        except (KeyError, TypeError) as error:
            raise TilingError(f"{path} is damaged: {error!r}") from error


def _of_coco(
    path: Path, tiles: Mapping[Any, _Tile | None]
) -> Iterator[tuple[_Tile, ImageObject]]:
    content, names = read_json(path), {}
    if isinstance(content, dict):
        images = content.get("images") or []
        names = {row.get("id"): row.get("file_name") for row in images}
        content = content.get("annotations")
    if not isinstance(content, list) or not all(isinstance(r, dict) for r in content):
        raise TilingError(
            f"{path} must be COCO's results, a list of objects, or a COCO file"
        )
    for number, row in enumerate(content):
        where = f"{path.name}, no. {number}"
        image_id = row.get("image_id")
        if isinstance(image_id, int | str):
            image_id = names.get(image_id, image_id)
        place = _place(image_id, tiles, where)
        try:
            yield place, _checked(object_of_coco(row), place)
        except TilingError as error:
            raise TilingError(f"{where}: {error}") from error


def _of_yolo(
    folder: Path, manifest: Manifest, tiles: Mapping[Any, _Tile | None]
) -> Iterator[tuple[_Tile, ImageObject]]:
    files = sorted(folder.rglob("*.txt"))
    if not files:
        raise TilingError(f"{folder} has no .txt files: give YOLO's folder of labels")
    by_path = {
        PurePosixPath(file).with_suffix("").as_posix(): file for file in manifest.files
    }
    for path in files:
        inner = path.relative_to(folder).with_suffix("").as_posix()
        own = [by_path[name] for name in (f"images/{inner}", inner) if name in by_path]
        place = _place(own[0] if own else path.stem, tiles, str(path))
        size = place.record.tile_shape[:2]
        lines = read_bytes(path, MAX_FILE).decode(errors="replace").splitlines()
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                found = parse_label(line, with_score=True)
                found = _checked(in_pixels(found, (size[0], size[1])), place)
            except TilingError as error:
                raise TilingError(f"{path}, line {number}: {error}") from error
            yield place, found


def _checked(found: ImageObject, place: _Tile) -> ImageObject:
    """Refuse a score that JSON does not have, and what cannot be seen in its tile."""
    score = found.extra.get("score", 0)
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise TilingError(f"its score must be a number, got {shorten(score)}")
    if not math.isfinite(score):
        raise TilingError(f"its score must be a finite number, got {score}")
    (x, y, width, height), size = found.box, place.record.tile_shape[:2]
    if x >= size[1] or y >= size[0] or x + width <= 0 or y + height <= 0:
        raise TilingError(
            f"its box {found.box} lies outside of its tile {place.tile.file}, "
            f"{size[0]} x {size[1]} (height x width): give coordinates of the tile, "
            "not of the image"
        )
    return found


def _place(name: Any, tiles: Mapping[Any, _Tile | None], where: str) -> _Tile:
    known = isinstance(name, int | str)
    if known and tiles.get(name) is not None:
        return tiles[name]  # type: ignore[return-value]
    if known and name in tiles:
        raise TilingError(
            f"{where}: several tiles are called {shorten(name)}: give the path of the "
            "tile's file, as manifest.json has it"
        )
    files = [key for key in tiles if isinstance(key, str) and "." in key]
    raise TilingError(
        f"{where}: there is no tile {shorten(name)}; the {count_of(files, 'name')} are "
        f"such as {first_few(files, 1)}: are these the tiles that it saw?"
    )


def _row(place: _Tile, found: ImageObject) -> dict[str, Any]:
    one = object_to_image(found, place.record.grid, place.tile.index)
    row = {
        "image_id": place.image_id,
        "category_id": one.category,
        "bbox": list(one.box),
        **{key: one.extra[key] for key in one.extra if key != "id"},
        "file_name": place.record.source,
        "tile": place.tile.file,
    }
    if one.polygons:
        row["segmentation"] = [[n for p in shape for n in p] for shape in one.polygons]
    if one.rle is not None:
        row["segmentation"] = dict(one.rle)
    if one.keypoints:
        row["keypoints"] = [n for point in one.keypoints for n in point]
    return row


def rows_as_json(rows: list[dict[str, Any]]) -> Iterator[bytes]:
    """Yield a list as JSON, a line for each of its objects."""
    yield b"[\n"
    for number, row in enumerate(rows):
        yield (",\n" * bool(number) + json.dumps(row, ensure_ascii=False)).encode()
    yield b"\n]\n"
