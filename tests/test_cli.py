"""The command's frame, and ``reftiler grid``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")

from reftiler import SPEC_VERSION, Grid, Tiler, __version__
from reftiler.config import TilingConfig
from reftiler.io import write_image
from tests.command import done, run


def shell(*words: str, columns: int = 80) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "reftiler.cli", *words],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"COLUMNS": str(columns), "PYTHONIOENCODING": "utf-8"},
    )


def test_version() -> None:
    assert (
        done("--version") == f"reftiler {__version__} (specification {SPEC_VERSION})\n"
    )


@pytest.mark.parametrize("command", ["grid", "tile", "untile", "demo"])
def test_help_explains_with_examples(command: str) -> None:
    for words in (done(command, "--help"), done(command, "-h")):
        assert "Examples" in words
        assert f"reftiler {command}" in words
        assert "Exit codes: 0 done, 1 the work failed, 2 the call was wrong" in words


def test_without_a_command_there_is_help() -> None:
    assert "Commands" in run().output


def test_entry_point() -> None:
    from importlib.metadata import entry_points  # noqa: PLC0415

    (point,) = entry_points(group="console_scripts", name="reftiler")
    assert point.value == "reftiler.cli:main"


@pytest.mark.parametrize("columns", [80, 120])
def test_help_and_tables_fit_the_terminal(columns: int) -> None:
    for words in (
        ("tile", "--help"),
        ("grid", "4000x6000", "--tile", "256", "--overlap", "64", "--mode", "even"),
        ("grid", "4000x6000", "--tile", "256", "--random", "20"),
    ):
        result = shell(*words, columns=columns)
        assert (result.returncode, result.stderr) == (0, "")
        assert max(map(len, result.stdout.splitlines())) <= columns
        assert "\033" not in result.stdout  # no terminal, no colours


def test_without_the_extra(tmp_path: Path) -> None:
    """A module that cannot be imported stands for one that is not installed."""
    (tmp_path / "typer.py").write_text("raise ImportError(\"No module named 'typer'\")")
    result = subprocess.run(
        [sys.executable, "-m", "reftiler.cli", "demo"],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert result.returncode == 2
    assert result.stdout == ""
    assert 'pip install "reftiler[cli]"' in result.stderr
    assert result.stderr.count("\n") == 1


def test_closed_pipe() -> None:
    command = (
        f"{sys.executable} -m reftiler.cli grid 9999x9999 --tile 1 --json | head -1"
    )
    result = subprocess.run(
        command, check=False, shell=True, capture_output=True, text=True
    )
    assert result.stdout == "{\n"
    assert "Traceback" not in result.stderr


def test_grid_of_a_size() -> None:
    words = done("grid", "1000x1400", "--tile", 256, "--stride", 128)
    for fact in (
        "70 tiles of 256 × 256 in a grid of 7 × 10",
        "0, 128, 256, …, 768",
        "0 before, 24 after",
        "in 1 to 4 tiles, 3.22 on average",
        "13.1 MiB for all tiles, 3 channels of uint8",
    ):
        assert fact in words


@pytest.mark.parametrize(
    "settings",
    [
        {"tile_size": (256, 128), "stride": (100, 128)},
        {"tile_size": 200, "overlap": (50, 0), "mode": "even"},
        {"tile_size": 300, "mode": "drop", "fill": float("nan")},
        {"tile_size": 64, "mode": "clamp", "window": "hann"},
        {"tile_size": 64, "mode": "interpolation", "merge": "max"},
        {"tile_size": 64, "stride": 40, "remove_border_count": 12},
        {"tile_size": 64, "pad_side": "both", "pad_mode": "reflect"},
        {"tile_size": 64, "pad_value": -2.5, "merge": "min"},
    ],
)
def test_grid_as_json_is_the_grid(settings: dict[str, object]) -> None:
    names = {"tile_size": "tile", "remove_border_count": "border"}
    words: list[str] = []
    for name, value in settings.items():
        text = "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
        words += [f"--{names.get(name, name.replace('_', '-'))}", text]
    content = json.loads(done("grid", "1000x1401", "--json", *words))
    grid = Tiler(**settings).grid((1000, 1401))  # type: ignore[arg-type]
    assert Grid.from_json(json.dumps(content["grid"])) == grid
    assert content["spec_version"] == SPEC_VERSION
    assert content["tiles"] == len(grid)
    assert content["shape"] == list(grid.shape)
    assert content["uncovered"] == grid.uncovered
    coverage = grid.coverage()
    assert content["coverage"]["min"] == coverage.min()
    assert content["coverage"]["max"] == coverage.max()
    assert content["coverage"]["mean"] == pytest.approx(coverage.mean())
    assert [axis["starts"] for axis in content["axes"]] == [
        list(axis.starts) for axis in grid.axes
    ]
    assert [tuple(axis["padding"]) for axis in content["axes"]] == list(grid.padding)


def test_grid_of_random_tiles() -> None:
    words = ("grid", "100x140", "--tile", 25, "--random", 12, "--seed", 5)
    content = json.loads(done(*words, "--json"))
    grid = Tiler(25).random((100, 140), 12, 5)
    assert Grid.from_json(json.dumps(content["grid"])) == grid
    assert content["coverage"]["mean"] == pytest.approx(grid.coverage().mean())
    assert content["coverage"]["max"] == grid.coverage().max()
    assert content["uncovered"] == grid.uncovered
    assert "12 tiles of 25 × 25 at random places" in done(*words)


def test_grid_of_an_image(tmp_path: Path) -> None:
    write_image(tmp_path / "part.npy", np.zeros((50, 70, 4), np.float32))
    words = ("grid", tmp_path / "part.npy", "--tile", 20, "--json")
    content = json.loads(done(*words))
    assert content["grid"]["image_size"] == [50, 70]
    assert content["memory"] == {
        "bytes": 12 * 20 * 20 * 4 * 4,
        "channels": 4,
        "dtype": "float32",
    }
    memory = json.loads(done(*words, "--channels", 1, "--dtype", "uint8"))["memory"]
    assert memory == {"bytes": 12 * 20 * 20, "channels": 1, "dtype": "uint8"}


def test_grid_of_a_huge_image_is_only_numbers() -> None:
    assert "28.0 GiB" in done("grid", "100000x100000", "--tile", 256)


def test_config_file_and_options_that_win(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "tiling: {apply: true, tile_size: 64, stride: null, remove_border_count: 0,\n"
        "         use_random_tiling: false, random_tile_count: 16, mode: even}\n"
    )

    def tiler(*words: str | int) -> Tiler:
        content = json.loads(
            done("grid", "300x300", "--config", path, "--json", *words)
        )
        return Tiler.from_dict(content["grid"]["tiler"])

    assert tiler() == Tiler(64, mode="even")
    assert tiler("--tile", 32) == Tiler(32, mode="even")
    assert tiler("--overlap", 16, "--mode", "clamp") == Tiler(64, 48, mode="clamp")
    assert tiler("--random", 3) == Tiler(64, mode="even")
    path.write_text(
        TilingConfig(Tiler(64, 32, fill=3, channels_last=True), 5, 6).to_yaml()
    )
    assert tiler("--overlap", 8) == Tiler(64, overlap=8, fill=3, channels_last=True)
    content = json.loads(done("grid", "300x300", "--config", path, "--json"))
    assert content["tiles"] == 5
    assert (
        content["grid"]["starts"] == Tiler(64).random((300, 300), 5, 6).starts.tolist()
    )
    assert "lacks tile_size" not in done("grid", "99x99", "--config", path, "--seed", 1)


def test_a_file_may_be_called_like_a_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_image(tmp_path / "part.png", np.zeros((10, 20), np.uint8))
    (tmp_path / "part.png").rename(tmp_path / "30x40")
    monkeypatch.chdir(tmp_path)
    content = json.loads(done("grid", "30x40", "--tile", 5, "--json"))
    assert content["grid"]["image_size"] == [10, 20]
