"""Annotations of objects beside images: COCO's JSON and YOLO's text files.

`find_annotations` says which of them a set of images has, and reads them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from reftiler.errors import TilingError, printable
from reftiler.io.annotation_sets import Annotations
from reftiler.io.coco import read_coco
from reftiler.io.entries import ImageEntry
from reftiler.io.yolo import label_file, read_yolo
from reftiler.validation import first_few

NO_ANNOTATIONS = "none"
_ROBOFLOW = "_annotations.coco.json"
_NAMES = (_ROBOFLOW, "*.coco.json", "annotations.json", "instances*.json")
_FOLDER = "annotations"
_INSTANCES = "instances"
_COCO = "coco"  # the layout


def find_annotations(
    source: Path, images: Sequence[ImageEntry], given: str | None = None
) -> Annotations | None:
    """Find and read the annotations of images; None if there are none.

    ``given`` is a COCO file, a folder of such, a folder of YOLO's text files, the
    data.yaml of a YOLO set, or ``none``. By default COCO's are looked for in
    ``annotations/`` and beside the images, YOLO's in ``labels/`` where the images are
    in ``images/``.
    """
    if given == NO_ANNOTATIONS:
        return None
    try:
        found = _found(source, images, None if given is None else Path(given))
    except OSError as error:
        where = printable(str(error.filename or source))
        raise TilingError(f"cannot read {where}: {error.strerror}") from error
    if given is not None and found is None:
        raise TilingError(
            f"{printable(given)} has no annotations of these images: give a COCO file, "
            "a folder of YOLO's text files or a data.yaml"
        )
    return found


def _found(
    source: Path, images: Sequence[ImageEntry], given: Path | None
) -> Annotations | None:
    if given is None:
        files = list(_coco_files(source, images))
        labels = [label_file(entry.image) for entry in images]
        has_labels = any(label is not None and label.is_file() for label in labels)
        if files and has_labels:
            raise TilingError(
                f"there are annotations of COCO, {first_few(files)}, and of YOLO: say "
                "which (--annotations)"
            )
        if files:
            return read_coco(files, source, images)
        return read_yolo(source, images) if has_labels else None
    given.stat()
    if given.is_dir():
        files = sorted(given.glob("*.json"))
        if files and any(given.rglob("*.txt")):
            raise TilingError(f"{given} has .json and .txt files: give one file")
        if files:
            return read_coco(files, source, images)
        return read_yolo(source, images, labels=given)
    if given.suffix.lower() in (".yaml", ".yml"):
        return read_yolo(source, images, settings=given)
    return read_coco([given], source, images)


def _coco_files(source: Path, images: Sequence[ImageEntry]) -> Iterator[Path]:
    """Yield the COCO files beside images, or in the set's folder of annotations."""
    root = source if source.is_dir() else source.parent
    folders = {entry.image.parent for entry in images}
    beside = {
        path for folder in {root, *folders} for n in _NAMES for path in folder.glob(n)
    }
    # Of a part of a data set, such as one split, they lie in a folder above.
    above = list(root.parents)[:2] if getattr(images, "layout", "") == _COCO else []
    folders_of_json = (sorted((one / _FOLDER).glob("*.json")) for one in [root, *above])
    files = next(filter(None, folders_of_json), [])
    instances = [path for path in files if path.name.startswith(_INSTANCES)]
    yield from sorted({*beside, *(instances or files)})
