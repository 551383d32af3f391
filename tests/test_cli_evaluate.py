"""``reftiler evaluate``: what it says of maps, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("typer")
pytest.importorskip("skimage")

from reftiler.evaluation import count_found, defect_scores, rank_pixels
from reftiler.io import write_image
from tests.command import done, refused
from tests.folders import write

NAMES = ("good/000", "good/001", "crack/000", "hole/000")
SIZE = 24, 36


def marks(name: str) -> NDArray[np.bool_]:
    mask = np.zeros(SIZE, dtype=bool)
    if name.startswith("crack"):
        mask[3, 4:20] = mask[10:12, 30:33] = True
    elif name.startswith("hole"):
        mask[15:20, 15:20] = True
    return mask


@pytest.fixture(autouse=True)
def dataset(work: Path) -> Path:
    root = Path("part")
    for name in ("train/good/000", *(f"test/{name}" for name in NAMES)):
        write(f"part/{name}.png", np.zeros(SIZE, np.uint8))
    for name in NAMES[2:]:
        write(f"part/ground_truth/{name}_mask.png", marks(name))
    return root


def write_maps(folder: str, seed: int, size: tuple[int, int] = SIZE) -> Path:
    """Write a map of each test image; the larger the seed, the more noise."""
    rng = np.random.default_rng(seed)
    for name in NAMES:
        noise = rng.random(size, dtype=np.float32) * seed
        step = SIZE[0] // size[0]
        write(f"{folder}/test/{name}.npy", noise + marks(name)[::step, ::step])
    return Path(folder)


def figures(line: str) -> dict[str, list[str]]:
    rows = list(csv.reader(io.StringIO(done(f"evaluate {line} --csv"))))
    return {row[0]: row[1:] for row in rows}


def test_the_table_has_the_figures_of_each_set() -> None:
    one, two = write_maps("one", 3), write_maps("two", 1, (12, 18))
    table = figures("one half=two part --fpr 0.02")
    assert table["measure"] == ["one", "half"]
    for place, folder in enumerate((one, two)):
        maps = [np.load(folder / "test" / f"{name}.npy") for name in NAMES]
        masks = [marks(name) for name in NAMES]
        ranking = rank_pixels(maps, masks)
        assert float(table["pixel AUROC"][place]) == ranking.auroc()
        assert float(table["AUPRO, FPR up to 0.3"][place]) == ranking.aupro(0.3)
        assert float(table["AUPRO, FPR up to 0.05"][place]) == ranking.aupro(0.05)
        threshold = float(table["threshold at FPR 0.02"][place])
        pairs = list(zip(maps, masks, strict=True))
        good = sum(count_found(*pair, threshold)[0] for pair in pairs)
        assert good <= 0.02 * ranking.good
        peaks = [peak for pair in pairs for peak in defect_scores(*pair).peaks]
        share = sum(peak >= threshold for peak in peaks) / 3
        assert float(table["defects found at FPR 0.02"][place]) == share
    words = done("evaluate one half=two part")
    assert "4 images, 2 of them with 3 defects" in words
    assert "of 3" in words


def test_every_image_and_defect_for_programs() -> None:
    write_maps("maps", 0)
    (scores,) = json.loads(done("evaluate maps part --json"))["maps"]
    ids = [one["id"] for one in scores["images"]]
    assert ids == sorted(f"test/{name}" for name in NAMES)
    assert [one["defective"] for one in scores["images"]] == [True, False, False, True]
    boxes = [one["box"] for one in scores["defects"]]
    assert boxes == [[[3, 4], [4, 20]], [[10, 12], [30, 33]], [[15, 20], [15, 20]]]
    assert all(one["found"] for one in scores["defects"])
    assert (scores["pixel_auroc"], scores["image_auroc"]) == (1, 1)


def test_the_rule_of_the_image_score_is_named() -> None:
    maps = write_maps("maps", 0)
    peak = np.zeros(SIZE)
    peak[0, 0] = 5
    np.save(maps / "test/good/000.npy", peak)
    table = figures("maps part --image-score top")
    assert float(table["image AUROC, by the mean of the largest 1 % of values"][0]) == 1
    assert float(figures("maps part")["image AUROC, by the largest value"][0]) == 0.5


def test_what_does_not_pair_is_named() -> None:
    maps, other = write_maps("maps", 1), write_maps("other", 1)
    (maps / "test/hole/000.npy").rename(maps / "test/hole/007.npy")
    message = refused(1, "evaluate maps other part")
    assert "no map of 1 of 4 images, test/hole/000" in message
    assert "--skip-missing" in message
    words = done("evaluate maps other part --skip-missing")
    assert "3 images, 1 of them with 2 defects" in words
    assert "left out 1 image without a map" in words
    assert "taken for no map" in words
    assert "hole/007.npy" in words
    write_image(other / "test/hole/000.tif", np.zeros(SIZE, np.float32))
    message = refused(1, "evaluate other part")
    assert "maps of one image, test/hole/000" in message


def test_what_cannot_be_measured_is_said(dataset: Path) -> None:
    write_maps("maps", 1)
    for name in NAMES[:2]:
        (dataset / "test" / f"{name}.png").unlink()
    words = done("evaluate maps part")
    assert "all images have defects: there is no AUROC of images" in words
    assert figures("maps part")["image AUROC, by the largest value"] == [""]
    (scores,) = json.loads(done("evaluate maps part --json"))["maps"]
    assert scores["image_auroc"] is None
    assert scores["pixel_auroc"] > 0.5
    for name in NAMES[2:]:
        write(f"part/ground_truth/{name}_mask.png", np.zeros(SIZE, bool))
    words = done("evaluate maps part")
    assert "no mask marks a pixel: there is no AUROC, no AUPRO and no defect" in words
    table = figures("maps part")
    assert table["pixel AUROC"] == table["AUPRO, FPR up to 0.3"] == [""]


def test_a_map_of_nan_is_named_and_left_out() -> None:
    maps = write_maps("maps", 0)
    for name in ("good/001", "hole/000"):
        np.save(maps / "test" / f"{name}.npy", np.full(SIZE, np.nan))
    words = done("evaluate maps part")
    left = "2 maps with no value but NaN, left out: test/good/001, test/hole/000"
    assert left in words
    assert "1 defect without a value but NaN count as not found" in words
    table = figures("maps part")
    assert float(table["pixel AUROC"][0]) == 1
    assert float(table["defects found at FPR 0.01"][0]) == pytest.approx(2 / 3)


def test_what_is_no_map_of_its_image() -> None:
    path = write_maps("maps", 1) / "test/good/001.npy"
    for wrong, words in (
        (np.zeros((24, 24, 3)), "a map has one number a pixel"),
        (np.zeros((20, 36)), "001.npy is 36 × 20, its image 36 × 24"),
        (np.zeros(SIZE, complex), "picture of real numbers"),
    ):
        np.save(path, wrong)
        assert words in refused(1, "evaluate maps part")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("no part", "there are no maps"),
        ("maps no", "there is no"),
        ("maps inner/maps part", "called maps: name them"),
        ("maps part --image-score median", "score must be one of"),
        ("maps part --fpr 2", "false-positive rate is 0 to 1"),
        ("maps part --aupro-limits 0", "limit is above 0"),
        ("maps part --aupro-limits a", "--aupro-limits must be numbers"),
        ("maps part --json --csv", "give one"),
    ],
)
def test_calls_that_are_wrong(line: str, message: str) -> None:
    write_maps("maps", 1)
    write_maps("inner/maps", 1)
    assert message in refused(2, f"evaluate {line}")


def test_images_of_which_nothing_is_known_are_left_out() -> None:
    for name in "abc":
        write(f"images/{name}.png", np.zeros(SIZE, np.uint8))
        write(f"maps/{name}_map.tif", np.zeros(SIZE, np.float32))
    write("images/a_mask.png", marks("hole"))
    write("images/b_mask.png", marks(""))
    words = done("evaluate maps images")
    assert "2 images, 1 of them with 1 defect" in words
    assert "left out 1 image with no mask and no label" in words
    assert "good: c" in words
