"""The report: its words and numbers, its pictures, and the file it becomes."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from reftiler import TilingError
from reftiler.io import ReadOptions, resize, write_image
from reftiler.io.png import open_png
from reftiler_gui.model.colors import COLORS
from reftiler_gui.model.form_settings import START, FormSettings
from reftiler_gui.model.html_report import page
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import ImageItem, ImageSet, LoadedImage, bundled
from reftiler_gui.model.mock_models import MockModel
from reftiler_gui.model.render import data_uri, drawn, transform_on
from reftiler_gui.model.report import report
from reftiler_gui.model.steps import finish
from reftiler_gui.model.writing import write_file
from reftiler_gui.reporting import report_on

SMALL = FormSettings(tile=(64, 64), step=(48, 48), overlapping=False)
VOID = ("meta", "image", "circle", "link", "br", "img")


@pytest.fixture(scope="module")
def wall() -> LoadedImage:
    return bundled().items[0].load()


class Balance(HTMLParser):
    """Checks that every element that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def pictures(text: str) -> list[np.ndarray]:
    found = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", text)
    return [open_png(base64.b64decode(data), ReadOptions()).decode() for data in found]


def test_the_report_has_the_numbers_of_the_window(wall: LoadedImage) -> None:
    found = finish(report(wall, START))
    assert dict(found.figures)["Tiles"] == "25  (5 × 5)"
    assert found.image == "1024 × 1024 px, grey, uint8"
    assert [seen.best for seen in found.seen] == [6, 19]
    assert found.compared[0][0].startswith("Defect 1. This 2 × 2 px defect is 0.5")
    assert found.merged is None
    spelled = dict(found.spelled)
    assert spelled["Command line"].endswith("--tile 256 --overlap 64")
    assert "Tiler(256, stride=192" in spelled["Python"]
    assert "tile_size: [256, 256]" in spelled["YAML"]


def test_the_page_needs_nothing_else(wall: LoadedImage) -> None:
    text = page(finish(report(wall, START, MockModel("offset"))))
    check = Balance()
    check.feed(text)
    assert not check.open
    assert "<script" not in text
    for name, value in check.attributes:
        assert not name.startswith("on")
        if name in ("src", "href"):
            assert value is not None
            assert value.startswith("data:image/png;base64,")
    assert "url(" not in text
    assert "@media print" in text
    assert "(prefers-color-scheme: dark)" in text
    assert len(pictures(text)) == 1 + 2 * 2 + 2
    assert "A model that is off by another value in each tile by up to 10%" in text


def test_defects_are_seen_whole_in_the_tile_alone(wall: LoadedImage) -> None:
    found = finish(report(wall, START))
    _, resized, tiled = found.compared[0]
    assert wall.image is not None
    region = found.seen[0].region
    (top, _), (left, _) = region.box
    _, _, _, words = tiled.rings[0]
    x, y, _, _ = tiled.rings[0]
    middle = tiled.pixels[int(y), int(x)]
    assert words == ""
    assert middle.tolist() == [wall.image.array[top + 1, left + 1]] * 3
    small = resize(wall.image.array, (256, 256))[(top + 1) // 4, (left + 1) // 4]
    assert resized.pixels[int(y), int(x)].tolist() == [small] * 3


def test_the_grid_is_drawn_where_tiles_start() -> None:
    image = np.full((320, 640), 100, np.uint8)
    loaded = LoadedImage(ImageItem("flat"), ImagePyramid(image), None, "")
    found = finish(report(loaded, replace(SMALL, tile=(80, 80), step=(80, 80))))
    shown = found.grid.pixels
    assert shown.shape == (640, 1280, 3)
    sky = (shown == COLORS["sky"]).all(axis=2)
    assert np.flatnonzero(sky[75]).tolist()[:4] == [0, 1, 160, 161]
    assert sky[160:162].all()
    assert shown[80, 80].tolist() == [100] * 3


def test_what_is_wrong_is_told(wall: LoadedImage) -> None:
    text = page(finish(report(wall, replace(SMALL, tile=(100, 100), mode="drop"))))
    assert "are in no tile: padding, clamp or even cover all." in text
    with pytest.raises(TilingError, match="larger than the image"):
        finish(report(wall, replace(START, tile=(2000, 2000), mode="clamp")))
    with pytest.raises(TilingError, match="x is no image"):
        finish(report(LoadedImage(ImageItem("x"), None, None, "x is no image"), START))


def test_names_are_escaped() -> None:
    image = ImagePyramid(np.zeros((90, 70, 3), np.uint8))
    loaded = LoadedImage(ImageItem("<b>&'"), image, None, "the mask <i> is missing")
    text = page(finish(report(loaded, SMALL)))
    assert "<b>&" not in text
    assert "&lt;b&gt;&amp;" in text
    assert "&lt;i&gt; is missing" in text
    assert "No defect is marked" in text


@pytest.mark.parametrize("size", [(3, 3000), (5, 7), (2000, 1500)])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "bool"])
def test_images_of_all_sizes_and_kinds_are_drawn(
    size: tuple[int, int], kind: str
) -> None:
    rng = np.random.default_rng(0)
    image = ImagePyramid((rng.random(size) * 200).astype(kind))
    transform = transform_on(((0, size[0]), (-3, size[1] + 4)), 1000)
    shown = drawn(image, transform)
    assert shown.shape == (transform.height, transform.width, 3)
    assert max(shown.shape) <= 1001
    uri = data_uri(shown)
    data = base64.b64decode(uri.partition(",")[2])
    again = open_png(data, ReadOptions()).decode()
    again = again if again.ndim == 3 else np.repeat(again[..., np.newaxis], 3, axis=2)
    assert np.array_equal(again, shown)


def test_random_tiles_and_windows_of_ones_own_have_a_report(wall: LoadedImage) -> None:
    text = page(finish(report(wall, replace(START, random=7, seed=3))))
    assert "--random 7 --seed 3" in text
    ramp = tuple(float(n + 1) for n in range(64))
    text = page(finish(report(wall, replace(SMALL, window=(ramp, ramp)))))
    assert "save the settings as YAML" in text


def test_nothing_is_written_over_unasked(tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    report_on((), None, None, path, overwrite=False)
    first = path.read_bytes()
    with pytest.raises(TilingError, match="is there already"):
        report_on((), None, None, path, overwrite=False)
    assert path.read_bytes() == first
    report_on((), None, MockModel("none"), path, overwrite=True)
    assert path.read_bytes() != first
    assert [one.name for one in tmp_path.iterdir()] == ["r.html"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("none/r.html", "No such file or directory"), ("", "it is a folder")],
)
def test_where_nothing_can_be_written_it_says_so(
    tmp_path: Path, name: str, words: str
) -> None:
    with pytest.raises(TilingError, match=words):
        write_file(tmp_path / name, "x", overwrite=True)
    assert not list(tmp_path.iterdir())


def test_of_a_folder_the_first_image_with_a_defect_is_told(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_image(tmp_path / f"{name}.png", np.full((90, 90), 9, np.uint8))
    mask = np.zeros((90, 90), dtype=bool)
    mask[5:7, 8] = True
    write_image(tmp_path / "b_mask.png", mask)
    (tmp_path / "s.yaml").write_text(SMALL.yaml(), encoding="utf-8")
    out = tmp_path / "r.html"
    report_on((tmp_path, tmp_path / "s.yaml"), None, None, out, overwrite=False)
    assert "<h1>b</h1>" in out.read_text("utf-8")
    assert "--tile 64 --stride 48" in out.read_text("utf-8")
    assert ImageSet.open([tmp_path]).start == 1
    (tmp_path / "none").mkdir()
    with pytest.raises(TilingError, match="no image in"):
        report_on((tmp_path / "none",), None, None, out, overwrite=True)
