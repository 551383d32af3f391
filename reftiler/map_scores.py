"""How well sets of anomaly maps find the defects of a data set, side by side.

For example::

    found = evaluate(find_images("brick"), {"tiled": Path("maps/tiled")})
    found.maps[0].pixel_auroc

All sets are evaluated on the same images, so that their figures can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import reftiler
from reftiler.errors import TilingError
from reftiler.evaluation import (
    SCORES,
    PixelRanking,
    defect_scores,
    image_auroc,
    image_score,
)
from reftiler.io import Mask, open_image, open_mask
from reftiler.io.datasets import GOOD, ImageEntry
from reftiler.io.map_files import check_map_size, match_maps, open_map
from reftiler.validation import count_of, first_few, one_of

__all__ = [
    "DefectResult",
    "Evaluation",
    "EvaluationOptions",
    "ImageResult",
    "MapScores",
    "evaluate",
]

Size = tuple[int, int]

_ROWS = 4096  # of a mask that are looked at together


@dataclass(frozen=True)
class EvaluationOptions:
    """
    What is measured.

    Attributes
    ----------
    limits : tuple of float
        Shares of good pixels up to which AUPRO is taken.
    rate : float
        The share of good pixels that may be found where defects are counted.
    score : str
        How an image gets its score: one of `reftiler.evaluation.SCORES`.
    mask_threshold : float, optional
        As for `reftiler.io.open_mask`.
    skip_missing : bool
        Whether images that lack a map in some set are left out of all sets.
    """

    limits: tuple[float, ...] = (0.3, 0.05)
    rate: float = 0.01
    score: str = "max"
    mask_threshold: float | None = None
    skip_missing: bool = False

    def __post_init__(self) -> None:
        one_of(self.score, "score", tuple(SCORES))
        for limit in self.limits:
            if not 0 < limit <= 1:
                raise TilingError(f"an AUPRO limit is above 0, up to 1, got {limit}")
        if not 0 <= self.rate <= 1:
            raise TilingError(f"a false-positive rate is 0 to 1, got {self.rate}")


@dataclass(frozen=True)
class ImageResult:
    """
    An image and its score.

    Attributes
    ----------
    id : str
        The image's.
    label : str
        As its data set has it.
    defective : bool
        Whether its mask marks a pixel.
    score : float
        NaN if its map holds nothing else.
    """

    id: str
    label: str
    defective: bool
    score: float


@dataclass(frozen=True)
class DefectResult:
    """
    A defect and how it stands out.

    Attributes
    ----------
    image, label : str
        The id and the label of its image.
    box : pair of pairs of int
        Its rows and columns, ends not included.
    area : int
        Its pixels.
    peak : float
        The largest value of the map in it; NaN if there is no other.
    found : bool
        Whether that is at least the threshold.
    """

    image: str
    label: str
    box: tuple[Size, Size]
    area: int
    peak: float
    found: bool


@dataclass(frozen=True)
class MapScores:
    """
    How well one set of maps finds the defects.

    Attributes
    ----------
    name : str
        Of the set.
    folder : Path
        Where its maps lie.
    pixel_auroc, image_auroc : float
        NaN where only one class is there.
    aupro : tuple of float
        To each of the limits.
    threshold : float
        The least value at which few enough good pixels are found; NaN if none is.
    images : tuple of ImageResult
        In the order of the data set.
    defects : tuple of DefectResult
        Those of all images.
    unknown : int
        Pixels of the images whose value is NaN: they are left out.
    """

    name: str
    folder: Path
    pixel_auroc: float
    image_auroc: float
    aupro: tuple[float, ...]
    threshold: float
    images: tuple[ImageResult, ...]
    defects: tuple[DefectResult, ...]
    unknown: int

    def found(self, label: str | None = None) -> tuple[int, int]:
        """Count the defects of a label, or all: those found, and those there are."""
        own = [one for one in self.defects if label in (None, one.label)]
        return sum(one.found for one in own), len(own)


@dataclass(frozen=True)
class Evaluation:
    """
    Sets of maps, evaluated on the same images.

    Attributes
    ----------
    maps : tuple of MapScores
        One for each set.
    options : EvaluationOptions
        What was measured.
    notes : tuple of str
        What was left out, and what cannot be said.
    """

    maps: tuple[MapScores, ...]
    options: EvaluationOptions
    notes: tuple[str, ...]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels of images with defects, in order."""
        return tuple(sorted({one.label for one in self.maps[0].defects}))

    def to_dict(self) -> dict[str, Any]:
        """Return all figures for JSON; None is a figure that is not defined."""
        options = self.options
        return {
            "reftiler_version": reftiler.__version__,
            "aupro_limits": list(options.limits),
            "false_positive_rate": options.rate,
            "image_score": SCORES[options.score],
            "notes": list(self.notes),
            "maps": [_scores_dict(one, options.limits) for one in self.maps],
        }


def _scores_dict(scores: MapScores, limits: Sequence[float]) -> dict[str, Any]:
    areas = zip(limits, scores.aupro, strict=True)
    return {
        "name": scores.name,
        "folder": str(scores.folder),
        "pixel_auroc": _real(scores.pixel_auroc),
        "aupro": {f"{limit:g}": _real(area) for limit, area in areas},
        "image_auroc": _real(scores.image_auroc),
        "threshold": _real(scores.threshold),
        "defects_found": scores.found()[0],
        "defects_count": scores.found()[1],
        "unknown_pixels": scores.unknown,
        "images": [{**vars(one), "score": _real(one.score)} for one in scores.images],
        "defects": [{**vars(one), "peak": _real(one.peak)} for one in scores.defects],
    }


def _real(value: float) -> float | str | None:
    """Return a number as JSON has it."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)


Advance = Callable[[], object]
"""What is called for each map that is read, twice a map."""


def evaluate(
    entries: Iterable[ImageEntry],
    maps: Mapping[str, Path],
    options: EvaluationOptions | None = None,
    advance: Advance = lambda: None,
) -> Evaluation:
    """
    Evaluate sets of anomaly maps on the images of a data set.

    Of a data set with a test split only that is evaluated. An image without a mask
    counts as good if its label says so, and is left out otherwise.

    Parameters
    ----------
    entries : iterable of ImageEntry
        As `reftiler.io.datasets.find_images` finds them.
    maps : dict of str to Path
        The folder of each set of maps, by its name. A map belongs to an image by its
        path, see `reftiler.io.map_files.match_maps`.
    options : EvaluationOptions, optional
        What is measured.
    advance : callable
        Called twice for each map.

    Returns
    -------
    Evaluation

    Raises
    ------
    TilingError
        No image can be evaluated; images have no map, or several; a file cannot be
        read, or is no map of its image. The files are named.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from reftiler.io.datasets import find_images
    >>> from reftiler.samples import write_dataset
    >>> folder = Path(tempfile.mkdtemp())
    >>> found = write_dataset(folder / "brick", max_good=1)
    >>> for entry in found[6:]:  # a map that knows
    ...     path = folder / "maps" / f"{entry.id}.npy"
    ...     path.parent.mkdir(parents=True, exist_ok=True)
    ...     mask = open_mask(entry.masks)[:] if entry.masks else np.zeros((4, 4))
    ...     np.save(path, mask.astype(float))
    >>> (scores,) = evaluate(found, {"perfect": folder / "maps"}).maps
    >>> scores.pixel_auroc, scores.aupro, scores.found()
    (1.0, (1.0, 1.0), (11, 11))
    """
    options = options or EvaluationOptions()
    if not maps:
        raise TilingError("there are no maps to evaluate: give a folder of them")
    entries = list(entries)
    used, notes = _usable(entries)
    paths = {}
    for name, folder in maps.items():
        paths[name], said = _paired(entries, used, folder)
        notes += said
    used = _with_maps(used, paths, maps, notes, skip=options.skip_missing)
    images = [_Image.open(entry, options.mask_threshold) for entry in used]
    notes += _class_notes(images)
    scores = []
    for name, folder in maps.items():
        own = [paths[name][image.entry] for image in images]
        scores.append(_score(name, folder, images, own, options, advance))
        notes += _unknown_notes(scores[-1])
    return Evaluation(tuple(scores), options, tuple(notes))


def _usable(entries: Sequence[ImageEntry]) -> tuple[list[ImageEntry], list[str]]:
    """Return the images to be evaluated, and what is said of the others."""
    test = [entry for entry in entries if entry.split == "test"]
    others = len(entries) - len(test)
    notes = []
    if test and others:
        notes.append(f"took the test images; {others} of other splits take no part")
    chosen = test or entries
    used = [entry for entry in chosen if entry.masks or entry.label == GOOD]
    rest = [entry.id for entry in chosen if entry not in used]
    why = "no mask and no label that says that they are good"
    if not used:
        raise TilingError(
            f"no image can be evaluated: {first_few(rest)} have {why}"
            if rest
            else "there are no images to evaluate"
        )
    if rest:
        notes.append(
            f"left out {count_of(rest, 'image')} with {why}: {first_few(rest)}"
        )
    return used, notes


def _paired(
    entries: Sequence[ImageEntry], used: Sequence[ImageEntry], folder: Path
) -> tuple[dict[ImageEntry, Path], list[str]]:
    """Return the map of each image, and what is said of files that are none."""
    names, files = [one.id for one in entries], [one.image for one in entries]
    found, notes = match_maps(names, files, folder)
    several = {entries[k]: own for k, own in found.items() if len(own) > 1}
    for entry in used:
        if entry in several:
            raise TilingError(
                f"{first_few(several[entry])} are maps of one image, {entry.id}: keep "
                "one of them"
            )
    return {entries[k]: own[0] for k, own in found.items()}, notes


def _with_maps(
    used: list[ImageEntry],
    paths: Mapping[str, Mapping[ImageEntry, Path]],
    maps: Mapping[str, Path],
    notes: list[str],
    *,
    skip: bool,
) -> list[ImageEntry]:
    """Return the images that have a map in each set; refuse others, or leave out."""
    for name, own in paths.items():
        lacking = [entry.id for entry in used if entry not in own]
        if lacking and not skip:
            raise TilingError(
                f"{maps[name]} has no map of {len(lacking):,} of {len(used):,} images, "
                f"{first_few(lacking)}: name each as its image, {lacking[0]}.npy or "
                ".tif …, or leave these images out of all sets (--skip-missing)"
            )
        if lacking:
            notes.append(
                f"left out {count_of(lacking, 'image')} without a map in {maps[name]}: "
                f"{first_few(lacking)}"
            )
    kept = [entry for entry in used if all(entry in own for own in paths.values())]
    if not kept:
        raise TilingError("no image has a map in each set: there is nothing to compare")
    return kept


@dataclass(frozen=True)
class _Image:
    """An image that is evaluated: its size, and whether its mask marks a pixel."""

    entry: ImageEntry
    size: Size
    defective: bool
    mask_threshold: float | None

    @classmethod
    def open(cls, entry: ImageEntry, threshold: float | None) -> _Image:
        height, width = open_image(entry.image).shape[:2]
        found = cls(entry, (height, width), bool(entry.masks), threshold)
        mask = found.mask()
        if mask is None:
            return found
        if mask.shape != found.size:
            raise TilingError(
                f"{first_few(entry.masks)} is {mask.shape}, its image {found.size}: a "
                "mask must have its image's size"
            )
        marks = any(mask[top : top + _ROWS].any() for top in range(0, height, _ROWS))
        return replace(found, defective=marks)

    def mask(self) -> Mask | None:
        """Open the mask; None where no pixel is defective."""
        if not self.defective:
            return None
        return open_mask(self.entry.masks, threshold=self.mask_threshold)

    def map(self, path: Path) -> Any:
        """Open a map of the image."""
        found = open_map(path)
        check_map_size(found.shape, self.size, str(path))
        return found


def _class_notes(images: Sequence[_Image]) -> list[str]:
    """Say what is not defined because of two classes only one is there."""
    defective = [image for image in images if image.defective]
    if not defective:
        return ["no mask marks a pixel: there is no AUROC, no AUPRO and no defect"]
    if len(defective) == len(images):
        return ["all images have defects: there is no AUROC of images"]
    return []


def _score(
    name: str,
    folder: Path,
    images: Sequence[_Image],
    paths: Sequence[Path],
    options: EvaluationOptions,
    advance: Advance,
) -> MapScores:
    """Rank the pixels of a set, whose maps are read twice, one at a time."""
    defects, scores = [], []
    for image, path in zip(images, paths, strict=True):
        found = image.map(path)
        scores.append(image_score(found, options.score))
        mask = image.mask()
        if mask is not None:
            defects.append((image, defect_scores(found, mask)))
        advance()
    ranking = PixelRanking(own for _, own in defects)
    for image, path in zip(images, paths, strict=True):
        ranking.add(image.map(path), image.mask(), image.size)
        advance()
    threshold = ranking.threshold(options.rate)
    marked = [image.defective for image in images]
    return MapScores(
        name,
        folder,
        ranking.auroc(),
        image_auroc(scores, marked),
        tuple(ranking.aupro(limit) for limit in options.limits),
        threshold,
        tuple(
            ImageResult(image.entry.id, image.entry.label, bad, score)
            for image, bad, score in zip(images, marked, scores, strict=True)
        ),
        tuple(
            DefectResult(
                image.entry.id,
                image.entry.label,
                region.box,
                region.area,
                float(peak),
                bool(peak >= threshold),
            )
            for image, own in defects
            for region, peak in zip(own.regions, own.peaks, strict=True)
        ),
        ranking.left_out,
    )


def _unknown_notes(scores: MapScores) -> list[str]:
    """Say which maps are NaN, in part or as a whole."""
    notes = []
    empty = [one.id for one in scores.images if math.isnan(one.score)]
    if empty:
        notes.append(
            f"{scores.name}: {count_of(empty, 'map')} with no value but NaN, left out: "
            f"{first_few(empty)}"
        )
    elif scores.unknown:
        notes.append(f"{scores.name}: left out {scores.unknown:,} pixels that are NaN")
    lost = sum(math.isnan(one.peak) for one in scores.defects)
    if lost:
        notes.append(
            f"{scores.name}: {count_of(range(lost), 'defect')} without a value but NaN "
            "count as not found"
        )
    return notes
