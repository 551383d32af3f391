"""What the files of tiles are called, and where they lie.

The tiles of a data set are laid out as MVTec AD: ``train/good``, ``test/good``,
``test/<label>`` and ``ground_truth/<label>/<name>_mask``. A tile of a defective image
that is not marked is a good one, wherever readers of that layout look. Masks of other
splits, and of tiles that are not marked enough, lie where these readers look for
nothing: anomalib takes a file for one of a split by the second folder above it,
wherever that lies, all in ``ground_truth`` for masks of test images, and what is in no
folder ``good`` for something that has a mask.
"""

import re
import string
from dataclasses import dataclass
from pathlib import PurePosixPath

from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.io import IMAGE_SUFFIXES
from reftiler.io.datasets import GOOD, ImageEntry

FIELDS = ("id", "index", "row", "col", "x", "y")
_TRUTH = "ground_truth"
_UNMARKED = "unmarked"
_MASK = "_mask"
_SPEC = re.compile(r"0?\d{0,2}d?")


def check_pattern(pattern: str) -> None:
    """Refuse a pattern for the names of tiles."""
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError as error:
        raise TilingError(f"name={pattern!r} is no pattern: {error}") from error
    fields = {name for _, name, *_ in parts if name is not None}
    for _, name, spec, conversion in parts:
        if name is None:
            continue
        if name not in FIELDS or conversion:
            known = " ".join(f"{{{field}}}" for field in FIELDS)
            raise TilingError(f"name={pattern!r}: the fields are {known}")
        if not _SPEC.fullmatch(spec or "") or (spec and name == "id"):
            raise TilingError(
                f"name={pattern!r}: a number may be given as {{{name}:04d}}"
            )
    if not ("index" in fields or {"row", "col"} <= fields or {"x", "y"} <= fields):
        raise TilingError(
            f"name={pattern!r} must tell tiles apart: by {{index}}, by {{row}} and "
            "{col}, or by {x} and {y}"
        )
    plain = "".join(literal for literal, *_ in parts)
    if re.search(r"[/\\\0:]", plain) or pattern.startswith("."):
        raise TilingError(
            f"name={pattern!r} must be that of a plain file, without folders"
        )
    suffix = PurePosixPath(pattern).suffix
    if suffix.lower() in IMAGE_SUFFIXES:
        raise TilingError(
            f"name={pattern!r}: leave out {suffix}, which comes from the format"
        )
    if pattern.endswith(_MASK):
        raise TilingError(f"name={pattern!r}: names that end in {_MASK} are masks'")


def default_pattern(count: int) -> str:
    """Return the pattern of an image with so many tiles: their numbers sort as they."""
    return f"{{id}}_{{index:0{max(4, len(str(count - 1)))}d}}"


def tile_label(label: str, marked: int | None, min_marked: int) -> str:
    """Return a tile's label: an unmarked tile of a defective image is good."""
    return GOOD if label and marked is not None and marked < min_marked else label


@dataclass(frozen=True)
class TileNames:
    """The names of the tiles of one image and of its mask."""

    entry: ImageEntry
    grid: Grid
    pattern: str
    suffix: str
    min_marked: int  # from so many marked pixels on
    folder: str = ""  # empty: the tile set's own

    @property
    def in_dataset(self) -> bool:
        """Whether the tiles are laid out by split and label."""
        return bool(self.entry.split or self.entry.label)

    @property
    def _truth(self) -> str:
        """The folder of masks."""
        split = self.entry.split
        return _TRUTH if split in ("", "test") else f"{split}_masks"

    def tile(self, index: int, marked: int | None) -> str:
        """Return the file of a tile."""
        label = tile_label(self.entry.label, marked, self.min_marked)
        name = self._name(index, marked) + self.suffix
        return _joined(self.folder, self.entry.split, label, name)

    def mask(self, index: int, marked: int, *, is_zero: bool) -> str | None:
        """Return the file of a mask's tile; None if a data set does without it."""
        label = self.entry.label
        name = f"{self._name(index, marked)}{_MASK}{self.suffix}"
        if not self.in_dataset:
            return name
        if is_zero:
            return None
        if marked < self.min_marked:
            # No reader of the layout is to take it for truth, and nothing is lost.
            found = tile_label(label, marked, self.min_marked)
            folder = "_".join(filter(None, (self.entry.split, _UNMARKED)))
            return _joined(folder, found, name)
        return _joined(self._truth, label, name)

    def arrays(self) -> tuple[str, str]:
        """Return the arrays of all tiles and of all their masks."""
        mask = self.entry.name + _MASK
        if self.in_dataset:
            mask = _joined(self._truth, self.entry.label, mask)
        return self.entry.id + self.suffix, mask + self.suffix

    def _name(self, index: int, marked: int | None) -> str:
        label = self.entry.label
        folder, _, stem = self.entry.name.rpartition("/")
        if tile_label(label, marked, self.min_marked) != label:
            stem = f"{stem}_{label}"  # beside the images that are good as a whole
        (y, _), (x, _) = self.grid.boxes[index].tolist()
        place = {"index": index, "x": x, "y": y}
        if not self.grid.is_irregular:
            place["row"], place["col"] = self.grid.geometry.unravel(index)
        return _joined(folder, self.pattern.format(id=stem, **place))


def _joined(*parts: str) -> str:
    return "/".join(filter(None, parts))
