"""Settings: refused in reftiler's words, undone, and spelled for others."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from reftiler import Grid, TilingError
from reftiler.cli.app import app
from reftiler.config import TilingConfig
from reftiler.io import write_image
from reftiler.tilesets.manifest import Manifest
from reftiler_gui.model.form_settings import (
    FormSettings,
    ValidationError,
    as_command,
    as_python,
    as_words,
)

SIZE = (70, 90)
PLAIN = FormSettings(tile=(32, 32), step=(16, 16))
VARIED = [
    PLAIN,
    replace(PLAIN, step=(8, 12), overlapping=True, mode="even"),
    replace(PLAIN, tile=(32, 40), border=(2, 3), window="hann", mode="clamp"),
    replace(PLAIN, pad_mode="reflect", pad_side="both", merge="max"),
    replace(PLAIN, pad_value=7, fill=3, mode="drop", merge="min"),
    replace(PLAIN, mode="interpolation", window="gaussian", merge="mean"),
    replace(PLAIN, random=5, seed=2**100),
]
ODD = [
    replace(PLAIN, fill=float("nan")),
    replace(PLAIN, pad_value=-1, fill=float("-inf")),
    replace(PLAIN, pad_value=0.1),
]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "part's.png"
    write_image(path, np.random.default_rng(0).integers(0, 256, SIZE, np.uint8))
    return path


class TestPlan:
    @pytest.mark.parametrize("settings", VARIED)
    def test_it_is_reftilers(self, settings: FormSettings) -> None:
        grid = settings.plan(SIZE)
        assert isinstance(grid, Grid)
        assert grid == settings.config().plan(SIZE)

    @pytest.mark.parametrize(
        ("change", "field", "words"),
        [
            ({"tile": (0, 32)}, "tile", "tile_size[0] must be at least 1"),
            ({"step": (40, 40)}, "step", "stride (40, 40) is larger than the tile"),
            ({"step": (32, 1), "overlapping": True}, "step", "overlap (32, 1) must be"),
            ({"border": (9, 9)}, "border", "remove_border_count 9 on axis 0 leaves"),
            ({"border": (-1, 0)}, "border", "remove_border_count[0] must be"),
            ({"mode": "evn"}, "mode", "did you mean 'even'?"),
            ({"pad_mode": "mirror"}, "pad_mode", "pad_mode must be one of"),
            ({"pad_side": "left"}, "pad_side", "pad_side must be one of"),
            ({"pad_value": "x"}, "pad_value", "pad_value must be a real number"),
            ({"window": "hamming"}, "window", "window"),
            ({"window": "hann", "merge": "max"}, "merge", "takes no window"),
            ({"fill": "x"}, "fill", "fill must be a real number"),
            ({"random": 0}, "random", "random_tile_count must be at least 1"),
            ({"seed": -1}, "seed", "seed must be at least 0"),
            ({"tile": (80, 80), "mode": "clamp"}, "tile", "clamp: the tile (80, 80)"),
            ({"tile": (80, 80), "random": 3}, "tile", "random tiles: the tile"),
        ],
    )
    def test_a_refusal_names_its_field(
        self, change: dict[str, Any], field: str, words: str
    ) -> None:
        found = replace(PLAIN, **change).plan(SIZE)
        assert isinstance(found, ValidationError)
        assert found.field == field
        assert words in found.words


class TestYaml:
    @pytest.mark.parametrize("settings", [*VARIED, *ODD])
    def test_what_is_written_is_read(
        self, settings: FormSettings, tmp_path: Path
    ) -> None:
        path = tmp_path / "t.yaml"
        path.write_text(settings.yaml(), encoding="utf-8")
        assert FormSettings.read(path).config() == settings.config()

    def test_nothing_is_lost_on_the_way_through(self, tmp_path: Path) -> None:
        path = tmp_path / "t.yaml"
        path.write_text(
            "tiling: {apply: true, tile_size: [2, 3], channels_last: true, "
            "window: [[1, 2], [1, 5, 1]]}",
            encoding="utf-8",
        )
        found = FormSettings.read(path)
        assert found.config() == TilingConfig.from_yaml(path)
        with pytest.raises(TilingError, match="no option"):
            as_words(found)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("tiling: {apply: false}", "switch tiling off"),
            ("tiling: {apply: true, tile_size: [9]}", "a height and a width"),
            ("tiling: {apply: true, tile: 9}", "has no key 'tile'"),
            ("a: [", "not YAML"),
        ],
    )
    def test_what_cannot_be_read_names_the_file(
        self, text: str, words: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "t.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(TilingError, match=words) as caught:
            FormSettings.read(path)
        assert str(path) in str(caught.value)


class TestPython:
    @pytest.mark.parametrize("settings", [*VARIED, *ODD])
    def test_the_program_cuts_the_same_tiles(
        self, settings: FormSettings, image: Path
    ) -> None:
        if settings.pad_value in (-1, 0.1):
            settings = replace(settings, pad_value=0)  # a byte does not hold them
        made: dict[str, Any] = {}
        exec(as_python(settings, str(image)), made)
        want = replace(settings, channels_last=True).config()
        assert made["grid"] == want.plan(SIZE)
        assert want.tiler is not None
        assert (
            made["tiles"] == want.tiler.tile(made["image"], grid=made["grid"])
        ).all()

    def test_it_is_short_where_the_settings_are(self) -> None:
        program = as_python(replace(PLAIN, mode="even"), "a.png")
        assert "Tiler(32, stride=16, mode='even', channels_last=True)" in program


class TestCommand:
    @pytest.mark.parametrize("settings", VARIED)
    def test_the_command_cuts_by_the_same_grid(
        self, settings: FormSettings, image: Path
    ) -> None:
        out = image.parent / "tiles"
        words = shlex.split(as_command(settings, str(image), str(out)))
        assert words[0] == "reftiler"
        run = CliRunner().invoke(app, words[1:])
        assert run.exit_code == 0, run.output
        (made,) = Manifest.read(out).images
        assert made.grid == replace(settings, channels_last=True).plan(SIZE)

    @pytest.mark.parametrize("settings", ODD)
    def test_odd_numbers_are_options_too(self, settings: FormSettings) -> None:
        run = CliRunner().invoke(app, ["grid", "70x90", *as_words(settings)])
        assert run.exit_code == 0, run.output

    def test_what_is_as_always_is_not_said(self) -> None:
        assert as_words(PLAIN) == ["--tile", "32", "--stride", "16"]
