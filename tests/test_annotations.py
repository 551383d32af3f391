"""Annotations in COCO's and YOLO's form: cut along by ``reftiler tile``, and back."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
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
from tests.command import contents, done, files, refused, run

pytestmark = pytest.mark.usefixtures("work")
HEIGHT, WIDTH = 96, 160
SOURCE, TILES = Path("source"), Path("tiles")
LINE = "tile source tiles --tile 64"
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
def dataset(request: pytest.FixtureRequest, work: Path) -> Path:
    root = SOURCE
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


def test_objects_are_cut_along_in_their_own_form(dataset: Path) -> None:
    line = "tile source tiles --tile 64 --overlap 16 --mode clamp"
    words = done(f"{line} --min-visible 0")
    found = read_objects(TILES)
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
    again = find_images(TILES)  # a data set that can be cut again
    assert {entry.split for entry in again} == {"train", "validation"}
    annotations = find_annotations(TILES, again)
    assert annotations is not None
    assert len(annotations.images) == 3 * 6
    assert annotations.faults == ()
    if (TILES / "data.yaml").exists():
        assert yaml.safe_load((TILES / "data.yaml").read_text()) == {
            "train": "images/train", "val": "images/validation", "nc": 2,
            "names": {0: "spot", 1: "crack"},
        }  # fmt: skip


def test_what_cocos_readers_need_is_right() -> None:
    content = coco(["a.png"])
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[20:80, 30:140] = True
    content["annotations"].append(
        {"id": 77, "image_id": 10, "category_id": 3, "bbox": [30, 20, 110, 60],
         "area": 6600, "segmentation": encode_rle(mask, as_text=False), "iscrowd": 1}
    )  # fmt: skip
    one_image(SOURCE, content)
    done("tile source tiles --tile 64 --min-visible 0")
    cut = json.loads((TILES / "_annotations.coco.json").read_text())
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


def test_an_outline_falls_into_parts() -> None:
    """Two arms reach into the lower tile; YOLO's line joins them by a seam."""
    kinds: list[tuple[Any, str]] = [(coco(["a.png"]), "c"), (yolo(), "y")]
    for content, name in kinds:
        one_image(Path(name), content)
        done(f"tile {name} {name}t --tile 80x160 --min-visible 0")
    (line,) = (Path("yt") / "labels" / "a_0001.txt").read_text().splitlines()[-1:]
    cut = json.loads((Path("ct") / "_annotations.coco.json").read_text())
    row = cut["annotations"][-1]
    assert len(row["segmentation"]) == 2
    numbers = np.array(line.split()[1:], float).reshape(-1, 2) * (160, 80)
    assert np.ptp(numbers, axis=0) == pytest.approx(row["bbox"][2:])
    turned = np.roll(numbers, -1, axis=0)
    area = abs(np.sum(numbers[:, 0] * turned[:, 1] - numbers[:, 1] * turned[:, 0])) / 2
    assert area == pytest.approx(row["area"], abs=1e-5)


def test_what_became_of_objects_is_said() -> None:
    content = coco(["a.png", "gone.png"])
    content["annotations"][1]["bbox"] = [60, 30, 5, 5]  # 4 of 5 columns, then 1
    picture(SOURCE / "more.png")
    one_image(SOURCE, content)
    words = done("tile source t --tile 64 --min-visible 0.3")
    assert "lists 1 image that source does not have: gone.png" in words
    assert "1 image without annotations: more.png" in words
    assert "pieces of objects of which less than 0.3 is visible" in words
    words = done("tile source r -t 64 --random 1 --seed 3 --min-visible 0")
    assert "no tile has" in words
    words = done("tile source m --tile 64 --pad-mode reflect")
    assert "seen once more in the padding" in words


def test_tiles_without_objects_can_be_left_out(dataset: Path) -> None:
    """Images without any object are kept whole: they show what none looks like."""
    done("tile source t --tile 64 --skip-empty --mode drop --stride 16")
    found = read_objects(Path("t"))
    stems = {name.rpartition("/")[2].split("_")[0] for name in found}
    assert stems == {"a", "b"}
    assert all(objects for name, objects in found.items() if "/a_" in name)
    assert sum("/b_" in name for name in found) == 21
    listed = [tile for one in Manifest.read(Path("t")).images for tile in one.tiles]
    assert {tile.file for tile in listed} == set(found)


def test_a_run_is_done_again_or_anew(dataset: Path) -> None:
    done(LINE)
    first = files(TILES)
    assert "is done" in done(LINE)
    lost = TILES / Manifest.read(TILES).annotations[-1]
    kept = lost.read_bytes()
    lost.unlink()
    assert f"{lost.name} is missing" in refused(2, LINE)
    lost.write_bytes(kept)
    assert "--overwrite" in refused(2, f"{LINE} --min-visible 0.5")
    label = next(p for p in sorted(dataset.rglob("*")) if p.suffix in (".json", ".txt"))
    label.write_text(label.read_text() + "\n")
    assert "--overwrite" in refused(2, LINE)
    done(f"{LINE} --overwrite --min-visible 0.9")
    assert files(TILES) == first
    done(f"{LINE} --annotations none --overwrite")
    left = (".txt", ".yaml", "coco.json", "instances_train.json")
    assert not any(name.endswith(left) for name in files(TILES))


def test_a_run_that_fails_while_it_writes_objects_goes_on(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(LINE.replace("tiles", "whole"))

    def fails(*_: Any) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("reftiler.tilesets.tile_annotations._coco_chunks", fails)
        broken.setattr("reftiler.tilesets.tile_annotations._yolo_settings", fails)
        assert "No space left" in run(LINE).stderr
    assert not (TILES / "manifest.json").exists()
    assert not read_objects(TILES)
    done(LINE)
    made, whole = contents(TILES), contents("whole")
    assert made.keys() == whole.keys()
    labels = [name for name in made if name.endswith((".txt", ".yaml", "coco.json"))]
    assert all(made[name] == whole[name] for name in labels)


def row(**changes: Any) -> Callable[[dict[str, Any]], None]:
    """Return what changes the first row of annotations."""
    return lambda content: content["annotations"][0].update(changes)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (b"{", "not JSON"),
        ({"images": []}, "lacks annotations and categories"),
        ([], "no COCO file of objects"),
        ({"images": 3}, "no COCO file of objects"),
        (lambda c: c["categories"].pop(), "no category has the id 8"),
        (row(bbox=[5, 5, -4, 3]), "width and height must be above 0"),
        (row(bbox=[5, 5, 4]), "must be .x, y, width, height."),
        (row(bbox=[500, 5, 4, 4]), "lies outside of the image"),
        (row(bbox=["5", 5, 4, 4]), "of numbers"),
        (row(bbox=None, segmentation=None), "neither a bbox nor polygons"),
        (row(segmentation=[[1, 2, 3, 4]]), "three corners or more"),
        (row(segmentation={"size": [2, 2], "counts": [9]}), "add up to 9"),
        (row(segmentation={"size": [2, 2], "counts": [4]}), "mask is"),
        (row(image_id=99), "no image has the id 99"),
        (row(category_id=None), "no category has the id None"),
        (row(id=6), "the same id twice: 6"),
        (lambda c: c["images"][1].update(id=10), "the same id twice: 10"),
        (lambda c: None, "so does another"),
        (lambda c: c["images"][0].update(height=50, width=60), "are for 50 x 60"),
        (lambda c: c["images"][0].update(height=0, width=60), "a height and a width"),
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
def test_wrong_annotations_are_refused(broken: Any, message: str) -> None:
    content = _broken(broken)
    one_image(SOURCE, content)
    if "so does another" in message:
        (SOURCE / "b.coco.json").write_text(json.dumps(coco(["a.png"])))
    words = refused(1, "tile source tiles --tile 64")
    assert re.search(message, words), words
    assert not (TILES).exists()
    done("tile source tiles --tile 64 --annotations none")


def _broken(broken: Any) -> Any:
    if not callable(broken):
        return broken
    content = coco(["a.png", "b.png"])
    broken(content)
    return content


def test_annotations_that_are_not_certain_are_asked_for() -> None:
    yolo_set(SOURCE)
    file = SOURCE / "annotations" / "all.json"
    file.parent.mkdir()
    file.write_text(json.dumps(coco(["a.png"])))
    call = "tile source t --tile 64 --layout yolo"
    assert "say which (--annotations)" in refused(1, call)
    assert "may be" in refused(1, f"{call} --annotations {file}")
    file.write_text(json.dumps(coco(["train/a.png"])))
    done(f"{call} --annotations {file}")
    call += " --overwrite --annotations"
    assert "of YOLO" not in done(f"{call} source/labels")
    assert "cannot read" in refused(1, f"{call} gone.json")
    file.write_text(json.dumps(coco(["other.png"])))
    assert "no image in common" in refused(1, f"{call} {file}")


def test_options_about_objects() -> None:
    content = coco(["a.png"])
    content["annotations"][0]["bbox"][2] = 0
    one_image(SOURCE, content)
    call = "tile source t --tile 64"
    assert "--annotations none" in refused(1, f"{call} --format zarr")
    message = refused(2, f"{call} --min-visible 10")
    assert "--min-visible must be a share from 0 to 1" in message
    words = done(f"{call} --skip-bad")
    assert "left out 1 object that cannot be cut" in words
    assert "annotation 5" in words


@pytest.mark.parametrize("mode", ["padding", "clamp", "interpolation"])
def test_what_a_detector_finds_in_tiles_comes_back(dataset: Path, mode: str) -> None:
    """The detector here finds what is annotated."""
    done(f"tile source tiles --tile 64 --mode {mode} --min-visible 0")
    if (TILES / "labels").is_dir():
        results = TILES / "labels"
        for path in results.rglob("*.txt"):
            lines = (f"{line} 0.75\n" for line in path.read_text().splitlines())
            path.write_text("".join(lines))
    else:
        results = Path("results.json")
        rows = []
        for path in {*TILES.glob("annotations/*.json"), *TILES.rglob("*.coco.json")}:
            for row in json.loads(path.read_text())["annotations"]:
                kept = {k: row[k] for k in ("image_id", "category_id", "bbox")}
                rows.append({**kept, "score": 0.75})
        results.write_text(json.dumps(rows))
    words = done(f"untile tiles found.json --detections {results}")
    found = json.loads(Path("found.json").read_text())
    assert f"{len(found)} objects of 2 images" in words
    assert all(row["score"] == 0.75 for row in found)
    assert all((TILES / row["tile"]).is_file() for row in found)
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
    again = f"untile tiles found.json --detections {results}"
    assert "--overwrite" in refused(2, again)
    done(f"{again} --overwrite")


def write_results(content: Any) -> None:
    Path("results.json").write_text(json.dumps(content))


ROW: dict[str, Any] = {
    "image_id": "train/b_0004.png",
    "category_id": 0,
    "bbox": [1.5, 2, 3, 4],
    "score": 0.5,
}


def test_detections_may_name_tiles() -> None:
    coco_set(SOURCE)
    done("tile source tiles --tile 64")
    outline = [[1.5, 2, 4.5, 2, 4.5, 6]]
    other = {**ROW, "image_id": "b_0004", "bbox": [-5, 2, 90, 4]}
    write_results([{**ROW, "segmentation": outline}, other])
    done("untile tiles found.json --detections results.json")
    first, second = json.loads(Path("found.json").read_text())
    assert first["bbox"] == [65.5, 66, 3, 4]
    assert first["segmentation"] == [[65.5, 66, 68.5, 66, 68.5, 70]]
    assert (first["image_id"], first["file_name"]) == (20, "train/b.png")
    assert second["bbox"] == [59, 66, 90, 4]
    Path("empty").mkdir()
    for code, line, message in (
        (1, "x.json --detections empty", "has no .txt files"),
        (2, "x.json --detections gone", "there is no"),
        (2, "x.png --detections results.json", "must be called .json"),
        (2, "x.json --detections results.json --merge max", "no effect"),
    ):
        assert message in refused(code, f"untile tiles {line}")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"bbox": [65.5, 66, 3, 4]}, "lies outside of its tile train/b_0004.png"),
        ({"bbox": [1, -4, 3, 4]}, "lies outside"),
        ({"bbox": [1, 2, 0, 4]}, "results.json"),
        ({"score": math.nan}, "finite"),
        ({"score": "high"}, "must be a number"),
        *(({"image_id": one}, "no tile") for one in (["b_0004"], "c", 999, None)),
        ({"image_id": "a_0000"}, "several tiles"),
        (None, "must be COCO's results"),
    ],
)
def test_detections_that_cannot_be_of_their_tile_are_refused(
    changed: dict[str, Any] | None, message: str
) -> None:
    coco_set(SOURCE)
    done("tile source tiles --tile 64")
    write_results({"a": 1} if changed is None else [ROW, {**ROW, **changed}])
    said = refused(1, "untile tiles found.json --detections results.json")
    assert message in said
    assert changed is None or "no. 1" in said
    assert not Path("found.json").exists()


def test_an_image_without_its_json_size_is_bad_alone() -> None:
    path = coco_set(SOURCE) / "annotations" / "instances_val.json"
    content = coco(["a.png"])
    content["images"][0]["height"] = HEIGHT + 1
    path.write_text(json.dumps(content))
    call = "tile source tiles --tile 64"
    assert f"annotations are for {HEIGHT + 1} x {WIDTH}" in refused(1, call)
    assert "left out val/a.png" in done(f"{call} --skip-bad")
    assert not (TILES / "annotations" / "instances_val.json").exists()


def test_files_of_others_are_not_read() -> None:
    """Captions beside images, and JSON of other tools, are no annotations."""
    picture(Path("a.png"))
    Path("a.txt").write_text("a photo of a wall")
    Path("settings.json").write_text("{}")
    assert find_annotations(Path(), find_images(Path())) is None
    Path("empty").mkdir()
    with pytest.raises(TilingError, match="no annotations of these images"):
        find_annotations(Path(), [], "empty")
