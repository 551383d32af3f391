"""The bundled sample: the same pixels everywhere, masks exact, sizes as told."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("skimage")

from reftiler import TilingError
from reftiler.io.datasets import find_images, load_pair
from reftiler.samples import (
    CONTENTS,
    SIDE,
    TEXTURES,
    SampleImage,
    sample,
    samples,
    write_dataset,
)
from reftiler_conformance.compare import same_bits

EVERYTHING = [
    (texture, split, label, index)
    for texture in TEXTURES
    for split, counts in CONTENTS.items()
    for label, count in counts.items()
    for index in range(count)
]


@pytest.mark.long
@pytest.mark.parametrize("texture", TEXTURES)
def test_masks_are_exact_and_boxes_tight(
    made: dict[str, list[SampleImage]], texture: str
) -> None:
    for one in made[texture]:
        assert one.image.dtype == one.clean.dtype == np.uint8
        assert one.image.shape == one.mask.shape == (SIDE, SIDE)
        same_bits(one.image != one.clean, one.mask)
        assert one.mask.any() == bool(one.defects)
        assert one.clean.std() > 10
        rest = one.mask.copy()
        for defect in one.defects:
            rows, columns = (slice(*side) for side in defect.box)
            part = one.mask[rows, columns]
            edges = (part[0], part[-1], part.T[0], part.T[-1])
            assert all(edge.any() for edge in edges)
            rest[rows, columns] = False
            if defect.kind == "scratch":
                along = int(np.argmax(part.shape))
                assert (part.sum(axis=1 - along) == defect.size).all()
            else:
                assert min(part.shape) == defect.size
        assert not rest.any()


def test_sizes_run_from_2_to_40_pixels(made: dict[str, list[SampleImage]]) -> None:
    for texture in TEXTURES:
        defects = [defect for one in made[texture] for defect in one.defects]
        sides = {
            (defect.box[0][1] - defect.box[0][0], defect.box[1][1] - defect.box[1][0])
            for defect in defects
        }
        assert {(2, 2), (12, 9), (40, 40)} <= sides
        assert min(map(min, sides)) == 2
        assert max(map(max, sides)) == 40
        assert 3 in {defect.size for defect in defects if defect.kind == "scratch"}


def test_good_images_differ(made: dict[str, list[SampleImage]]) -> None:
    clean = [one.clean.tobytes() for texture in TEXTURES for one in made[texture]]
    assert len(set(clean)) == len(clean) == len(EVERYTHING)


def test_pixels_are_the_same_everywhere(made: dict[str, list[SampleImage]]) -> None:
    """Those of version 1.0 too, which had two good test images."""
    later = {f"test/good/{index:03d}" for index in range(2, 20)}
    digests = []
    for texture in TEXTURES:
        digest = hashlib.sha256()
        every, first = digest, digest.copy()
        for one in made[texture]:
            content = one.path.encode() + one.image.tobytes() + one.mask.tobytes()
            every.update(content)
            if one.path not in later:
                first.update(content)
        digests.append((every.hexdigest(), first.hexdigest()))
    assert digests == [
        (
            "f36e2ab6a0e0a9a75f3969188a8cd6b2b4c9fb0babaab1c1adba42d76072756d",
            "72613061fa7b7b7970e4a02fe8a3c97bcc2a94efe0596bdf2d144b60bead167d",
        ),
        (
            "ff61465592dfbe402099bed8cd4bd973ee84fccc0b4ff9478c025a44f4c90d80",
            "6b4f12430bd9601016990b96acaf39d2a163ff6c9ef69873916cfaf86eab1acd",
        ),
        (
            "ac295faa8e865de7bb4e4e7932e68fbc2f5893b74aee32635c521090abaac56c",
            "34122b584df648a8956c8676c5a02d9b602da2d43541d8a4e03a3b2932154325",
        ),
    ]


def test_one_image_is_made_like_all(made: dict[str, list[SampleImage]]) -> None:
    one = sample("gravel", "dent", 1)
    (same,) = [other for other in made["gravel"] if other.path == "test/dent/001"]
    same_bits(one.image, same.image)
    same_bits(one.mask, same.mask)
    assert one.defects == same.defects
    one.image[:] = 0
    assert sample("gravel", "dent", 1).image.any()


@pytest.mark.long
def test_a_data_set_on_disk(tmp_path: Path, made: dict[str, list[SampleImage]]) -> None:
    written = write_dataset(tmp_path / "brick")
    assert written == find_images(tmp_path / "brick")
    assert [one.id for one in written] == [one.path for one in made["brick"]]
    for found, one in zip(written, made["brick"], strict=True):
        image, mask = load_pair(found)
        same_bits(image, one.image)
        assert (mask is None) == (not one.defects)
        if mask is not None:
            same_bits(mask, one.mask)
    names = {path.parent.name for path in (tmp_path / "brick").rglob("*_mask.png")}
    assert names == set(CONTENTS["test"]) - {"good"}


@pytest.mark.long
def test_a_part_of_the_good_images(tmp_path: Path) -> None:
    written = write_dataset(tmp_path / "grass", "grass", max_good=1)
    good = [one.id for one in written if (one.split, one.label) == ("test", "good")]
    assert good == ["test/good/000"]
    assert len(written) == len(list(samples("grass", 1))) == 6 + 6 + 1
    with pytest.raises(TilingError, match="max_good must"):
        write_dataset(tmp_path / "none", max_good=-1)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.png").write_bytes(b"mine")
    with pytest.raises(TilingError, match="new or empty folder"):
        write_dataset(tmp_path)
    with pytest.raises(TilingError, match="new or empty folder"):
        write_dataset(tmp_path / "mine.png")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine"]
    with pytest.raises(TilingError, match=r"cannot make .*: Not a directory"):
        write_dataset(tmp_path / "mine.png" / "inner")


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"texture": "bricks"}, TilingError, "texture must be .*mean 'brick'"),
        ({"label": "spot", "index": 2}, TilingError, "2 images, got index 2"),
        ({"label": "spot", "split": "train"}, TilingError, "must be one of 'good'"),
        ({"split": "validation"}, TilingError, "split must be"),
        ({"index": True}, TypeError, "index must be an int"),
    ],
)
def test_what_there_is_not(asked: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        sample(**{"texture": "brick", **asked})
