"""Bad calls of the command: refused with 2 and one clear line."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")

from reftiler.io import write_image
from tests.command import files, refused, run

pytestmark = pytest.mark.usefixtures("work")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("grid 1000x1400", "--tile SIZE or --config FILE"),
        ("grid 99x99 -t 0", "at least 1, got 0"),
        ("grid 99x99 -t -5", "at least 1, got -5"),
        ("grid 99x99 -t 8x0", "at least 1, got 0"),
        ("grid 99x99 -t 8.5", "--tile must be whole pixels"),
        ("grid 99x99 -t 8x8x8", "--tile must be whole pixels"),
        ("grid 99x99 -t 8 --stride ''", "--stride must be whole"),
        ("grid 99x99 -t 8 --stride 9", "larger than the tile"),
        ("grid 99x99 -t 8 --overlap 8", "smaller than the tile"),
        ("grid 99x99 -t 8 --stride 8 --overlap 0", "the same thing twice"),
        ("grid 99x99 -t 8 --border 1", "uncovered"),
        ("grid 99x99 -t 8 --mode clmap", "did you mean 'clamp'"),
        ("grid 99x99 -t 8 --window han", "did you mean 'hann'"),
        ("grid 99x99 -t 8 --merge sum", "--merge must be one of"),
        ("grid 99x99 -t 8 --pad-mode edgy", "mean 'edge'"),
        ("grid 99x99 -t 8 --pad-side left", "--pad-side must be"),
        ("grid 99x99 -t 8 --pad-value one", "--pad-value must be"),
        ("grid 99x99 -t 8 --fill 1,5", "--fill must be a number"),
        ("grid 99x99 -t 8 --dtype uint9", "mean 'uint8'"),
        ("grid 99x99 -t 8 --channel-count 0", "--channel-count must be at"),
        ("grid 99x99 -t 8 --random 0", "--random must be at"),
        ("grid 99x99 -t 8 --seed 1", "give --random COUNT too"),
        ("grid 99x99 -t 8 --seed -1", "at least 0, got -1"),
        ("grid 99x99 -t 8 --seed one", "'--seed'"),
        ("grid 0x99 -t 8", "image_size"),
        ("grid 99 -t 8", "no image file 99: give one, or a size"),
        ("grid 9.5x99 -t 8", "give one, or a size"),
        ("grid nothing.png -t 8", "there is no image file nothing.png"),
        ("grid 99x99 -t 100 --mode clamp", "larger than the image"),
        ("grid 99x99 -t 100 --random 1", "larger than the image"),
        ("grid 99x99 --config nothing.yaml", "cannot read nothing.yaml"),
        ("tile nothing.png out -t 8", "there is no nothing.png"),
        ("untile nothing whole.png", "there is no folder nothing"),
        ("demo --texture bricks", "did you mean 'brick'"),
        ("demo --defect spott", "did you mean 'spot'"),
        ("demo -t 2000 --mode drop", "larger than the image"),
        ("gird 99x99", "'grid'"),
        ("grid", "grid --help"),
    ],
)
def test_bad_calls(line: str, message: str) -> None:
    assert message in refused(2, line)
    assert files(".") == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--tile 0", "--tile must be at least 1, got 0"),
        ("--tile 8 --border 1", "--border 1 on axis 0 leaves 6 pixels"),
        ("--tile 8 --stride 9", "--stride (9, 9) is larger than the tile"),
        ("--tile 8 --overlap 100%", "--overlap (8, 8) must be smaller"),
        ("--tile 8 --overlap 5%x", "--overlap must be like 64, 64x32 or 25%"),
        ("--tile 8 --merge max --window hann", "weights need --merge mean"),
        ("--tile 100 --mode drop", "use --mode padding or a smaller tile"),
        ("--tile 8 --axes YY", "--axes must name Y and X"),
        ("--tile 8 --page -1", "--page must be at least 0"),
        ("--tile 8 --max-bytes lots", "--max-bytes must be a size such as 4G"),
    ],
)
def test_messages_name_options(words: str, message: str) -> None:
    write_image("part.png", np.zeros((99, 99), np.uint8))
    said = refused(2, f"grid part.png {words}")
    assert message in said
    assert re.search(r"[a-z]_[a-z]|=", said) is None


def test_messages_name_the_keys_of_a_file() -> None:
    path = Path("config.yaml")
    path.write_text("tiling: {apply: true, tile_size: 8, remove_border_count: 3}")
    line = "grid 99x99 --config config.yaml"
    said = refused(2, line)
    assert "remove_border_count 3 on axis 0 leaves 2 pixels" in said
    assert "(in config.yaml)" in said
    said = refused(2, f"{line} --border 4")
    assert "--border 4 on axis 0" in said
    assert "config.yaml" not in said
    assert "remove_border_count 3" in refused(2, f"{line} --stride 4")
    path.write_text("tiling: {apply: true, tile_size: [8, 8, 8]}")
    assert "--overlap must have 3 numbers" in refused(2, f"{line} --overlap 25%x10%")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tiling: {apply: true, tile_size: 8, modus: even}", "mean 'mode'? (in "),
        ("tiling:\n  apply: [true\n", "line 3: not YAML"),
        ("tiling: {apply: false, tile_size: 8}", "switches tiling off"),
        ("tiling: {apply: true}", "lacks tile_size"),
        ("model: x", "no section 'tiling'"),
        ("tiling: 3", "must hold keys"),
        ("tiling: {apply: true, tile_size: [8]}", "tile_size: [8]: write 8 or [8, 8]"),
    ],
)
def test_bad_config_files(text: str, message: str) -> None:
    Path("config.yaml").write_text(text)
    assert message in refused(2, "grid 99x99 --config config.yaml")


def test_unknown_options_name_the_nearest() -> None:
    result = run("grid 99x99 --tile 8 --strid 8")
    assert result.exit_code == 2
    assert "--stride" in result.stderr


def test_unreadable_image() -> None:
    Path("part.png").write_bytes(b"\x89PNG\r\n\x1a\n12")
    assert "cannot read part.png" in refused(1, "grid part.png --tile 8")
