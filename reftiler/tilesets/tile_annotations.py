"""Annotations of tiles, in the form of the images': COCO's JSON or YOLO's texts."""

import json
import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from reftiler.atomic import OutputTransaction, atomic_write
from reftiler.errors import TilingError, count
from reftiler.io.annotation_sets import AnnotatedImage, AnnotationFile, Annotations
from reftiler.io.yolo import format_label, in_pixels, label_name
from reftiler.objects import ImageObject, TiledObjects, cut_objects
from reftiler.tilesets.records import ImageRecord, TileRecord
from reftiler.validation import count_of, first_few
from reftiler.yaml_io import load_yaml_support

_SETTINGS = "data.yaml"
_FOLDER, _BESIDE = "annotations", "_annotations.coco.json"
_URLS = ("coco_url", "flickr_url", "url")  # of the image, not of its tiles


@dataclass
class TileAnnotations:
    """The annotations of the tiles of a set of images."""

    annotations: Annotations
    min_visible: float  # share of an object, as `cut_objects` counts it
    _counts: Counter[str] = field(default_factory=Counter)
    _lost: list[str] = field(default_factory=list)

    def check(self, record: ImageRecord) -> None:
        """Refuse an image that has another size than its annotations say."""
        found, size = self.annotations.images.get(record.id), record.shape[:2]
        if found is None or found.size is None or found.size == size:
            return
        turned = " (it was turned upright: --no-orient leaves it as it is stored)"
        raise TilingError(
            f"{record.source} is {size[0]} x {size[1]} pixels (height x width), its "
            f"annotations are for {found.size[0]} x {found.size[1]}"
            f"{turned if record.oriented and found.size == size[::-1] else ''}"
        )

    def kept(self, record: ImageRecord) -> ImageRecord:
        """Return an image with the tiles alone that have objects, if it has any."""
        if not self._objects(record):
            return record
        cut = self._cut(record)
        tiles = zip(record.tiles, cut.tiles, strict=True)
        return replace(record, tiles=tuple(tile for tile, found in tiles if found))

    def names(self, records: Sequence[ImageRecord]) -> tuple[str, ...]:
        """Return the files of the annotations of tiles, relative to their folder."""
        known = [one for one in records if one.id in self.annotations.images]
        if self.annotations.format == "coco":
            return tuple(dict.fromkeys(_coco_names(self.annotations, known).values()))
        labels = [_label_of(tile) for record in known for tile in record.tiles]
        has_classes = "names" in self.annotations.files[0].header
        return (*([_SETTINGS] if has_classes else []), *labels)

    def write(
        self, files: OutputTransaction, folder: Path, records: Sequence[ImageRecord]
    ) -> None:
        """Write the annotations of tiles."""
        self._counts.clear()
        self._lost.clear()
        known = [one for one in records if one.id in self.annotations.images]
        if self.annotations.format == "coco":
            self._write_coco(files, folder, known)
        else:
            self._write_yolo(files, folder, known)

    @property
    def notes(self) -> Iterator[str]:
        """What was found, and after `write` what became of it, a sentence each."""
        yield from self.annotations.notes
        faults = self.annotations.faults
        if faults:
            wrong = count_of(faults, "object")
            yield f"left out {wrong} that cannot be cut: {first_few(faults)}"
        counts = self._counts
        if counts["objects"]:
            whole = count(counts["objects"], "object")
            where = count(counts["images"], "image")
            yield f"{whole} of {where} became {counts['pieces']:,} in tiles"
        if counts["dropped"]:
            yield (
                f"left out {count(counts['dropped'], 'piece')} of objects of which "
                f"less than {self.min_visible:.4g} is visible (--min-visible)"
            )
        if counts["mirrored"]:
            yield (
                f"objects of {count(counts['mirrored'], 'image')} may be seen once "
                "more in the padding, where they are not annotated: --pad-mode "
                "constant shows none"
            )
        if self._lost:
            lost = count_of(self._lost, "object")
            yield f"no tile has {lost}: {first_few(self._lost)}"

    def _objects(self, record: ImageRecord) -> tuple[ImageObject, ...]:
        found = self.annotations.images.get(record.id, AnnotatedImage(()))
        if self.annotations.format == "coco":
            return found.objects
        height, width = record.shape[:2]
        return tuple(in_pixels(one, (height, width)) for one in found.objects)

    def _cut(self, record: ImageRecord) -> TiledObjects:
        indices = [tile.index for tile in record.tiles]
        return cut_objects(
            self._objects(record), record.grid, indices, self.min_visible
        )

    def _counted(
        self, records: Iterable[ImageRecord]
    ) -> Iterator[tuple[ImageRecord, TileRecord, tuple[ImageObject, ...]]]:
        """Yield the objects of each tile, and count."""
        for record in records:
            objects, cut = self._objects(record), self._cut(record)
            self._counts["images"] += 1
            self._counts["objects"] += len(objects)
            self._counts["dropped"] += cut.dropped
            pads = any(map(any, record.grid.padding))
            shows = pads and record.grid.tiler.pad_mode != "constant"
            self._counts["mirrored"] += bool(objects) and shows
            for number in cut.lost:
                x, y, width, height = objects[number].box
                place = f"at {x:g}, {y:g}, {width:g} x {height:g}"
                self._lost.append(f"{record.source} {place}")
            for tile, found in zip(record.tiles, cut.tiles, strict=True):
                self._counts["pieces"] += len(found)
                yield record, tile, found

    def _write_coco(
        self, files: OutputTransaction, folder: Path, records: Sequence[ImageRecord]
    ) -> None:
        """Write COCO's files; ids are unique in all of them together."""
        images: dict[str, list[str]] = defaultdict(list)
        rows: dict[str, list[str]] = defaultdict(list)
        names, count = _coco_names(self.annotations, records), 0
        for number, (record, tile, found) in enumerate(self._counted(records), 1):
            image = self.annotations.images[record.id]
            name = names[image.file]
            content = _coco_image(number, record, tile, image, name)
            images[name].append(json.dumps(content, ensure_ascii=False))
            for one in found:
                count += 1
                row = _coco_annotation(count, number, one)
                rows[name].append(json.dumps(row, ensure_ascii=False))
        for k, name in names.items():
            chunks = _coco_chunks(self.annotations.files[k], images[name], rows[name])
            files.write(folder / name, _writer(chunks))

    def _write_yolo(
        self, files: OutputTransaction, folder: Path, records: Sequence[ImageRecord]
    ) -> None:
        for record, tile, found in self._counted(records):
            height, width = record.grid.tiler.input_size
            lines = [f"{format_label(one, (height, width))}\n" for one in found]
            path = folder / _label_of(tile)
            files.write(path, _writer(["".join(lines).encode()]))
        header = self.annotations.files[0].header
        if "names" in header:
            content = _yolo_settings(header, records)
            files.write(folder / _SETTINGS, _writer([content.encode()]))


def _writer(chunks: Iterable[bytes]) -> Any:
    return lambda path: atomic_write(path, chunks)


def _label_of(tile: TileRecord) -> str:
    return "/".join(label_name(tile.file.split("/")))


def _coco_names(
    annotations: Annotations, records: Iterable[ImageRecord]
) -> dict[int, str]:
    """Return the tiles' file for each of COCO's, in ``annotations`` or beside."""
    folders: dict[int, list[str]] = defaultdict(list)
    for record in records:
        files = [tile.file.rpartition("/")[0] for tile in record.tiles]
        folders[annotations.images[record.id].file] += files
    found = {}
    for number, of_tiles in folders.items():
        path = annotations.files[number].path
        if path.parent.name == _FOLDER and not path.name.startswith("_"):
            found[number] = f"{_FOLDER}/{path.name}"
            continue
        folder = posixpath.commonpath(of_tiles) if of_tiles and all(of_tiles) else ""
        found[number] = str(PurePosixPath(folder) / _BESIDE)
    twice = [name for name, count in Counter(found.values()).items() if count > 1]
    if twice:
        raise TilingError(
            f"two files of annotations would become {twice[0]}: --annotations names one"
        )
    return found


def _coco_image(
    number: int, record: ImageRecord, tile: TileRecord, image: AnnotatedImage, name: str
) -> dict[str, Any]:
    """Return COCO's line of a tile; its file name is relative to the JSON's folder."""
    folder = name.rpartition("/")[0]
    height, width = record.grid.tiler.input_size
    (top, bottom), (left, right) = record.grid.boxes[tile.index].tolist()
    above, before = record.grid.tiler.context
    corner = left - before, top - above
    return {
        **{key: image.content[key] for key in image.content if key not in _URLS},
        "id": number,
        "file_name": tile.file.removeprefix(f"{folder}/") if folder else tile.file,
        "width": width,
        "height": height,
        "source_image_id": image.content["id"],
        "source_file_name": image.content["file_name"],
        "tile_index": tile.index,
        "tile_box": [*corner, right - left + 2 * before, bottom - top + 2 * above],
    }


def _coco_annotation(number: int, image: int, one: ImageObject) -> dict[str, Any]:
    content = dict(one.extra)
    if "id" in content:
        content["source_id"] = content.pop("id")
    polygons = [[n for point in shape for n in point] for shape in one.polygons]
    content |= {
        "id": number,
        "image_id": image,
        "category_id": one.category,
        "bbox": list(one.box),
        "area": one.area if one.stated_area is None else one.stated_area,
        "segmentation": polygons if one.rle is None else dict(one.rle),
        "iscrowd": content.get("iscrowd", 0),
    }
    if one.keypoints:
        content["keypoints"] = [n for point in one.keypoints for n in point]
        content["num_keypoints"] = sum(seen > 0 for *_, seen in one.keypoints)
    return content


def _coco_chunks(
    file: AnnotationFile, images: Sequence[str], rows: Sequence[str]
) -> Iterator[bytes]:
    """Yield a COCO file, a line for each tile and each object."""
    head = json.dumps(file.header, ensure_ascii=False)[1:-1]
    yield f"{{{head}".encode()
    for key, lines in (("images", images), ("annotations", rows)):
        yield f',\n"{key}": [\n'.encode()
        yield ",\n".join(lines).encode()
        yield b"\n]"
    yield b"}\n"


def _yolo_settings(header: Mapping[str, Any], records: Sequence[ImageRecord]) -> str:
    """Return the data.yaml of the tiles."""
    folders: dict[str, set[str]] = defaultdict(set)
    for record in records:
        folder = {tile.file.rpartition("/")[0] or "." for tile in record.tiles}
        folders[{"validation": "val"}.get(record.split, record.split)] |= folder
    splits = {key or "train": sorted(found) for key, found in folders.items()}
    dropped = ("path", "train", "val", "test", "download")
    content = {
        **{key: (v[0] if len(v) == 1 else v) for key, v in splits.items() if v},
        **{key: value for key, value in header.items() if key not in dropped},
    }
    yaml = load_yaml_support()
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
