"""Metrics of anomaly maps are what their plain definitions say."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("skimage")

from skimage import measure

from reftiler import TilingError, evaluation
from reftiler.evaluation import (
    count_found,
    defect_scores,
    image_auroc,
    image_score,
    map_rows,
    rank_pixels,
)

Array = NDArray[Any]


def pair(seed: int, dtype: str = "float32", nan: bool = False) -> tuple[Array, Array]:
    """Return a map with many equal values, and a mask with defects that touch."""
    rng = np.random.default_rng(seed)
    mask = rng.random((23, 31)) < 0.12
    values = rng.integers(0, 40, mask.shape) + 12 * mask
    anomaly_map = values.astype(dtype)
    if nan:
        anomaly_map[rng.random(mask.shape) < 0.1] = np.nan
    return anomaly_map, mask


def plain_auroc(good: Array, bad: Array) -> float:
    wins = (bad[:, None] > good).mean() + (bad[:, None] == good).mean() / 2
    return float(wins)


def plain_aupro(pairs: list[tuple[Array, Array]], limit: float) -> float:
    """Draw the curve threshold by threshold, and add up what lies under it."""
    good = np.concatenate([m[~mask & ~np.isnan(m)] for m, mask in pairs])
    regions = []
    for anomaly_map, mask in pairs:
        labels = measure.label(mask, connectivity=2)
        for number in range(1, labels.max() + 1):
            own = anomaly_map[labels == number]
            regions.append(own[~np.isnan(own)])
    regions = [own for own in regions if own.size]
    points = [(0.0, 0.0)]
    for threshold in np.unique(np.concatenate([good, *regions]))[::-1]:
        overlap = np.mean([(own >= threshold).mean() for own in regions])
        points.append((float((good >= threshold).mean()), float(overlap)))
    area = 0.0
    for (x, y), (x_next, y_next) in itertools.pairwise(points):
        end = min(x_next, limit)
        if end > x:
            y_end = y + (y_next - y) * (end - x) / (x_next - x)
            area += (end - x) * (y + y_end) / 2
    return area / limit


@pytest.mark.parametrize("dtype", ["float32", "uint8", "float64", "float16"])
def test_areas_are_their_plain_definitions(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "BAND", 100)  # several bands an image
    pairs = [pair(seed, dtype, nan=seed > 0 and dtype != "uint8") for seed in range(3)]
    ranking = rank_pixels(*zip(*pairs, strict=True))
    good, bad = (
        np.concatenate([m[(mask == side) & ~np.isnan(m)] for m, mask in pairs])
        for side in (False, True)
    )
    assert (ranking.good, ranking.defective) == (good.size, bad.size)
    assert ranking.left_out == sum(int(np.isnan(m).sum()) for m, _ in pairs)
    assert ranking.auroc() == pytest.approx(plain_auroc(good, bad), abs=1e-12)
    thresholds, false, true = ranking.curve()
    assert thresholds.tolist() == sorted(set(bad.tolist()), reverse=True)
    assert false == pytest.approx([(good >= t).mean() for t in thresholds])
    assert true == pytest.approx([(bad >= t).mean() for t in thresholds])
    for limit in (0.05, 0.3, 1.0):
        plain = plain_aupro(pairs, limit)
        assert ranking.aupro(limit) == pytest.approx(plain, abs=1e-12)


def test_areas_are_those_of_scikit_learn() -> None:
    """Equal values among them."""
    metrics = pytest.importorskip("sklearn.metrics", reason="needs scikit-learn")
    pairs = [pair(seed) for seed in range(3)]
    maps, masks = zip(*pairs, strict=True)
    want = metrics.roc_auc_score(np.stack(masks).ravel(), np.stack(maps).ravel())
    assert rank_pixels(maps, masks).auroc() == pytest.approx(want, abs=1e-12)
    scores, bad = [0.3, 0.3, 0.1, 0.9, 0.5], [True, False, False, True, False]
    want = metrics.roc_auc_score(bad, scores)
    assert image_auroc(scores, bad) == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize("limit", [0.3, 0.05])
def test_aupro_is_that_of_anomalib(limit: float) -> None:
    aupro = pytest.importorskip(
        "anomalib.metrics.aupro", reason="needs anomalib: pip install anomalib==2.7.0"
    )
    torch = pytest.importorskip("torch")
    maps, masks = zip(*(pair(seed) for seed in range(4)), strict=True)
    metric = aupro._AUPRO(fpr_limit=limit)
    metric.update(torch.tensor(np.stack(maps)), torch.tensor(np.stack(masks)).int())
    want = float(metric.compute())
    assert rank_pixels(maps, masks).aupro(limit) == pytest.approx(want, abs=1e-6)


def test_a_threshold_finds_few_enough_good_pixels() -> None:
    pairs = [pair(seed, nan=seed == 1) for seed in range(3)]
    ranking = rank_pixels(*zip(*pairs, strict=True))
    values = np.unique(np.concatenate([values[mask] for values, mask in pairs]))
    for rate in (0.0, 0.013, 0.2, 1.0):
        fitting = [
            value
            for value in values[~np.isnan(values)].tolist()
            if sum(count_found(*one, value)[0] for one in pairs) <= rate * ranking.good
        ]
        assert ranking.threshold(rate) == fitting[0]
    mask = pairs[0][1]
    assert math.isnan(rank_pixels([1.0 - mask], [mask]).threshold(0.5))
    with pytest.raises(TilingError, match="false-positive rate"):
        ranking.threshold(1.5)


def test_perfect_and_constant_maps_and_what_is_undefined() -> None:
    mask = np.zeros((8, 8), dtype=bool)
    mask[2:4, 2:4] = True
    perfect = rank_pixels([mask.astype(float)], [mask])
    assert (perfect.auroc(), perfect.aupro()) == (1.0, 1.0)
    many = np.zeros((64, 64), dtype=bool)
    many[10:14, 20:30] = True
    assert rank_pixels([many.astype(np.float32)], [many]).aupro() == 1.0
    constant = rank_pixels([np.ones((8, 8))], [mask])
    assert constant.auroc() == 0.5
    assert constant.aupro() == pytest.approx(0.15)
    for nothing in (np.zeros_like(mask), np.ones_like(mask), None):
        ranking = rank_pixels([np.ones((8, 8))], [nothing])
        assert math.isnan(ranking.auroc())
        assert math.isnan(ranking.aupro())
    unknown = rank_pixels([np.full((8, 8), np.nan)], [mask])
    assert (unknown.left_out, unknown.regions) == (64, 0)
    for limit in (0, 1.5, math.nan):
        with pytest.raises(TilingError, match="limit"):
            perfect.aupro(limit)


def test_defects_are_hit_by_their_largest_value() -> None:
    anomaly_map, mask = pair(5, nan=True)
    found = defect_scores(anomaly_map, mask)
    plain = []
    for one in measure.regionprops(measure.label(mask, connectivity=2)):
        own = anomaly_map[tuple(one.coords.T)]
        top, left, bottom, right = one.bbox
        peak = math.nan if np.isnan(own).all() else float(np.nanmax(own))
        plain.append(f"{((top, bottom), (left, right))} {int(one.area)} {peak}")
    mine = [
        f"{region.box} {region.area} {float(peak)}"
        for region, peak in zip(found.regions, found.peaks, strict=True)
    ]
    assert sorted(mine) == sorted(plain)
    corners = [(one.box[0][0], one.box[1][0]) for one in found.regions]
    assert corners == sorted(corners)
    np.testing.assert_array_equal(found.hits(30), found.peaks >= 30)
    mask_32, threshold = np.ones((1, 1), dtype=bool), 0.1 + 1e-12
    rounded = np.full((1, 1), threshold, dtype=np.float32)  # it is larger
    assert count_found(rounded, mask_32, threshold) == (0, 1)
    assert count_found(rounded, mask_32, float(rounded[0, 0]) + 1e-12) == (0, 0)
    good, bad = count_found(anomaly_map, mask, 30)
    assert good == (anomaly_map[~mask] >= 30).sum()
    assert bad == (anomaly_map[mask] >= 30).sum()


def test_images_are_scored_by_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "BAND", 100)
    anomaly_map, _ = pair(1, nan=True)
    assert image_score(anomaly_map) == np.nanmax(anomaly_map)
    assert math.isnan(image_score(np.full((4, 4), np.nan)))
    known = np.sort(anomaly_map[~np.isnan(anomaly_map)].astype(float))
    assert image_score(anomaly_map, "mean") == pytest.approx(known.mean())
    count = math.ceil(known.size / 100)
    assert image_score(anomaly_map, "top") == known[-count:].mean()
    for rule in ("mean", "top"):
        assert math.isnan(image_score(np.full((4, 4), np.nan), rule))
    with pytest.raises(TilingError, match="rule must be one of"):
        image_score(anomaly_map, "peak")
    scores = [0.1, 0.4, 0.4, 0.9, math.nan]
    bad = [False, False, True, True, True]
    assert image_auroc(scores, bad) == plain_auroc(
        np.array([0.1, 0.4]), np.array([0.4, 0.9])
    )
    assert math.isnan(image_auroc([1.0], [True]))
    with pytest.raises(TilingError, match="2 scores for 1"):
        image_auroc([1.0, 2.0], [True])


@pytest.mark.parametrize("shape", [(6, 8), (5, 7), (12, 16), (1, 1), (30, 40), (24, 8)])
def test_maps_of_another_resolution(shape: tuple[int, int]) -> None:
    """A pixel's value is that under its centre, or the largest that begins in it."""
    size, draw = (12, 16), np.random.default_rng(0)
    anomaly_map = draw.random(shape)
    whole = map_rows(anomaly_map, size, 0, 12)
    assert whole.shape == size
    for row in range(12):
        for column in range(16):
            spans = []
            for place, count, length in zip((row, column), shape, size, strict=True):
                if count <= length:
                    part = math.floor((place + 0.5) * count / length)
                    spans.append(slice(part, part + 1))
                else:
                    first = math.ceil(place * count / length)
                    spans.append(slice(first, math.ceil((place + 1) * count / length)))
            assert whole[row, column] == anomaly_map[tuple(spans)].max()
    np.testing.assert_array_equal(map_rows(anomaly_map, size, 3, 10), whole[3:10])
