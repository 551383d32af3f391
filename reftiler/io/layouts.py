"""The layouts of data sets: where each has its images and their masks.

A layout is a row of `LAYOUTS`. Its places are patterns of paths without the suffix,
relative to the data set's root: ``{split}/{label}/{stem}``. A mask belongs to an image
when their patterns agree in all fields that both have. Upper and lower case are alike.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reftiler.errors import TilingError
from reftiler.io.entries import GOOD
from reftiler.io.split_lists import SplitList, real_iad_splits, visa_splits
from reftiler.validation import suggest

GOOD_NAMES = (GOOD, "ok", "normal", "non_defective", "non-defective", "nondefective",
              "no_defect", "defect_free", "defect-free")  # fmt: skip
"""Names of folders whose images have no defects."""
MASK_ENDINGS = ("_mask", "_label", "_gt")
"""What may follow an image's name in that of its mask."""
JPEG = (".jpg", ".jpeg", ".jfif")
_FIELDS = {
    "split": r"train|training|validation|valid|val|test|testing",
    "test": r"test|testing",
    "images": r"images?|imgs?|jpegimages",
    "masks": r"masks?|labels?|annotations?|gts?|ground[_-]?truths?|segmentations?"
    r"|segmentationclass(?:png)?",
    # Folders beside SegmentationClass that hold the same in other forms.
    "copies": r"segmentationobject(?:png)?"
    r"|segmentation(?:class|object)(?:npy|visualization)|annotationsvisualization",
    "folder": r"(?:[^/]+/)*",
    "number": r"\d+",
    "year": r"\d{4}",
}
SPLIT_NAMES = {
    "training": "train", "val": "validation", "valid": "validation", "testing": "test",
}  # fmt: skip
"""Splits that go by another name in `reftiler.io.entries.SPLITS`."""


def match_path(
    pattern: str, path: str, good: tuple[str, ...] = GOOD_NAMES
) -> dict[str, str] | None:
    """Return the fields of a path without suffix, by ``{good}/{stem}``, or None."""
    found = _compiled(pattern, good).fullmatch(path)
    return found.groupdict() if found else None


@cache
def _compiled(pattern: str, good: tuple[str, ...]) -> re.Pattern[str]:
    fields = {**_FIELDS, "good": "|".join(map(re.escape, good))}
    parts = re.split(r"\{(\w+)\}", pattern)
    for k, part in enumerate(parts):
        known = fields.get(part, r"[^/]+")
        parts[k] = f"(?P<{part}>{known})" if k % 2 else re.escape(part)
    return re.compile("".join(parts), re.IGNORECASE)


@dataclass(frozen=True)
class Place:
    """Where a layout has images, and where the masks of these lie."""

    images: str  # the pattern of their paths
    masks: tuple[str, ...] = ()  # patterns; {mask} lets an image have several
    split: str = ""  # empty: what the fields of that name say
    label: str = ""
    name: str = "{stem}"  # the entry's, made of the fields
    suffixes: tuple[str, ...] = ()  # of images; others are masks; empty: any


@dataclass(frozen=True)
class Layout:
    """How a data set is laid out."""

    name: str  # as --layout takes it
    places: tuple[Place, ...]  # the first that matches an image is the image's
    # The layout is recognised where each pattern of one of these groups matches a file:
    # an image without its suffix, or another file with it. Empty: never.
    needs: tuple[tuple[str, ...], ...] = ()
    forbids: tuple[str, ...] = ()  # where one matches, it is not
    # Globs, one of which the root has: by these a part of a data set, such as one
    # image, is known.
    landmarks: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()  # other data sets that have it, or variants of it
    label_by_mask: bool = False  # good where a mask marks nothing
    complete: bool = False  # every defect has a mask, where any has
    asks: bool = False  # masks without an image are refused: names alone say so
    generic: bool = False  # everyday names: others are asked first
    copies: tuple[str, ...] = ()  # where masks lie once more, unread
    split_list: Callable[[Path], SplitList | None] | None = None


def _beside(base: str) -> tuple[str, ...]:
    """Return the usual names of a mask that lies beside its image."""
    return tuple(base + end for end in MASK_ENDINGS)


def _in_mask_folder(base: str) -> tuple[str, ...]:
    return (base, *_beside(base))


_LABELLED = "{split}/{label}/{stem}"
_TRUTH_OF_AD = "ground_truth/{label}/{stem}"
_PAIRS = ("{%s}/{split}/{stem}", "{%s}/{label}/{stem}", "{split}/{%s}/{stem}",
          "{split}_{%s}/{stem}", "{%s}/{stem}")  # fmt: skip
_YOLO = (("{images}/{split}/{stem}", "labels/{split}/{file}.txt"),
         ("{split}/{images}/{stem}", "{split}/labels/{file}.txt"),
         ("{images}/{stem}", "labels/{file}.txt"))  # fmt: skip
_COCO = ("{images}/{split}/{stem}", "{images}/{split}{year}/{stem}",
         "{split}{year}/{stem}", "{split}/{stem}", "{images}/{stem}")  # fmt: skip

PLAIN = Layout(
    "plain",
    (Place("{folder}{stem}",
           (*_beside("{folder}{stem}"), *_in_mask_folder("{folder}{masks}/{stem}")),
           name="{folder}{stem}"),),
    asks=True,
)  # fmt: skip
"""A folder of images, with masks beside them or in a folder of their own, or none."""
SAME_STEM = Layout(
    "same-stem",
    (Place("{folder}{stem}", ("{folder}{stem}",), name="{folder}{stem}",
           suffixes=JPEG),),
    asks=True,
)  # fmt: skip
"""JPEG images, each beside a mask of the same name in another format."""

LAYOUTS = (
    Layout(
        "mvtec-ad",
        (Place("{test}/{label}/{stem}",
               (*_in_mask_folder(_TRUTH_OF_AD), "{test}/{label}/{stem}_mask"),
               split="test"),
         Place(_LABELLED, ("{split}/{label}/{stem}_mask",
                           "{split}_masks/{label}/{stem}_mask"))),
        needs=((_LABELLED,),),
        forbids=("test_public/{label}/{stem}", "{split}/{label}/rgb/{stem}",
                 "{split}/{label}/img/{stem}", "{split}/{images}/{stem}",
                 "{split}/{masks}/{stem}", _TRUTH_OF_AD + "/{mask}"),
        landmarks=("ground_truth", *(f"train/{name}" for name in GOOD_NAMES)),
        aliases=("btech", "mpdd", "vad", "visa-pytorch"),
        complete=True,
    ),
    Layout(
        "mvtec-ad-2",
        (Place("test_public/{label}/{stem}",
               ("test_public/ground_truth/{label}/{stem}_mask",), split="test"),
         Place("test_private/{stem}", split="test_private"),
         Place("test_private_mixed/{stem}", split="test_private_mixed"),
         Place(_LABELLED)),
        needs=(("test_public/{label}/{stem}",),),
        landmarks=("test_public",),
        complete=True,
    ),
    Layout(
        "mvtec-loco",
        (Place("{test}/{label}/{stem}", (_TRUTH_OF_AD + "/{mask}",), split="test"),
         Place(_LABELLED)),
        needs=((_LABELLED, _TRUTH_OF_AD + "/{mask}"),),
        forbids=("{split}/{images}/{stem}",),
        landmarks=("ground_truth",),
        aliases=("autovi",),
        complete=True,
    ),
    Layout(
        "mvtec-3d",
        (Place("{split}/{label}/rgb/{stem}",
               ("{split}/{label}/gt/{stem}", "{split}/{label}/ground_truth/{stem}")),),
        needs=(("{split}/{label}/rgb/{stem}",),),
        landmarks=("*/*/rgb",),
        aliases=("3d-adam",),
        complete=True,
    ),
    Layout(
        "bmad",
        (Place("{split}/{label}/img/{stem}", ("{split}/{label}/label/{stem}",)),
         Place(_LABELLED)),
        needs=(("{split}/{label}/img/{stem}",),),
        landmarks=("*/*/img",),
        complete=True,
    ),
    Layout(
        "visa",
        (Place("Data/Images/Normal/{stem}", label=GOOD),
         Place("Data/Images/Anomaly/{stem}", ("Data/Masks/Anomaly/{stem}",),
               label="bad")),
        needs=(("Data/Images/{label}/{stem}",),),
        landmarks=("Data/Images",),
        complete=True,
        split_list=visa_splits,
    ),
    Layout(
        "real-iad",
        (Place("OK/{item}/{stem}", label=GOOD, suffixes=JPEG),
         Place("NG/{label}/{item}/{stem}",
               ("NG/{label}/{item}/{stem}", "NG/{label}/{item}/{stem}_mask"),
               suffixes=JPEG)),
        needs=(("OK/{item}/{stem}",), ("NG/{label}/{item}/{stem}",)),
        landmarks=("NG", "OK"),
        split_list=real_iad_splits,
    ),
    Layout(
        "kolektor-sdd",
        (Place("kos{number}/{stem}", ("kos{number}/{stem}_label",),
               name="kos{number}_{stem}"),),
        needs=(("kos{number}/{stem}_label",),),
        landmarks=("kos*/*_label.*",),
        label_by_mask=True,
    ),
    Layout(
        "kolektor-sdd2",
        (Place("{split}/{stem}", ("{split}/{stem}_GT",)),),
        needs=(("{split}/{stem}_GT",),),
        landmarks=("train/*_GT.*", "test/*_GT.*"),
        label_by_mask=True,
    ),
    Layout(
        "images-masks",
        tuple(Place(p % "images", _in_mask_folder(p % "masks")) for p in _PAIRS),
        needs=tuple((pair % "images", pair % "masks") for pair in _PAIRS),
        landmarks=("[mM]ask*", "[lL]abel*", "[aA]nnotation*", "[gG][tT]*",
                   "[gG]round*", "[sS]egmentation*", "*_[mM]ask*", "*_[lL]abel*",
                   "*_[aA]nnotation*", "*_[gG][tT]*"),
        copies=("{copies}/{stem}", "{split}/{copies}/{stem}"),
    ),
    Layout(
        "yolo",
        tuple(Place(images) for images, _ in _YOLO),
        needs=_YOLO,
        landmarks=("labels", "*/labels"),
    ),
    Layout(
        "coco",
        tuple(Place(images) for images in _COCO),
        needs=tuple((images, "annotations/{file}.json") for images in _COCO),
        landmarks=("annotations/*.json",),
    ),
    Layout(
        "class-folders",
        (Place("{label}/{stem}",
               (*_beside("{label}/{stem}"), *_in_mask_folder("{masks}/{label}/{stem}"),
                *_in_mask_folder("{masks}/{stem}"))),),
        needs=(("{good}/{stem}",),),
        landmarks=("[mM]ask*", "[gG]round*"),
        complete=True,
        generic=True,
    ),
    Layout(
        "split-folders",
        (Place("{split}/{stem}",
               (*_beside("{split}/{stem}"), "{split}annot/{stem}",
                *_in_mask_folder("{split}/{masks}/{stem}"),
                *_in_mask_folder("{split}_{masks}/{stem}"))),),
        needs=(("{split}/{stem}",),),
        landmarks=("*_[mM]ask*", "*_[lL]abel*", "*annot"),
        asks=True,
        generic=True,
    ),
    SAME_STEM,
    PLAIN,
)  # fmt: skip
"""All layouts; where one is recognised, no other is."""


def layout_named(name: str) -> Layout:
    """Return a layout by its name or an alias."""
    for layout in LAYOUTS:
        if name in (layout.name, *layout.aliases):
            return layout
    known = [word for layout in LAYOUTS for word in (layout.name, *layout.aliases)]
    raise TilingError(
        f"no layout is called {name!r}{suggest(name, known)}; known are "
        f"{', '.join(known)}; for any other give a mask pattern"
    )
