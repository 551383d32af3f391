"""YOLO's text files of objects: a line for each, in shares of the image's size."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reftiler.errors import TilingError
from reftiler.io.annotation_sets import (
    AnnotatedImage,
    AnnotationFile,
    Annotations,
    check_inside,
    fingerprint_of,
)
from reftiler.io.entries import ImageEntry
from reftiler.json_io import read_bytes
from reftiler.objects import ImageObject
from reftiler.objects.polygons import join_parts
from reftiler.validation import count_of, first_few, shorten
from reftiler.yaml_io import read_yaml

IMAGES, LABELS = "images", "labels"
_MAX_FILE = 2**26
_BEYOND = 0.01  # how far labels stick out of images that are drawn by hand
_LISTS = ("classes.txt", "obj.names")


def label_name(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the path of an image's labels: ``images`` becomes ``labels``."""
    folders = [part.lower() for part in parts[:-1]]
    stem = parts[-1].rpartition(".")[0] or parts[-1]
    renamed = list(parts[:-1])
    if IMAGES in folders:
        renamed[len(folders) - 1 - folders[::-1].index(IMAGES)] = LABELS
    return (*renamed, f"{stem}.txt")


def label_file(image: Path) -> Path | None:
    """Return where YOLO's rule has labels; beside the image if a list of classes is."""
    found = Path(*label_name(image.parts))
    if found.parent != image.parent:
        return found
    beside = (*_LISTS, "data.yaml")
    return found if any((image.parent / name).is_file() for name in beside) else None


def read_yolo(
    source: Path,
    images: Sequence[ImageEntry],
    *,
    labels: Path | None = None,
    settings: Path | None = None,
) -> Annotations | None:
    """Read the labels of images; None if no image has any."""
    paths = _label_paths(images, labels)
    there = {key: path for key, path in paths.items() if path and path.is_file()}
    if not there:
        return None
    file = settings or _settings_file(next(iter(there.values())))
    header = {} if file is None else _header(file)
    names = header.get("names")
    contents, found = [], {}
    faults: list[str] = []
    for key, path in there.items():
        contents.append((path, read_bytes(path, _MAX_FILE)))
        rows = list(_rows(path, contents[-1][1], names, faults))
        found[key] = AnnotatedImage(tuple(rows))
    if file is not None:
        contents.append((file, read_bytes(file, _MAX_FILE)))
    notes = list(_notes(source, images, there, labels))
    if names is None:
        notes.append("no data.yaml names the classes: they are numbers")
    first = next(iter(there.values())).parent
    files = (AnnotationFile(file or first / "data.yaml", header),)
    return Annotations(
        "yolo", files, found, fingerprint_of(contents), tuple(notes), tuple(faults)
    )


def parse_label(line: str, *, with_score: bool = False) -> ImageObject:
    """Return the object of a line, in shares of the image's size."""
    words = line.split()
    try:
        category, numbers = int(words[0]), list(map(float, words[1:]))
    except ValueError:
        raise TilingError(f"must be numbers, got {shorten(line.strip())}") from None
    if category < 0:
        raise TilingError(f"the class must be 0 or more, got {category}")
    extra = {}
    if with_score and len(numbers) > 4 and len(numbers) % 2:
        extra["score"] = numbers.pop()
    if not all(-_BEYOND <= number <= 1 + _BEYOND for number in numbers):
        raise TilingError(
            "coordinates must be shares of the image, from 0 to 1, got "
            f"{shorten(tuple(numbers))}: are they pixels?"
        )
    if len(numbers) == 4:
        x, y, width, height = numbers
        box = (x - width / 2, y - height / 2, width, height)
        return ImageObject(category, box, extra=extra)
    if len(numbers) < 6 or len(numbers) % 2:
        raise TilingError(
            f"must be a class and 4 numbers of a box, or x and y of 3 corners or more, "
            f"got a class and {len(numbers)} numbers"
        )
    corners = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    return ImageObject.of_polygons(category, (corners,), extra=extra)


def _label_paths(
    images: Sequence[ImageEntry], labels: Path | None
) -> dict[str, Path | None]:
    """Return where the labels of each image lie, by the images' ids."""
    if labels is None:
        return {entry.id: label_file(entry.image) for entry in images}
    by_stem: dict[str, list[Path]] = {}
    for path in sorted(labels.rglob("*.txt")):
        by_stem.setdefault(path.stem, []).append(path)
    found: dict[str, Path | None] = {}
    used: set[Path] = set()
    for entry in images:
        folder = entry.image.parent.name
        own = by_stem.get(entry.image.stem, [])
        own = [p for p in own if len(own) == 1 or p.parent.name == folder]
        if len(own) > 1 or used.intersection(own):
            raise TilingError(
                f"it is not certain whose labels {first_few(own)} are: give the folder "
                "of one split"
            )
        used.update(own)
        found[entry.id] = own[0] if own else None
    return found


def _settings_file(label: Path) -> Path | None:
    """Return the file of classes in the nearest folder above a file of labels."""
    for folder in list(label.parents)[:3]:
        for name in ("data.yaml", "dataset.yaml", *_LISTS):
            if (folder / name).is_file():
                return folder / name
        others = [*folder.glob("*.yaml"), *folder.glob("*.yml")]
        if len(others) == 1 and _has_names(others[0]):
            return others[0]
    return None


def _has_names(path: Path) -> bool:
    try:
        content = read_yaml(path)
    except TilingError:
        return False
    return isinstance(content, dict) and "names" in content


def _header(file: Path) -> dict[str, Any]:
    """Read the file of classes; ``names`` becomes a mapping of numbers to names."""
    if file.name in _LISTS:
        lines = read_bytes(file, _MAX_FILE).decode("utf-8-sig", "replace").splitlines()
        return {"names": dict(enumerate(filter(None, map(str.strip, lines))))}
    content = read_yaml(file)
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(isinstance(k, int) for k in names):
        raise TilingError(f"{file} must have the names of the classes, as names: […]")
    if "kpt_shape" in content:
        raise TilingError(
            f"{file} is of key points, which are not cut in YOLO's form: convert them "
            "to COCO's, or --annotations none leaves them out"
        )
    return {**content, "names": {k: str(name) for k, name in names.items()}}


def _rows(
    path: Path, content: bytes, names: Mapping[int, str] | None, faults: list[str]
) -> Iterator[ImageObject]:
    lines = content.decode("utf-8-sig", "replace").splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = parse_label(line)
            _check_class(found.category, names)
            check_inside(found, (1, 1))
        except TilingError as error:
            faults.append(f"{path.parent.name}/{path.name}, line {number}: {error}")
            continue
        yield found


def _check_class(category: int, names: Mapping[int, str] | None) -> None:
    if names is not None and category not in names:
        raise TilingError(
            f"there is no class {category}: the {len(names)} classes are "
            f"{min(names, default=0)} to {max(names, default=0)}"
        )


def _notes(
    source: Path,
    images: Sequence[ImageEntry],
    there: Mapping[str, Path],
    labels: Path | None,
) -> Iterator[str]:
    bare = [entry.image.name for entry in images if entry.id not in there]
    if bare:
        yield f"{count_of(bare, 'image')} without a file of labels: {first_few(bare)}"
    if not source.is_dir():
        return
    folders = {path.parent for path in there.values()}
    every = {path for folder in folders for path in folder.glob("*.txt")}
    if labels is not None:
        every = set(labels.rglob("*.txt"))
    lone = [path.name for path in sorted(every - {*there.values()})]
    lone = [name for name in lone if name not in _LISTS]
    if lone:
        files = count_of(lone, "file")
        yield f"passed over {files} of labels without an image: {first_few(lone)}"


def in_pixels(found: ImageObject, size: tuple[int, int]) -> ImageObject:
    """Return an object in the pixels of an image of a height and a width."""
    height, width = size
    x, y, w, h = found.box
    polygons = tuple(
        tuple((p * width, q * height) for p, q in shape) for shape in found.polygons
    )
    box = (x * width, y * height, w * width, h * height)
    return ImageObject(found.category, box, polygons, extra=found.extra)


def format_label(found: ImageObject, size: tuple[int, int]) -> str:
    """Return the line of an object; of a polygon's several parts one, with seams."""
    height, width = size
    if found.polygons:
        joined = join_parts(found.polygons)
        numbers = [n for x, y in joined for n in (x / width, y / height)]
    else:
        x, y, w, h = found.box
        numbers = [(x + w / 2) / width, (y + h / 2) / height, w / width, h / height]
    return " ".join([str(found.category), *(f"{n:.10g}" for n in numbers)])
