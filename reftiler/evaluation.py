"""How well anomaly maps find the defects of masks: AUROC, AUPRO, hits, false positives.

An anomaly map holds one number a pixel; a pixel is *found* at a threshold if its value
is at least that. Pixels whose value is NaN are left out and counted. Everything is
exact, no value is binned: the area under a curve depends on the values of good pixels
only by how many lie below each value of a defective one. So a set is ranked in two
passes, first over its defects, then over its good pixels, and the memory that it takes
grows with the number of defective pixels alone::

    defects = [defect_scores(anomaly_map, mask) for anomaly_map, mask in pairs]
    ranking = PixelRanking(defects)
    for anomaly_map, mask in pairs:
        ranking.add(anomaly_map, mask)
    ranking.auroc(), ranking.aupro(0.3)

Maps and masks are arrays, or anything with a shape that gives arrays for slices of
rows, such as a mapped file. A map may have another resolution than its mask, see
`map_rows`. An image takes the time to sort its pixels, in bands of `BAND`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.regions import Region, label_regions
from reftiler.validation import one_of

__all__ = [
    "SCORES",
    "DefectScores",
    "PixelRanking",
    "count_found",
    "defect_scores",
    "find_pixels",
    "image_auroc",
    "image_score",
    "map_rows",
    "rank_pixels",
]

Array: TypeAlias = NDArray[Any]
Size: TypeAlias = tuple[int, int]

BAND = 2**23
"""Pixels of an image that are sorted at a time."""


def map_rows(anomaly_map: Any, size: Size, top: int, bottom: int) -> Array:
    """
    Return rows of a map at the resolution of its image.

    Along each axis a map of ``n`` pixels divides an image of ``N`` into ``n`` equal
    parts. Where it is coarser, a pixel of the image has the value of the part that its
    centre lies in; where it is finer, the largest value of the parts that begin in it.

    Parameters
    ----------
    anomaly_map : array-like, shape (h, w)
        The map; it is read by a slice of rows.
    size : pair of int
        The image's height and width.
    top, bottom : int
        The first row of the image, and one past the last.

    Returns
    -------
    ndarray, shape (bottom - top, size[1])
    """
    height, width = anomaly_map.shape
    if (height, width) == size:
        return np.asarray(anomaly_map[top:bottom])
    rows, columns = _parts(height, size[0]), _parts(width, size[1])
    first = int(rows[top])
    last = int(rows[bottom - 1]) + 1 if height <= size[0] else int(rows[bottom])
    part = np.asarray(anomaly_map[first:last])
    for axis, starts, finer in (
        (0, rows[top:bottom] - first, height > size[0]),
        (1, columns[: size[1]], width > size[1]),
    ):
        if finer:
            part = np.fmax.reduceat(part, starts, axis)
        else:
            part = part.take(starts, axis)
    return part


def _parts(count: int, length: int) -> NDArray[np.int64]:
    """Return the part at each pixel of an axis, or where its parts begin and end."""
    if count <= length:
        return (2 * np.arange(length) + 1) * count // (2 * length)
    return -(-np.arange(length + 1) * count // length)


SCORES = {
    "max": "largest value",
    "mean": "mean of all values",
    "top": "mean of the largest 1 % of values",
}
"""The rules by which an image gets its score from its map."""


def image_score(anomaly_map: Any, rule: str = "max") -> float:
    """
    Return the score of an image from its map.

    Parameters
    ----------
    anomaly_map : array-like, shape (h, w)
        Real numbers; NaN pixels are left out.
    rule : str
        One of `SCORES`. The largest 1 % are at least one pixel.

    Returns
    -------
    float
        NaN if there is no pixel but NaN.
    """
    one_of(rule, "rule", tuple(SCORES))
    height, width = anomaly_map.shape
    most = 1 if rule == "max" else max(1, -(-height * width // 100))
    kept, total, count = np.empty(0), 0.0, 0
    for top, bottom in _bands(anomaly_map.shape):
        values = np.asarray(anomaly_map[top:bottom]).ravel()
        values = values[~np.isnan(values)].astype(np.float64)
        total, count = total + float(values.sum()), count + values.size
        kept = np.concatenate([kept, values])
        kept = np.partition(kept, kept.size - min(most, kept.size))[-most:]
    if not count:
        return math.nan
    if rule == "mean":
        return total / count
    most = 1 if rule == "max" else max(1, -(-count // 100))
    return float(np.sort(kept)[-most:].mean())


def image_auroc(scores: Iterable[float], defective: Iterable[bool]) -> float:
    """
    Return the share of pairs of a defective and a good image that are ranked rightly.

    Parameters
    ----------
    scores : sequence of float
        One for each image, as `image_score` gives it. NaN scores are left out.
    defective : sequence of bool
        Whether each image has a defect.

    Returns
    -------
    float
        Pairs of equal scores count half; NaN if there is no such pair.
    """
    values = np.asarray(list(scores), dtype=np.float64)
    bad = np.asarray(list(defective), dtype=bool)
    if values.shape != bad.shape:
        raise TilingError(f"{values.size} scores for {bad.size} images: give one each")
    known = ~np.isnan(values)
    good, worse = np.sort(values[known & ~bad]), values[known & bad]
    right = np.searchsorted(good, worse, "left").sum()
    equal = np.searchsorted(good, worse, "right").sum() - right
    pairs = good.size * worse.size
    return float((right + equal / 2) / pairs) if pairs else math.nan


@dataclass(frozen=True, eq=False)
class DefectScores:
    """
    The values of a map at the defects of one image.

    Attributes
    ----------
    regions : tuple of Region
        The defects, from top to bottom, then from left to right.
    values : tuple of ndarray
        The values of each defect's pixels without NaN.
    left_out : int
        Defective pixels whose value is NaN.
    """

    regions: tuple[Region, ...]
    values: tuple[Array, ...]
    left_out: int

    @cached_property
    def peaks(self) -> NDArray[np.float64]:
        """The largest value of each defect, shape (n,); NaN where it has none."""
        found = [one.max() if one.size else math.nan for one in self.values]
        return np.array(found, dtype=np.float64)

    def hits(self, threshold: float) -> NDArray[np.bool_]:
        """Say which defects are hit: have a pixel that is found, shape (n,)."""
        return np.asarray(self.peaks >= threshold)


def defect_scores(anomaly_map: Any, mask: Any) -> DefectScores:
    """
    Take the values of a map at the defects of a mask.

    Parameters
    ----------
    anomaly_map : array-like, shape (h, w)
        Real numbers.
    mask : array-like, shape (H, W)
        What is not zero is defective. Marked pixels that touch, corners included, are
        one defect.
    """
    found = []
    height, width = mask.shape
    for (top, bottom), (left, right) in _zones(mask):
        marked = np.asarray(mask[top:bottom])[:, left:right] != 0
        values = map_rows(anomaly_map, (height, width), top, bottom)[:, left:right]
        for region, number, labels in label_regions(marked):
            (first, last), (start, stop) = region.box
            inside = labels[first:last, start:stop] == number
            own = values[first:last, start:stop][inside]
            box = (top + first, top + last), (left + start, left + stop)
            found.append((Region(box, region.area), own[~np.isnan(own)]))
    found.sort(key=lambda pair: (pair[0].box[0][0], pair[0].box[1][0]))
    regions, kept = tuple(one for one, _ in found), tuple(own for _, own in found)
    area = sum(region.area for region in regions)
    return DefectScores(regions, kept, area - sum(own.size for own in kept))


def _zones(mask: Any) -> Iterator[tuple[Size, Size]]:
    """Yield boxes with all marked pixels: labels need no more memory than defects."""
    marked = np.zeros(mask.shape[0], dtype=bool)
    for top, bottom in _bands(mask.shape):
        marked[top:bottom] = np.asarray(mask[top:bottom]).any(axis=1)
    for top, bottom in _runs(marked):
        for columns in _runs((np.asarray(mask[top:bottom]) != 0).any(axis=0)):
            yield (top, bottom), columns


def _runs(marked: NDArray[np.bool_]) -> list[Size]:
    """Return first and one past last of each run of True."""
    edges = np.diff(marked.astype(np.int8), prepend=0, append=0)
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


class PixelRanking:
    """
    How the values of good pixels lie among those of defective ones.

    Parameters
    ----------
    defects : iterable of DefectScores
        Those of all images of the set.

    Attributes
    ----------
    defective, good : int
        Pixels that take part.
    regions : int
        Defects that do: those with a value that is not NaN.
    left_out : int
        Pixels whose value is NaN.
    """

    def __init__(self, defects: Iterable[DefectScores]) -> None:
        defects = list(defects)
        values = [own for one in defects for own in one.values if own.size]
        self.left_out = sum(one.left_out for one in defects)
        self.regions, self.good = len(values), 0
        self.defective = sum(own.size for own in values)
        whole = np.concatenate(values) if values else np.empty(0)
        shares = [np.full(own.size, 1 / own.size / len(values)) for own in values]
        self._values, places = np.unique(whole, return_inverse=True)
        count = self._values.size
        self._counts = np.bincount(places, minlength=count)
        weights = np.concatenate(shares) if shares else np.empty(0)
        self._overlap = np.bincount(places, weights, minlength=count)
        self._below = np.zeros(count, dtype=np.int64)
        self._upto = np.zeros(count, dtype=np.int64)

    def add(self, anomaly_map: Any, mask: Any, size: Size | None = None) -> None:
        """
        Rank the good pixels of an image.

        Parameters
        ----------
        anomaly_map : array-like, shape (h, w)
            Real numbers.
        mask : array-like, shape (H, W), or None
            What is not zero is defective; None for an image without defects.
        size : pair of int, optional
            Of the image, where there is no mask; by default the map's.
        """
        size = mask.shape if mask is not None else size or anomaly_map.shape
        for top, bottom in _bands(size):
            self.add_rows(anomaly_map, mask, size, top, bottom)

    def add_rows(
        self, anomaly_map: Any, mask: Any, size: Size, top: int, bottom: int
    ) -> None:
        """Rank the good pixels of some rows of an image; `add` is all of its rows."""
        values = map_rows(anomaly_map, size, top, bottom)
        if mask is not None:
            values = values[np.asarray(mask[top:bottom]) == 0]
        values = np.sort(values, axis=None)  # NaN comes last
        unknown = int(np.isnan(values).sum())
        values = values[: values.size - unknown]
        self.left_out += unknown
        self.good += values.size
        self._below += np.searchsorted(values, self._values, "left")
        self._upto += np.searchsorted(values, self._values, "right")

    def curve(self) -> tuple[Array, Array, Array]:
        """
        Return the ROC curve of all pixels.

        Returns
        -------
        thresholds : ndarray
            The values of defective pixels, from the largest down.
        good, defective : ndarray of float64
            The shares of good and of defective pixels that are found at each.
        """
        with np.errstate(invalid="ignore"):  # NaN without good pixels
            good = 1 - self._below / np.float64(self.good)
        defective = np.cumsum(self._counts[::-1]) / max(1, self.defective)
        return self._values[::-1], good[::-1], defective

    def threshold(self, rate: float) -> float:
        """
        Return the least threshold at which few enough good pixels are found.

        Defects whose largest value is at least that are hit at a false-positive rate
        of ``rate``, and no others.

        Parameters
        ----------
        rate : float
            The largest share of good pixels that may be found, 0 to 1.

        Returns
        -------
        float
            A value of a defective pixel; NaN if more are found at each of these, or
            if there are no good pixels.
        """
        if not 0 <= rate <= 1:
            raise TilingError(f"a false-positive rate is 0 to 1, got {rate}")
        thresholds, good, _ = self.curve()
        fitting = thresholds[good <= rate]
        return float(fitting[-1]) if fitting.size else math.nan

    def auroc(self) -> float:
        """
        Return the area under the ROC curve of all pixels.

        It is the share of pairs of a defective and a good pixel of which the defective
        one has the larger value; pairs of equal values count half. NaN if there is no
        such pair.
        """
        pairs = float(self.defective) * self.good
        right = (self._below + self._upto) / 2 @ self._counts.astype(np.float64)
        return float(right / pairs) if pairs else math.nan

    def aupro(self, limit: float = 0.3) -> float:
        """
        Return the area under the per-region overlap curve up to a limit.

        Over the share of good pixels that are found, the curve has the share of each
        defect's pixels that are found, averaged over defects; equal values are joined
        by a straight line.

        Parameters
        ----------
        limit : float
            The share of good pixels up to which the area is taken, above 0, up to 1.

        Returns
        -------
        float
            The area divided by ``limit``, 0 to 1; NaN without defective or good pixels.
        """
        if not 0 < limit <= 1:
            raise TilingError(f"the limit lies above 0 and is at most 1, got {limit}")
        if not (self.defective and self.good):
            return math.nan
        overlap = np.cumsum(self._overlap[::-1])
        false = np.stack([self._upto, self._below], axis=1)[::-1]  # down from the top
        x = np.concatenate([[0.0], 1 - false.ravel() / self.good, [1.0]])
        y = np.concatenate([[0.0, 0.0], overlap.repeat(2)])
        inside = int(np.searchsorted(x, limit, "right"))
        share = y[inside - 1]
        if inside < x.size:
            step = (limit - x[inside - 1]) / (x[inside] - x[inside - 1])
            share += step * (y[inside] - y[inside - 1])
        x, y = np.append(x[:inside], limit), np.append(y[:inside], share)
        area = float(np.diff(x) @ (y[1:] + y[:-1]) / 2 / limit)
        return min(area, 1.0)  # the sum may round above


def rank_pixels(maps: Iterable[Any], masks: Iterable[Any]) -> PixelRanking:
    """
    Rank the pixels of a set that fits into memory.

    Parameters
    ----------
    maps : sequence of array-like, shape (h, w)
        Real numbers.
    masks : sequence of array-like, shape (H, W), or None
        One for each map; None for an image without defects.
    """
    pairs = list(zip(maps, masks, strict=True))
    ranking = PixelRanking(
        defect_scores(*pair) for pair in pairs if pair[1] is not None
    )
    for anomaly_map, mask in pairs:
        ranking.add(anomaly_map, mask)
    return ranking


def find_pixels(values: Array, threshold: float) -> NDArray[np.bool_]:
    """Say which values are at least a threshold, exactly: it is not rounded to them."""
    if values.dtype.kind != "f":
        return np.asarray(values >= threshold)
    with np.errstate(over="ignore"):
        least = values.dtype.type(threshold)
    if float(least) < threshold:
        least = np.nextafter(least, values.dtype.type(np.inf))
    return np.asarray(values >= least)


def count_found(anomaly_map: Any, mask: Any, threshold: float) -> tuple[int, int]:
    """
    Count the good and the defective pixels that are found at a threshold.

    Divided by the number of good pixels, the first is the false positive rate.

    Parameters
    ----------
    anomaly_map : array-like, shape (h, w)
        Real numbers; NaN is never found.
    mask : array-like, shape (H, W)
        What is not zero is defective.
    threshold : float
        The least value that is found.

    Returns
    -------
    good, defective : int
    """
    total = true = 0
    for top, bottom in _bands(mask.shape):
        rows = map_rows(anomaly_map, mask.shape, top, bottom)
        found = find_pixels(rows, threshold)
        marked = np.asarray(mask[top:bottom]) != 0
        total += int(np.count_nonzero(found))
        true += int(np.count_nonzero(found & marked))
    return total - true, true


def _bands(size: tuple[int, ...]) -> Iterator[Size]:
    """Yield first and one past last row of bands of at most `BAND` pixels."""
    step = max(1, BAND // max(1, size[1]))
    for top in range(0, size[0], step):
        yield top, min(top + step, size[0])
