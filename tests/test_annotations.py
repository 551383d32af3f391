"""Annotations in COCO's and YOLO's form: cut along by ``reftiler tile``, and back."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("yaml")

import yaml

from reftiler import TilingError
from reftiler.io import write_image
from reftiler.io.annotations import find_annotations
from reftiler.io.datasets import find_images
from reftiler.objects.rle import decode_rle, encode_rle
from reftiler.tilesets.manifest import Manifest
from tests.command import done, files, refused, run

HEIGHT, WIDTH = 96, 160
BOXES = [(5.25, 10.5, 20.0, 8.0), (60.0, 30.0, 12.5, 9.0), (130.0, 70.0, 16.0, 16.0)]
SHAPE = [40.0, 60.0, 110.0, 60.0, 110.0, 90.0, 100.0, 70.0, 50.0, 70.0, 40.0, 90.0]
"""A concave outline, whose arms fall into tiles of their own."""


def picture(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 255, (HEIGHT, WIDTH), np.uint8)
    write_image(path, values)


def coco(names: list[str], **more: Any) -> dict[str, Any]:
    """Return annotations of images: three boxes and an outline on the first."""
    rows: list[dict[str, Any]] = [
        {"id": 5 + k, "image_id": 10, "category_id": 3, "bbox": list(box), "iscrowd": 0,
         "area": box[2] * box[3] - 2.5, "segmentation": [], "attributes": {"k": k}}
        for k, box in enumerate(BOXES)
    ]  # fmt: skip
    rows.append({"id": 9, "image_id": 10, "category_id": 8, "bbox": [40, 60, 70, 30],
                 "area": 1300.0, "segmentation": [SHAPE], "iscrowd": 0})  # fmt: skip
    images = [
        {"id": 10 * (k + 1), "file_name": name, "height": HEIGHT, "width": WIDTH}
        for k, name in enumerate(names)
    ]
    kinds = [{"id": 3, "name": "spot"}, {"id": 8, "name": "crack"}]
    return {"images": images, "annotations": rows, "categories": kinds, **more}


def yolo() -> str:
    """Return the same objects as YOLO has them."""
    lines = [
        f"0 {(x + w / 2) / WIDTH} {(y + h / 2) / HEIGHT} {w / WIDTH} {h / HEIGHT}"
        for x, y, w, h in BOXES
    ]
    corners = (n / side for n, side in zip(SHAPE, (WIDTH, HEIGHT) * 6, strict=True))
    return "\n".join([*lines, " ".join(["1", *map(str, corners)])]) + "\n"


def coco_set(root: Path, *, beside: bool = False) -> Path:
    for k, name in enumerate(("train/a.png", "train/b.png", "val/a.png")):
        picture(root / name, k)
    for split, names in {"train": ["a.png", "b.png"], "val": ["a.png"]}.items():
        path = root / "annotations" / f"instances_{split}.json"
        if beside:
            path = root / split / "_annotations.coco.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(coco(names, info={"year": 2026})))
    return root


def yolo_set(root: Path) -> Path:
    for k, name in enumerate(("train/a", "train/b", "val/a")):
        picture(root / "images" / f"{name}.png", k)
        label = root / "labels" / f"{name}.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text("" if k == 1 else yolo())
    settings = {"path": "/gone", "train": "images/train", "val": "images/val",
                "names": ["spot", "crack"], "nc": 2}  # fmt: skip
    (root / "data.yaml").write_text(yaml.safe_dump(settings))
    return root


def one_image(folder: Path, content: Any) -> Path:
    """Write an image and its annotations: COCO's, or YOLO's lines."""
    if isinstance(content, str):
        picture(folder / "images" / "a.png")
        (folder / "labels").mkdir()
        (folder / "labels" / "a.txt").write_text(content)
        (folder / "data.yaml").write_text("names: [spot, crack]")
        return folder
    picture(folder / "a.png")
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / "_annotations.coco.json").write_bytes(text)
    return folder


@pytest.fixture(params=["coco", "roboflow", "yolo"])
def dataset(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    root = tmp_path / "source"
    if request.param == "yolo":
        return yolo_set(root)
    return coco_set(root, beside=request.param == "roboflow")


def read_objects(folder: Path) -> dict[str, list[tuple[int, tuple[float, ...]]]]:
    """Return class and box of the objects of each tile, of either form, in pixels."""
    found: dict[str, list[Any]] = {}
    for path in folder.rglob("*.coco.json"):
        _read_coco(path, path.parent, folder, found)
    for path in folder.glob("annotations/*.json"):
        _read_coco(path, folder, folder, found)
    for path in folder.rglob("labels/**/*.txt"):
        tile = str(path.relative_to(folder)).replace("labels", "images", 1)
        rows = found.setdefault(tile.replace(".txt", ".png"), [])
        for line in path.read_text().splitlines():
            kind, *numbers = map(float, line.split())
            xs, ys = np.array(numbers[::2]) * 64, np.array(numbers[1::2]) * 64
            if len(numbers) == 4:
                box = (xs[0] - xs[1] / 2, ys[0] - ys[1] / 2, xs[1], ys[1])
            else:
                box = (xs.min(), ys.min(), np.ptp(xs), np.ptp(ys))
            rows.append((int(kind), box))
    return found


def _read_coco(path: Path, base: Path, folder: Path, found: dict[str, Any]) -> None:
    content = json.loads(path.read_text())
    order = [kind["id"] for kind in content["categories"]]
    names = {}
    for image in content["images"]:
        tile = base / image["file_name"]
        assert tile.is_file()
        assert (image["width"], image["height"]) == (64, 64)
        names[image["id"]] = str(tile.relative_to(folder))
        found[names[image["id"]]] = []
    assert len(names) == len(content["images"])
    assert len({row["id"] for row in content["annotations"]}) == len(
        content["annotations"]
    )
    for row in content["annotations"]:
        kind = order.index(row["category_id"])
        found[names[row["image_id"]]].append((kind, tuple(row["bbox"])))


def test_objects_are_cut_along_in_their_own_form(tmp_path: Path, dataset: Path) -> None:
    words = done("tile", dataset, tmp_path / "tiles", "--tile", 64, "--overlap", 16,
                 "--mode", "clamp", "--min-visible", 0)  # fmt: skip
    found = read_objects(tmp_path / "tiles")
    tiles = {tile.split("/", 1)[-1] if "images" in tile else tile for tile in found}
    assert len(tiles) == 3 * 6
    assert "8 objects of 3 images became" in words
    split = "images/train" if any("images" in tile for tile in found) else "train"
    # Tiles start at 0, 48 and 96 across, at 0 and 32 down.
    wanted: dict[int, list[Any]] = {
        0: [(0, (5.25, 10.5, 20, 8)), (0, (60, 30, 4, 9)), (1, (40, 60, 24, 4))],
        1: [(0, (12, 30, 12.5, 9)), (1, (0, 60, 62, 4))],
        2: [(1, (0, 60, 14, 4))],
        3: [(0, (60, 0, 4, 7)), (1, (40, 28, 24, 30))],
        4: [(0, (12, 0, 12.5, 7)), (1, (0, 28, 62, 30))],
        5: [(0, (34, 38, 16, 16)), (1, (0, 28, 14, 30))],
    }
    for index, objects in wanted.items():
        own = found[f"{split}/a_{index:04d}.png"]
        assert [kind for kind, _ in own] == [kind for kind, _ in objects]
        for (_, box), (_, want) in zip(own, objects, strict=True):
            assert box == pytest.approx(want, abs=1e-6)
    assert all(not found[f"{split}/b_{k:04d}.png"] for k in range(6))


def test_what_cocos_readers_need_is_right(tmp_path: Path) -> None:
    content = coco(["a.png"])
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[20:80, 30:140] = True
    content["annotations"].append(
        {"id": 77, "image_id": 10, "category_id": 3, "bbox": [30, 20, 110, 60],
         "area": 6600, "segmentation": encode_rle(mask, as_text=False), "iscrowd": 1}
    )  # fmt: skip
    source = one_image(tmp_path / "source", content)
    done("tile", source, tmp_path / "tiles", "--tile", 64, "--min-visible", 0)
    cut = json.loads((tmp_path / "tiles" / "_annotations.coco.json").read_text())
    assert cut["categories"] == content["categories"]
    by_source: dict[int, list[Any]] = {}
    for row in cut["annotations"]:
        by_source.setdefault(row["source_id"], []).append(row)
    (whole,) = by_source[5]
    assert (whole["bbox"], whole["area"]) == ([5.25, 10.5, 20.0, 8.0], 157.5)
    assert whole["attributes"] == {"k": 0}
    arms = by_source[9]
    assert sum(row["area"] for row in arms) == pytest.approx(900.0)
    assert [len(row["segmentation"]) for row in arms] == [1, 1, 1, 1]
    crowd = by_source[77]
    assert all(row["iscrowd"] == 1 for row in crowd)
    assert sum(row["area"] for row in crowd) == mask.sum()
    for row in crowd:
        tile = decode_rle(row["segmentation"])
        x, y, width, height = row["bbox"]
        assert tile.shape == (64, 64)
        assert tile[y : y + height, x : x + width].all()
        assert tile.sum() == row["area"] == width * height


def test_an_outline_falls_into_parts(tmp_path: Path) -> None:
    """Two arms reach into the lower tile; YOLO's line joins them by a seam."""
    kinds: list[tuple[Any, str]] = [(coco(["a.png"]), "c"), (yolo(), "y")]
    for content, name in kinds:
        source = one_image(tmp_path / name, content)
        done("tile", source, tmp_path / f"{name}t", "--tile", "80x160",
             "--min-visible", 0)  # fmt: skip
    (line,) = (tmp_path / "yt" / "labels" / "a_0001.txt").read_text().splitlines()[-1:]
    cut = json.loads((tmp_path / "ct" / "_annotations.coco.json").read_text())
    row = cut["annotations"][-1]
    assert len(row["segmentation"]) == 2
    numbers = np.array(line.split()[1:], float).reshape(-1, 2) * (160, 80)
    assert np.ptp(numbers, axis=0) == pytest.approx(row["bbox"][2:])
    turned = np.roll(numbers, -1, axis=0)
    area = abs(np.sum(numbers[:, 0] * turned[:, 1] - numbers[:, 1] * turned[:, 0])) / 2
    assert area == pytest.approx(row["area"], abs=1e-5)


def test_tiles_are_a_data_set_that_is_cut_again(tmp_path: Path, dataset: Path) -> None:
    done("tile", dataset, tmp_path / "tiles", "--tile", 64)
    again = find_images(tmp_path / "tiles")
    assert {entry.split for entry in again} == {"train", "validation"}
    found = find_annotations(tmp_path / "tiles", again)
    assert found is not None
    assert len(found.images) == 3 * 6
    assert found.faults == ()


def test_yolos_settings_fit_the_tiles(tmp_path: Path) -> None:
    done("tile", yolo_set(tmp_path / "source"), tmp_path / "tiles", "--tile", 64)
    settings = yaml.safe_load((tmp_path / "tiles" / "data.yaml").read_text())
    assert settings == {
        "train": "images/train", "val": "images/validation", "nc": 2,
        "names": {0: "spot", 1: "crack"},
    }  # fmt: skip


def test_what_became_of_objects_is_said(tmp_path: Path) -> None:
    content = coco(["a.png", "gone.png"])
    content["annotations"][1]["bbox"] = [60, 30, 5, 5]  # 4 of 5 columns, then 1
    picture(tmp_path / "source" / "more.png")
    source = one_image(tmp_path / "source", content)
    words = done("tile", source, tmp_path / "t", "--tile", 64, "--min-visible", "0.3")
    assert "lists 1 image that source does not have: gone.png" in words
    assert "1 image without annotations: more.png" in words
    assert "pieces of objects of which less than 0.3 is visible" in words
    words = done("tile", source, tmp_path / "r", "--tile", 64, "--random", 1, "--seed",
                 3, "--min-visible", 0)  # fmt: skip
    assert "no tile has" in words
    words = done("tile", source, tmp_path / "m", "--tile", 64, "--pad-mode", "reflect")
    assert "seen once more in the padding" in words


def test_tiles_without_objects_can_be_left_out(tmp_path: Path, dataset: Path) -> None:
    """Images without any object are kept whole: they show what none looks like."""
    done("tile", dataset, tmp_path / "t", "--tile", 64, "--skip-empty",
         "--mode", "drop", "--stride", 16)  # fmt: skip
    found = read_objects(tmp_path / "t")
    stems = {name.rpartition("/")[2].split("_")[0] for name in found}
    assert stems == {"a", "b"}
    assert all(objects for name, objects in found.items() if "/a_" in name)
    assert sum("/b_" in name for name in found) == 21
    listed = [
        tile for one in Manifest.read(tmp_path / "t").images for tile in one.tiles
    ]
    assert {tile.file for tile in listed} == set(found)


def test_a_run_is_done_again_or_anew(tmp_path: Path, dataset: Path) -> None:
    out = tmp_path / "tiles"
    call = ("tile", dataset, out, "--tile", 64)
    done(*call)
    first = files(out)
    assert "is done" in done(*call)
    lost = out / Manifest.read(out).annotations[-1]
    kept = lost.read_bytes()
    lost.unlink()
    assert f"{lost.name} is missing" in refused(2, *call)
    lost.write_bytes(kept)
    assert "--overwrite" in refused(2, *call, "--min-visible", "0.5")
    label = next(p for p in sorted(dataset.rglob("*")) if p.suffix in (".json", ".txt"))
    label.write_text(label.read_text() + "\n")
    assert "--overwrite" in refused(2, *call)
    done(*call, "--overwrite", "--min-visible", "0.9")
    assert files(out) == first
    done("tile", dataset, out, "--tile", 64, "--annotations", "none", "--overwrite")
    left = [name for name in files(out) if name.endswith((".png", ".txt", ".yaml"))]
    assert not any(name.endswith((".txt", ".yaml")) for name in left)
    assert not list(out.rglob("*instances*"))


def test_a_run_that_fails_while_it_writes_objects_goes_on(
    tmp_path: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, call = tmp_path / "tiles", ("tile", dataset, tmp_path / "tiles", "--tile", 64)
    done("tile", dataset, tmp_path / "whole", "--tile", 64)
    with monkeypatch.context() as broken:
        from reftiler.tilesets import tile_annotations  # noqa: PLC0415

        def fails(*_: Any) -> str:
            raise OSError(28, "No space left on device")

        broken.setattr(tile_annotations, "_coco_chunks", fails)
        broken.setattr(tile_annotations, "_yolo_settings", fails)
        assert "No space left" in run(*call).stderr
    assert not (out / "manifest.json").exists()
    assert not read_objects(out)
    done(*call)
    assert files(out) == files(tmp_path / "whole")
    for name in files(out):
        if name.endswith((".txt", ".yaml", "coco.json")):
            assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (b"{", "not JSON"),
        ({"images": []}, "lacks annotations and categories"),
        ([], "no COCO file of objects"),
        ({"images": 3}, "no COCO file of objects"),
        ({"categories": [{"id": 3, "name": "spot"}]}, "no category has the id 8"),
        ({"bbox": [5, 5, -4, 3]}, "width and height must be above 0"),
        ({"bbox": [5, 5, 4]}, "must be .x, y, width, height."),
        ({"bbox": [500, 5, 4, 4]}, "lies outside of the image"),
        ({"bbox": ["5", 5, 4, 4]}, "of numbers"),
        ({"bbox": None, "segmentation": None}, "neither a bbox nor polygons"),
        ({"segmentation": [[1, 2, 3, 4]]}, "three corners or more"),
        ({"segmentation": {"size": [2, 2], "counts": [9]}}, "add up to 9"),
        ({"segmentation": {"size": [2, 2], "counts": [4]}}, "mask is"),
        ({"image_id": 99}, "no image has the id 99"),
        ({"category_id": None}, "no category has the id None"),
        ({"ids": 6}, "the same id twice: 6"),
        ({"image ids": 10}, "the same id twice: 10"),
        ({"twice": True}, "so does another"),
        ({"size": (50, 60)}, "annotations are for 50 x 60"),
        ({"size": (0, 60)}, "must have a height and a width"),
        ("0 0.5 0.5 0.1\n", "line 1: must be a class and 4 numbers"),
        ("0 0.5 0.5 0.1 0.1 0.9\n", "line 1: must be a class and 4 numbers"),
        ("\n0 .5 .5 .1 .1 .3 .4 .5\n", "line 2: must be a class and 4 numbers"),
        ("spot 0.5 0.5 0.1 0.1\n", "must be numbers"),
        ("0 0.5 0.5 nan 0.1\n", "from 0 to 1"),
        ("0 50 50 10 10\n", "are they pixels"),
        ("0 0.5 0.5 0.1 -0.005\n", "above 0"),
        ("7 0.5 0.5 0.1 0.1\n", "there is no class 7"),
        ("-1 0.5 0.5 0.1 0.1\n", "0 or more"),
    ],
)
def test_wrong_annotations_are_refused(
    tmp_path: Path, broken: Any, message: str
) -> None:
    content = _broken(broken)
    source = one_image(tmp_path / "source", content)
    if isinstance(broken, dict) and "twice" in broken:
        (source / "b.coco.json").write_text(json.dumps(coco(["a.png"])))
    words = refused(1, "tile", source, tmp_path / "tiles", "--tile", 64)
    assert re.search(message, words), words
    assert not (tmp_path / "tiles").exists()
    done("tile", source, tmp_path / "tiles", "--tile", 64, "--annotations", "none")


def _broken(broken: Any) -> Any:
    if not isinstance(broken, dict) or "images" in broken:
        return broken
    content = coco(["a.png", "b.png"])
    row, image = content["annotations"][0], content["images"][0]
    for key, value in broken.items():
        if key == "categories":
            content[key] = value
        elif key == "ids":
            row["id"] = value
        elif key == "image ids":
            content["images"][1]["id"] = value
        elif key == "size":
            image["height"], image["width"] = value
        elif key != "twice":
            row[key] = value
    return content


def test_wrong_objects_can_be_left_out(tmp_path: Path) -> None:
    content = coco(["a.png"])
    content["annotations"][0]["bbox"][2] = 0
    source = one_image(tmp_path / "source", content)
    words = done("tile", source, tmp_path / "t", "--tile", 64, "--skip-bad")
    assert "left out 1 object that cannot be cut" in words
    assert "annotation 5" in words


def test_annotations_that_are_not_certain_are_asked_for(tmp_path: Path) -> None:
    source = yolo_set(tmp_path / "source")
    (source / "annotations").mkdir()
    (source / "annotations" / "all.json").write_text(json.dumps(coco(["a.png"])))
    call = ("tile", source, tmp_path / "t", "--tile", 64, "--layout", "yolo")
    assert "say which (--annotations)" in refused(1, *call)
    file = source / "annotations" / "all.json"
    assert "may be" in refused(1, *call, "--annotations", file)
    file.write_text(json.dumps(coco(["train/a.png"])))
    done(*call, "--annotations", file)
    assert "of YOLO" not in done(
        *call, "--overwrite", "--annotations", source / "labels"
    )
    gone = refused(1, *call, "--overwrite", "--annotations", tmp_path / "gone.json")
    assert "cannot read" in gone
    file.write_text(json.dumps(coco(["other.png"])))
    assert "no image in common" in refused(
        1, *call, "--overwrite", "--annotations", file
    )


def test_zarr_has_no_files_to_annotate(tmp_path: Path) -> None:
    source = one_image(tmp_path / "source", yolo())
    call = ("tile", source, tmp_path / "t", "--tile", 64, "--format", "zarr")
    assert "--annotations none" in refused(1, *call)


def test_a_share_is_from_0_to_1(tmp_path: Path) -> None:
    source = one_image(tmp_path / "source", yolo())
    call = ("tile", source, tmp_path / "t", "--tile", 64, "--min-visible", 10)
    assert "--min-visible must be a share from 0 to 1" in refused(2, *call)


@pytest.mark.parametrize("mode", ["padding", "clamp", "interpolation"])
def test_what_a_detector_finds_in_tiles_comes_back(
    tmp_path: Path, dataset: Path, mode: str
) -> None:
    """The detector here finds what is annotated."""
    tiles = tmp_path / "tiles"
    done("tile", dataset, tiles, "--tile", 64, "--mode", mode, "--min-visible", 0)
    if (tiles / "labels").is_dir():
        results = tiles / "labels"
        for path in results.rglob("*.txt"):
            lines = (f"{line} 0.75\n" for line in path.read_text().splitlines())
            path.write_text("".join(lines))
    else:
        results = tmp_path / "results.json"
        rows = []
        for path in {*tiles.glob("annotations/*.json"), *tiles.rglob("*.coco.json")}:
            for row in json.loads(path.read_text())["annotations"]:
                kept = {k: row[k] for k in ("image_id", "category_id", "bbox")}
                rows.append({**kept, "score": 0.75})
        results.write_text(json.dumps(rows))
    words = done("untile", tiles, tmp_path / "found.json", "--detections", results)
    found = json.loads((tmp_path / "found.json").read_text())
    assert f"{len(found)} objects of 2 images" in words
    assert all(row["score"] == 0.75 for row in found)
    assert all((tiles / row["tile"]).is_file() for row in found)
    for box in (*BOXES, (40.0, 60.0, 70.0, 30.0)):
        x, y, w, h = box
        inner = (row["bbox"] for row in found)
        own = [
            (p, q, v, u)
            for p, q, v, u in inner
            if x - 1e-4 < p < p + v < x + w + 1e-4
            and y - 1e-4 < q < q + u < y + h + 1e-4
        ]
        left, top = (min(one[k] for one in own) for k in (0, 1))
        right, bottom = (max(one[k] + one[k + 2] for one in own) for k in (0, 1))
        assert (left, top, right - left, bottom - top) == pytest.approx(box, abs=1e-4)
    again = ("untile", tiles, tmp_path / "found.json", "--detections", results)
    assert "--overwrite" in refused(2, *again)
    done(*again, "--overwrite")


def test_detections_may_name_tiles(tmp_path: Path) -> None:
    source = coco_set(tmp_path / "source")
    tiles = tmp_path / "tiles"
    done("tile", source, tiles, "--tile", 64)
    row = {"category_id": 0, "bbox": [1.5, 2, 3, 4], "score": 0.5}
    outline = [[1.5, 2, 4.5, 2, 4.5, 6]]
    rows = [{**row, "image_id": "train/b_0004.png", "segmentation": outline}]
    rows.append({**row, "image_id": "b_0004", "bbox": [-5, 2, 90, 4]})
    results, found = tmp_path / "results.json", tmp_path / "found.json"
    results.write_text(json.dumps(rows))
    done("untile", tiles, found, "--detections", results)
    first, second = json.loads(found.read_text())
    assert first["bbox"] == [65.5, 66, 3, 4]
    assert first["segmentation"] == [[65.5, 66, 68.5, 66, 68.5, 70]]
    assert (first["image_id"], first["file_name"]) == (20, "train/b.png")
    assert second["bbox"] == [59, 66, 90, 4]
    call = ("untile", tiles, tmp_path / "x.json", "--detections", results)
    missing = dict.fromkeys(("c", 999, None), "there is no tile")
    for image_id, message in {"a_0000": "several tiles", **missing}.items():
        results.write_text(json.dumps([{**rows[0], "image_id": image_id}]))
        assert message in refused(1, *call)
    results.write_text(json.dumps([{**rows[0], "bbox": [1, 2, 0, 4]}]))
    assert "results.json, no. 0" in refused(1, *call)
    results.write_text(json.dumps({"a": 1}))
    assert "must be COCO's results" in refused(1, *call)
    (tmp_path / "empty").mkdir()
    bare = ("untile", tiles, tmp_path / "x.json", "--detections")
    assert "has no .txt files" in refused(1, *bare, tmp_path / "empty")
    assert "there is no" in refused(2, *bare, tmp_path / "gone")
    other = refused(2, *bare[:2], tmp_path / "x.png", *bare[3:], results)
    assert "must be called .json" in other
    assert "no effect" in refused(2, *bare, results, "--merge", "max")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"bbox": [65.5, 66, 3, 4]}, "lies outside of its tile train/b_0004.png"),
        ({"bbox": [1, -4, 3, 4]}, "lies outside"),
        ({"score": math.nan}, "finite"),
        ({"score": "high"}, "must be a number"),
        ({"image_id": ["b_0004"]}, "there is no tile"),
    ],
)
def test_detections_that_cannot_be_of_their_tile_are_refused(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    source, tiles = coco_set(tmp_path / "source"), tmp_path / "tiles"
    done("tile", source, tiles, "--tile", 64)
    row = {"image_id": "train/b_0004.png", "category_id": 0, "bbox": [1.5, 2, 3, 4]}
    results, found = tmp_path / "results.json", tmp_path / "found.json"
    results.write_text(json.dumps([row, {**row, **changed}]))
    said = refused(1, "untile", tiles, found, "--detections", results)
    assert message in said
    assert "no. 1" in said
    assert not found.exists()


def test_an_image_without_its_json_size_is_bad_alone(tmp_path: Path) -> None:
    source = coco_set(tmp_path / "source")
    path = source / "annotations" / "instances_val.json"
    content = coco(["a.png"])
    content["images"][0]["height"] = HEIGHT + 1
    path.write_text(json.dumps(content))
    call = ("tile", source, tmp_path / "tiles", "--tile", 64)
    assert f"annotations are for {HEIGHT + 1} x {WIDTH}" in refused(1, *call)
    assert "left out val/a.png" in done(*call, "--skip-bad")
    assert not (tmp_path / "tiles" / "annotations" / "instances_val.json").exists()


def test_files_of_others_are_not_read(tmp_path: Path) -> None:
    """Captions beside images, and JSON of other tools, are no annotations."""
    picture(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("a photo of a wall")
    (tmp_path / "settings.json").write_text("{}")
    assert find_annotations(tmp_path, find_images(tmp_path)) is None
    (tmp_path / "empty").mkdir()
    with pytest.raises(TilingError, match="no annotations of these images"):
        find_annotations(tmp_path, [], str(tmp_path / "empty"))
