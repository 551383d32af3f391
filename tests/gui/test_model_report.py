"""The report: its numbers, its pictures, and the two files that it becomes."""

from __future__ import annotations

import base64
import csv
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from reftiler import TilingError
from reftiler.io import ReadOptions, resize, write_image
from reftiler.io.png import open_png
from reftiler_gui.model import report as module
from reftiler_gui.model.defects import find_defects
from reftiler_gui.model.form_settings import START, FormSettings
from reftiler_gui.model.image_set import ImageItem, ImageSet, bundled
from reftiler_gui.model.report import Report, examine_set, report_on
from reftiler_gui.model.steps import finish
from tests.gui.windows import known

SMALL = FormSettings(tile=(64, 64), step=(64, 64), overlapping=False)


def item(name: str, image: np.ndarray, mask: np.ndarray | None = None) -> ImageItem:
    return ImageItem(name, make=lambda: (image, mask))


def marked(size: tuple[int, int], *boxes: tuple[int, int, int, int]) -> ImageItem:
    """Return a noisy image with defects of x, y, width and height."""
    image = np.random.default_rng(0).integers(90, 110, size, np.uint8)
    mask = np.zeros(size, dtype=bool)
    for x, y, width, height in boxes:
        mask[y : y + height, x : x + width] = True
    image[mask] = 250
    return item(f"image{len(boxes)}", image, mask)


def examined(*items: ImageItem, settings: FormSettings = SMALL) -> Report:
    return finish(examine_set(ImageSet(items, title="set"), settings))


class Balance(HTMLParser):
    """Checks that every element that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_defects_cut_by_tile_edges_are_counted_over_the_set() -> None:
    report = examined(
        marked((128, 192), (60, 10, 8, 4), (10, 20, 5, 6), (120, 60, 20, 9)),
        marked((64, 64), (3, 4, 2, 2)),
    )
    assert report.summary == "2 images, 4 defects, 2 cut by tile edges"
    rows = report.defects
    assert rows["cut"].tolist() == [True, False, True, False]
    assert rows["x"].tolist() == [60, 10, 120, 3]
    assert rows["height"].tolist() == [4, 6, 9, 2]
    assert rows["tiles"].tolist() == [2, 1, 4, 1]
    assert rows["share"].tolist() == [0.5, 1.0, pytest.approx(12 * 5 / 180), 1.0]
    assert [one.cut for one in report.images] == [2, 0]
    assert "an overlap of 20 × 9 px" in report.advice
    assert report.worst[0][0].startswith("Defect 3 of image3.")
    assert report.grid.caption.startswith("image3.")
    wide = FormSettings(tile=(64, 64), step=(20, 20), overlapping=True)
    after = examined(
        marked((128, 192), (60, 10, 8, 4), (10, 20, 5, 6), (120, 60, 20, 9)),
        settings=wide,
    )
    assert after.advice == ""
    for width, words in ((63, "an overlap of 63"), (64, "only larger tiles")):
        one = examined(marked((128, 192), (30, 10, width, 4)))
        assert words in one.advice
    assert not after.defects["cut"].any()


def test_what_is_passed_over_is_counted_and_named() -> None:
    def broken() -> tuple[np.ndarray, None]:
        raise TilingError("the file is torn")

    report = examined(
        ImageItem("bad", make=broken, maps=(lambda: np.ones((90, 90)),)),
        item("small", np.zeros((20, 20), np.uint8)),
        item("plain", np.zeros((90, 90), np.uint8)),
        item("odd", np.zeros((90, 90), np.uint8), np.zeros((5, 5), bool)),
        settings=replace(SMALL, mode="clamp"),
    )
    assert [name for name, _ in report.problems] == ["bad", "small", "odd"]
    assert report.read == 2
    assert report.unknown == 2
    text = report.html()
    for words in ("the file is torn", "larger than the image", "image is shown with"):
        assert words in text
    with pytest.raises(TilingError, match="the file is torn"):
        examined(ImageItem("bad", make=broken))


def test_defects_are_pictured_resized_and_in_their_tile() -> None:
    wall = bundled().items[0]
    report = examined(wall, settings=START)
    image = known(wall.load().image)
    _, resized, tiled = report.worst[0]
    top, left = int(report.defects["y"][0]), int(report.defects["x"][0])
    x, y, _, _ = tiled.rings[0]
    assert tiled.pixels[int(y), int(x), 0] == image.array[top + 1, left + 1]
    small = resize(image.array, (256, 256))[(top + 1) // 4, (left + 1) // 4]
    assert resized.pixels[int(y), int(x), 0] == small
    data = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", report.html())
    for one in data:
        assert open_png(base64.b64decode(one), ReadOptions()).decode().size
    assert len(data) == 1 + 2 * 2


def test_the_picture_of_a_huge_defect_is_small() -> None:
    report = examined(marked((2400, 3000), (100, 100, 2200, 2000)))
    for figure in report.worst[0][1:]:
        assert max(figure.pixels.shape) <= 1024
        x, y, radius, _ = figure.rings[0]
        assert max(x, y) + radius <= 1.1 * max(figure.pixels.shape)


def test_the_page_needs_nothing_else_and_is_well_formed() -> None:
    name = "<b>&' \udcff"
    image = replace(marked((128, 128), (60, 60, 8, 8)), name=name)
    text = examined(image, marked((100, 90)), settings=START).html()
    check = Balance()
    check.feed(text)
    assert not check.open
    assert "<b>&" not in text
    assert "&lt;b&gt;&amp;&#39; \\xff" in text
    assert "<script" not in text
    assert "url(" not in text
    for key, value in check.attributes:
        assert not key.startswith("on")
        if key in ("src", "href"):
            assert str(value).startswith("data:image/png;base64,")


def test_large_sets_are_listed_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LISTED", 5)
    monkeypatch.setattr(module, "MEASURED", 3)
    boxes = [(20 * n, 20 * k, 3, 3) for n in range(6) for k in range(4)]
    good = [marked((50, 50)) for _ in range(6)]
    report = examined(marked((90, 130), *boxes), *good, settings=SMALL)
    assert len(report.listed) == len(report.listed_images) == 5
    assert np.isnan(report.defects["resized"]).sum() == 24 - 3
    assert "5 of 24" in report.html()
    assert len(report.csv().splitlines()) == 1 + 24


def test_every_kind_of_settings_has_a_report() -> None:
    wall = marked((130, 90), (20, 20, 3, 3))
    text = examined(wall, settings=replace(SMALL, random=7, seed=3)).html()
    assert "--random 7 --seed 3" in text
    wide = replace(SMALL, tile=(64, 80), step=(20, 30), overlapping=True)
    report = examined(wall, settings=wide)
    assert dict(report.grids[0][2])["Tiles"] == "6  (2 × 3)"
    assert dict(report.grids[0][2])["Overlap"] == "30 × 20 px"
    assert report.grids[0][0].startswith("90 × 130 px")
    assert "one tile, 80 × 64 px" in report.html()
    ramp = tuple(float(n + 1) for n in range(64))
    text = examined(wall, settings=replace(SMALL, window=(ramp, ramp))).html()
    assert "save the settings as YAML" in text
    text = examined(wall, settings=replace(SMALL, mode="drop")).html()
    assert "in no tile: padding, clamp or even cover all." in text
    assert "No defect is marked" in examined(marked((70, 70))).html()


def test_page_and_table_are_written_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        write_image(tmp_path / f"{name}.png", np.full((90, 90), 9, np.uint8))
    mask = np.zeros((90, 90), dtype=bool)
    mask[5:7, 8] = True
    write_image(tmp_path / "b_mask.png", mask)
    (tmp_path / "s.yaml").write_text(SMALL.yaml(), encoding="utf-8")
    out = tmp_path / "out"
    out.mkdir()

    def write(name: str, *, overwrite: bool = False) -> None:
        paths = (tmp_path, tmp_path / "s.yaml")
        finish(report_on(paths, None, out / name, overwrite=overwrite))

    write("r.html")
    with (out / "r.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["image"], row["x"], row["height"], row["cut"]) == ("b", "8", "2", "no")
    assert "--tile 64 --stride 64" in (out / "r.html").read_text("utf-8")
    before = (out / "r.html").read_bytes()
    with pytest.raises(TilingError, match="is there already"):
        write("r.html")
    (out / "r.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(TilingError, match="no table of a report"):
        write("r.html", overwrite=True)
    assert (out / "r.html").read_bytes() == before
    (out / "q.csv").mkdir()
    for name, words in (("q.html", "a folder"), ("n/q.html", "no folder to write")):
        with pytest.raises(TilingError, match=words):
            write(name, overwrite=True)
    assert sorted(one.name for one in out.iterdir()) == ["q.csv", "r.csv", "r.html"]
    assert ImageSet.open([tmp_path]).start == 1
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(TilingError, match="needs jinja2"):
        write("s.html")
    with pytest.raises(TilingError, match="no image in"):
        finish(report_on((out,), None, out / "x.html", overwrite=True))


def with_map(item: ImageItem, **values: float) -> ImageItem:
    """Return an image whose map is 1, and at each defect the value of its number."""
    loaded = item.load()
    assert loaded.image is not None
    array = np.ones(loaded.image.size, np.float32)
    regions = find_defects(loaded.mask).regions if loaded.mask else ()
    for region, value in zip(regions, values.values(), strict=True):
        array[region.box[0][0], region.box[1][0]] = value
    return replace(item, maps=(lambda: array,))


def test_maps_say_what_a_threshold_misses() -> None:
    good = replace(item("fine", np.zeros((64, 64), np.uint8)), label="good")
    alarm = np.ones((64, 64), np.float32)
    alarm[3, 3] = 5.0
    items = (
        with_map(marked((64, 64), (3, 4, 2, 2), (30, 30, 3, 3)), a=9.0, b=4.0),
        with_map(marked((64, 64), (3, 4, 2, 2)), a=np.nan),
        replace(good, maps=(lambda: alarm,)),
        replace(good, name="other", maps=(lambda: np.ones((32, 32)),)),
        marked((64, 64), (9, 9, 2, 2), (30, 9, 2, 2), (50, 9, 2, 2)),
    )
    report = examined(*items)
    assert report.threshold == 9.0
    assert report.why == "the lowest without a false alarm"
    assert report.summary.endswith("2 of 3 missed at threshold 9")
    found = [(r["threshold"], r["hits"], r["missed"]) for r in report.thresholds]
    assert found == [(1.0, 3, 0), (4.0, 2, 1), (9.0, 1, 2)]
    assert [row["alarms"] for row in report.thresholds] == [2, 1, 0]
    share = 100 / (4 * 64**2 - 4 - 9 - 4)
    assert report.thresholds[1]["false"] == f"{share:.3g} %"
    assert report.worst[0][0].startswith(("Defect 2 of image2, missed", "Defect 1 of"))
    text = report.html()
    assert "it has no map" in text
    assert "What a threshold misses" in text
    rows = [line.split(",")[-3:] for line in report.csv().decode().splitlines()]
    assert rows[1:] == [
        ["9.0", "9.0", "yes"],
        ["4.0", "9.0", "no"],
        ["1.0", "9.0", "no"],
        *[["", "", ""]] * 3,
    ]
    chosen = finish(examine_set(ImageSet(items), SMALL, 4.5))
    assert chosen.why == "chosen"
    assert [r["hits"] for r in chosen.thresholds if r["threshold"] == 4.5] == [1]
    nothing = examined(items[-1])
    assert nothing.threshold is None
    assert "What a threshold misses" not in nothing.html()
