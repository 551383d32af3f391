"""COCO's JSON of objects: read, and matched with images on disk."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any

from reftiler.errors import TilingError, printable
from reftiler.io.annotation_sets import (
    AnnotatedImage,
    AnnotationFile,
    Annotations,
    check_inside,
    fingerprint_of,
)
from reftiler.io.entries import ImageEntry
from reftiler.json_io import MAX_FILE, decode, read_bytes
from reftiler.objects import ImageObject
from reftiler.objects.rle import decode_rle
from reftiler.validation import count_of, first_few, is_sequence, shorten

_LISTS = ("images", "annotations", "categories")
_OWN = {"bbox", "segmentation", "area", "keypoints", "num_keypoints", "category_id",
        "image_id"}  # fmt: skip
_SPLIT = re.compile(r"train|val|test")


def read_coco(
    files: Sequence[Path], source: Path, images: Sequence[ImageEntry]
) -> Annotations:
    """Read COCO's files of objects; of a single image they may know others."""
    contents = [(path, read_bytes(path, MAX_FILE)) for path in files]
    found: dict[str, AnnotatedImage] = {}
    notes: list[str] = []
    faults: list[str] = []
    kept: list[AnnotationFile] = []
    for path, text in contents:
        content = _checked(decode(text, str(path)), path)
        matched, absent = _match(content["images"], path, images)
        if absent and source.is_dir():
            notes.append(
                f"{path.name} lists {count_of(absent, 'image')} that {source.name} "
                f"does not have: {first_few(absent)}"
            )
        header = {key: content[key] for key in content if key not in _LISTS[:2]}
        sizes = {key: _size(image, path) for key, (_, image) in matched.items()}
        objects = _objects(content, path, sizes, faults)
        for image_id, (entry, image) in matched.items():
            if entry.id in found:
                raise TilingError(
                    f"{path} lists {printable(str(entry.image))}, and so does another "
                    "file or line: give one file (--annotations)"
                )
            found[entry.id] = AnnotatedImage(
                tuple(objects[image_id]), len(kept), sizes[image_id], image
            )
        kept.append(AnnotationFile(path, header))
    bare = [str(entry.image.name) for entry in images if entry.id not in found]
    if not found:
        raise TilingError(
            f"{first_few(files)} and {source} have no image in common: it lists "
            f"{first_few([image['file_name'] for image in content['images']])}; give "
            "another file, or --annotations none"
        )
    if bare:
        notes.append(
            f"{count_of(bare, 'image')} without annotations: {first_few(bare)}"
        )
    digest = fingerprint_of(contents)
    return Annotations("coco", tuple(kept), found, digest, tuple(notes), tuple(faults))


def object_of_coco(content: Mapping[str, Any]) -> ImageObject:
    """Return the object of COCO's annotation, or of its result of a detector."""
    category, box = content.get("category_id"), content.get("bbox")
    if not isinstance(category, int) or isinstance(category, bool):
        raise TilingError(f"its category_id must be an int, got {shorten(category)}")
    more: dict[str, Any] = {
        "keypoints": tuple(_keypoints(content.get("keypoints") or ())),
        "extra": {key: content[key] for key in content if key not in _OWN},
    }
    area = content.get("area")
    if isinstance(area, int | float) and area > 0:
        more["stated_area"] = area
    segmentation = content.get("segmentation") or None
    polygons: tuple[Any, ...] = ()
    if isinstance(segmentation, Mapping):
        decode_rle(segmentation)  # refuses what is damaged
        more["rle"] = segmentation
    elif segmentation is not None:
        polygons = tuple(map(_polygon, _sequence(segmentation, "segmentation")))
    if box:
        numbers = _numbers(box, "bbox")
        if len(numbers) != 4:
            raise TilingError(f"its bbox must be [x, y, width, height]: {shorten(box)}")
        return ImageObject(category, numbers, polygons, **more)
    if polygons:
        return ImageObject.of_polygons(category, polygons, **more)
    raise TilingError("it has neither a bbox nor polygons")


def _checked(content: Any, path: Path) -> dict[str, Any]:
    """Refuse what is no COCO file of objects, and ids that are there twice."""
    if not isinstance(content, dict) or not all(
        isinstance(content.get(key), list) for key in _LISTS
    ):
        lacking = [key for key in _LISTS if key not in (content or ())]
        raise TilingError(
            f"{path} is no COCO file of objects: it must have lists of images, "
            f"annotations and categories{', and lacks ' if lacking else ''}"
            f"{' and '.join(lacking)} (--annotations names another, or none)"
        )
    for key in _LISTS:
        rows = content[key]
        if not all(isinstance(row, dict) for row in rows):
            raise TilingError(f"{path}: {key} must be a list of objects")
        ids = Counter(row["id"] for row in rows if _is_id(row.get("id")))
        if key != "annotations" and ids.total() < len(rows):
            raise TilingError(f"{path}: each of the {key} must have an id, a number")
        twice = [number for number, count in ids.items() if count > 1]
        if twice:
            raise TilingError(
                f"{path}: {key} have the same id twice: {first_few(twice)}; give each "
                "its own"
            )
    for image in content["images"]:
        if not isinstance(image.get("file_name"), str) or not image["file_name"]:
            raise TilingError(f"{path}: the image {image['id']} has no file_name")
    return content


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _match(
    rows: Sequence[Mapping[str, Any]], path: Path, images: Sequence[ImageEntry]
) -> tuple[dict[Any, tuple[ImageEntry, Mapping[str, Any]]], list[str]]:
    """Return the entries of a file's images by their ids, and names without one."""
    by_name: dict[str, list[ImageEntry]] = defaultdict(list)
    for entry in images:
        by_name[entry.image.name].append(entry)
    found, absent = {}, []
    for row in rows:
        name = row["file_name"].replace("\\", "/")
        parts = PurePosixPath(name).parts
        entries = by_name.get(parts[-1], []) if parts else []
        entries = _nearest([one for one in entries if _may_be(one, path)], parts, path)
        if len(entries) > 1:
            raise TilingError(
                f"{path}: {printable(name)} may be "
                f"{first_few([one.image for one in entries])}: give one split, or file "
                "names with their folders"
            )
        if entries:
            found[row["id"]] = entries[0], row
        else:
            absent.append(name)
    return found, absent


def _may_be(entry: ImageEntry, path: Path) -> bool:
    """Tell whether a file of one split may be of an image, by the names of folders."""
    of_file = _SPLIT.search(path.stem.lower()) or _SPLIT.search(
        path.parent.name.lower()
    )
    folders = entry.image.parts[-4:-1]
    of_image = [m[0] for folder in folders if (m := _SPLIT.match(folder.lower()))]
    return of_file is None or not of_image or of_file[0] in of_image


def _nearest(
    entries: list[ImageEntry], parts: tuple[str, ...], path: Path
) -> list[ImageEntry]:
    """Keep the entries whose paths agree with most of a file name, from its end."""

    def agreeing(entry: ImageEntry) -> tuple[int, bool]:
        own = zip(reversed(entry.image.parts), reversed(parts), strict=False)
        count = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], own))
        return count, entry.image.parent == path.parent

    if len(entries) < 2:
        return entries
    best = max(map(agreeing, entries))
    return [entry for entry in entries if agreeing(entry) == best]


def _objects(
    content: Mapping[str, Any],
    path: Path,
    sizes: Mapping[Any, tuple[int, int]],
    faults: list[str],
) -> dict[Any, list[ImageObject]]:
    """Return the objects of the images that are there, by the images' ids."""
    categories = {row["id"] for row in content["categories"]}
    listed = {row["id"] for row in content["images"]}
    found: dict[Any, list[ImageObject]] = defaultdict(list)
    for number, row in enumerate(content["annotations"], 1):
        image_id = row.get("image_id")
        try:
            _check_references(row, listed, categories)
            if image_id in sizes:
                one = object_of_coco(row)
                check_inside(one, sizes[image_id])
                found[image_id].append(one)
        except TilingError as error:
            name = shorten(row.get("id", f"no. {number}"))
            faults.append(f"{path.name}, annotation {name}: {error}")
    return found


def _check_references(
    row: Mapping[str, Any], images: set[Any], categories: set[Any]
) -> None:
    for key, known in (("image_id", images), ("category_id", categories)):
        value = row.get(key)
        if not _is_id(value) or value not in known:
            kind = key.removesuffix("_id")
            raise TilingError(f"no {kind} has the id {shorten(value)}, its {key}")


def _size(image: Mapping[str, Any], path: Path) -> tuple[int, int]:
    size = (image.get("height"), image.get("width"))
    if not all(isinstance(side, int) and side > 0 for side in size):
        name = printable(image["file_name"])
        raise TilingError(f"{path}: {name} must have a height and a width, got {size}")
    return size  # type: ignore[return-value]


def _sequence(value: Any, name: str) -> Sequence[Any]:
    if not is_sequence(value):
        raise TilingError(f"its {name} must be a list, got {shorten(value)}")
    return value  # type: ignore[no-any-return]


def _numbers(value: Any, name: str) -> tuple[float, ...]:
    numbers = _sequence(value, name)
    if not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
        raise TilingError(f"its {name} must be of numbers, got {shorten(value)}")
    return tuple(map(float, numbers))


def _polygon(value: Any) -> tuple[tuple[float, float], ...]:
    numbers = _numbers(value, "segmentation")
    if len(numbers) < 6 or len(numbers) % 2:
        raise TilingError(
            f"a polygon must be x and y of three corners or more, got {len(numbers)} "
            "numbers"
        )
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _keypoints(value: Any) -> Iterator[tuple[float, float, int]]:
    numbers = _numbers(value, "keypoints")
    if len(numbers) % 3:
        raise TilingError(f"its keypoints must be threes, got {len(numbers)} numbers")
    for x, y, seen in zip(*(numbers[k::3] for k in range(3)), strict=True):
        yield x, y, int(seen)
