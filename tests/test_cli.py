"""The command's frame, and ``reftiler grid``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")

from PIL import Image

from reftiler import SPEC_VERSION, Grid, Tiler, __version__
from reftiler.axis import MODES, PAD_SIDES
from reftiler.cli.app import COMMANDS
from reftiler.cli.options import CHOICES
from reftiler.config import TilingConfig
from reftiler.io import write_image
from reftiler.padding import PAD_MODES
from reftiler.settings import MERGES, NANS
from reftiler.windows import NAMES as WINDOWS
from tests.command import done, refused, run

ON_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX system")


def shell(
    line: str, module: str = "reftiler", encoding: str = "utf-8", **settings: Any
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process and a shell of its own; settings are variables."""
    return subprocess.run(
        f"{sys.executable} -m {module} {line}",
        check=False,
        shell=True,
        capture_output=True,
        encoding=encoding,
        errors="surrogateescape",
        env={**os.environ, "PYTHONIOENCODING": encoding, **settings},
    )


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )


def grid_of(line: str) -> Any:
    return json.loads(done(f"grid {line} --json"))


# The frame


def test_version() -> None:
    said = f"reftiler {__version__} (specification {SPEC_VERSION})\n"
    assert done("--version") == done("-V") == said


HEAVY = {"PIL", "dask", "matplotlib", "scipy", "skimage", "tifffile", "torch", "zarr"}


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "tiel",
        "grid 1000x1400 --tile 256",
        "grid 99x99 --tile 8 --strid 8",
        "tile --help",
        "untile --help",
        "demo --help",
        "bench --help",
        "conform --help",
    ],
)
def test_help_numbers_and_typos_load_nothing_heavy(words: str) -> None:
    probe = (
        "import sys\nfrom reftiler.cli import main\n"
        f"sys.argv = ['reftiler', *{words.split()!r}]\n"
        "try:\n    main()\nfinally:\n    print('loaded', *sys.modules)"
    )
    loaded, *names = python(probe).stdout.splitlines()[-1].split()
    assert loaded == "loaded"
    last = {name.partition(".")[0] for name in names}
    assert HEAVY.isdisjoint(last)
    assert "reftiler.io" not in names
    assert "numpy" not in last or words.startswith(("grid", "tile", "untile"))


@pytest.mark.parametrize("name", COMMANDS)
def test_list_of_commands_says_what_their_help_says(name: str) -> None:
    command = getattr(import_module(f"reftiler.cli.{name}"), name)
    assert COMMANDS[name] == command.__doc__.partition("\n\n")[0].replace("\n    ", " ")


def test_choices_in_the_help_are_those_of_the_library() -> None:
    known = {
        "mode": MODES,
        "pad_mode": tuple(PAD_MODES),
        "pad_side": PAD_SIDES,
        "window": tuple(WINDOWS),
        "merge": MERGES,
        "nan": NANS,
    }
    assert known == CHOICES


def test_command_of_another_package_that_cannot_be_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = EntryPoint("broken", "no_such_module:command", "reftiler.commands")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: (broken,))
    assert "cannot be loaded" in " ".join(done("--help").split())
    assert "No module named 'no_such_module'" in refused(1, "broken")
    assert "4 tiles" in done("grid 16x16 --tile 8")


def test_a_command_that_only_a_clone_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not listed, and says where it can be had."""
    module = "reftiler_conformance.no_such_part.command:bench"
    left_out = EntryPoint("bench", module, "reftiler.commands")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: (left_out,))
    assert "bench" not in done("--help")
    assert "clone" in refused(2, "bench --quick")


def test_completion() -> None:
    for line, word in (("reftiler ti", "tile"), ("reftiler grid --mode ev", "even")):
        asked = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        result = shell("", _REFTILER_COMPLETE="complete_bash", **asked)
        assert result.stdout.split() == [word]


@pytest.mark.parametrize("command", [*COMMANDS, "conform", "view", "bench"])
def test_help_explains_with_examples(command: str) -> None:
    words = done(f"{command} --help")
    assert words == done(f"{command} -h")
    assert "Examples" in words
    assert f"reftiler {command}" in words
    assert words.count("Exit codes: 0") == 1
    assert not re.search(r"<\w+", words)  # `--json <bool>` would ask for a value


def test_without_a_command_there_is_help() -> None:
    assert "Commands" in run("").output
    assert not re.search(r"<\w+", done("--help"))


def test_entry_point() -> None:
    (point,) = entry_points(group="console_scripts", name="reftiler")
    assert point.value == "reftiler.cli:main"


@pytest.mark.long
@pytest.mark.parametrize("columns", [80, 120])
def test_help_and_tables_fit_the_terminal(columns: int) -> None:
    for line in (
        "tile --help",
        "grid 4000x6000 --tile 256 --overlap 64 --mode even",
        "grid 4000x6000 --tile 256 --random 20",
    ):
        result = shell(line, COLUMNS=str(columns))
        assert (result.returncode, result.stderr) == (0, "")
        assert max(map(len, result.stdout.splitlines())) <= columns
        assert "\033" not in result.stdout  # no terminal, no colours


def test_without_the_extra(tmp_path: Path) -> None:
    """A module that cannot be imported stands for one that is not installed."""
    (tmp_path / "typer.py").write_text("raise ImportError(\"No module named 'typer'\")")
    result = shell("demo", PYTHONPATH=str(tmp_path))
    assert (result.returncode, result.stdout) == (2, "")
    assert 'pip install "reftiler[cli]"' in result.stderr
    assert result.stderr.count("\n") == 1


# Streams and signals


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
def test_any_encoding_of_stdout(encoding: str) -> None:
    result = shell("grid 9x1999 -t 8 -s 8", encoding=encoding)
    assert result.returncode == 0
    times = "x" if encoding == "ascii" else "×"
    dots = "…" if encoding in ("utf-8", "cp1252") else "..."
    assert f"500 tiles of 8 {times} 8" in result.stdout
    assert f"16, {dots}, 1992" in result.stdout
    assert result.stderr == ""


@ON_POSIX
@pytest.mark.parametrize(
    ("line", "code", "stdout", "stderr"),
    [
        ("grid 9999x9999 -t 1 --json | head -1", 0, "{\n", ""),
        ("grid 99x99 -t 8 >/dev/full", 1, "", "No space left"),
        ("grid 99x99 -t 8 --json >/dev/full", 1, "", "No space left"),
        ("-V >/dev/full", 1, "", "No space left"),
        ("grid 99x99 -t x 2>/dev/full", 2, "", ""),
        *(
            (f"{line} {closed}", code, None, "")
            for closed in (">&-", "2>&-", ">&- 2>&-")
            for line, code in (("grid 99x99 -t 8", 0), ("grid 99x99 -t x", 2))
        ),
    ],
)
def test_pipes_full_disks_and_closed_streams(
    line: str, code: int, stdout: str | None, stderr: str
) -> None:
    result = shell(line, PYTHONUNBUFFERED="")
    assert result.returncode == code
    assert stdout is None or result.stdout == stdout
    assert stderr in result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    if code == 1:
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1


@pytest.mark.long
@ON_POSIX
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"a\x1b[31mb", r"a\x1b[31mb"),
        (b"two\nlines", r"two\nlines"),
        (b"\xff", r"\xff"),
        ("\u202egnp.exe".encode(), r"\u202egnp.exe"),
        (b"[bold]:bug:[/]", "[bold]:bug:[/]"),
    ],
)
def test_names_reach_the_terminal_spelled_out(
    tmp_path: Path, name: bytes, shown: str
) -> None:
    calls = [(b"tile", name, b"out", b"-t", b"8"), (name,), (b"--" + name,)]
    for words in calls if b"[31m" in name else calls[:1]:
        result = subprocess.run(
            [sys.executable.encode(), b"-m", b"reftiler", *words],
            check=False,
            capture_output=True,
            cwd=tmp_path,
        )
        assert result.returncode == 2
        assert words[0] != b"tile" or shown in result.stderr.decode("utf-8")
        assert result.stderr.count(b"\n") == 1
        assert re.search(rb"[\x00-\x09\x0b-\x1f\xff]", result.stderr) is None


@ON_POSIX
@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
@pytest.mark.parametrize("module", ["reftiler", "reftiler.cli"])
def test_signals_while_modules_load(
    tmp_path: Path, module: str, number: str, code: int
) -> None:
    """A module that sends the signal stands for one that takes long to load."""
    (tmp_path / "typer.py").write_text(
        "import os, signal, time\n"
        f"os.kill(os.getpid(), signal.{number})\ntime.sleep(60)\n"
    )
    result = shell("--help", module, PYTHONPATH=str(tmp_path))
    assert (result.returncode, result.stdout, result.stderr) == (code, "", "")


@ON_POSIX
@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_that_a_finalizer_has_lost(number: str, code: int) -> None:
    program = (
        "import os, signal, sys\n"
        "from reftiler.cli import signals\n"
        "class Last:\n"
        "    def __del__(self):\n"
        f"        os.kill(os.getpid(), signal.{number})\n"
        "signals.end_at_once()\nsignals.tidy_up_first()\n"
        "Last()\nprint('goes on', flush=True)\n"
        "try:\n    signals.raise_if_told()\n"
        "except KeyboardInterrupt:\n    sys.exit(130)\n"
    )
    result = python(program)
    assert (result.returncode, result.stdout) == (code, "goes on\n")


# The grid


def test_grid_of_a_size() -> None:
    words = done("grid 1000x1400 --tile 256 --stride 128")
    for fact in (
        "70 tiles of 256 × 256 in a grid of 7 × 10",
        "0, 128, 256, …, 768",
        "0 before, 24 after",
        "in 1 to 4 tiles, 3.22 on average",
        "13.1 MiB for all tiles, 3 channels of uint8",
    ):
        assert fact in words
    assert "28.0 GiB" in done("grid 100000x100000 --tile 256")


@pytest.mark.parametrize(
    ("words", "tiler"),
    [
        ("-t 256x128 --stride 100x128", Tiler((256, 128), (100, 128))),
        ("-t 200 --overlap 50x0 --mode even", Tiler(200, (150, 200), mode="even")),
        ("-t 300 --mode drop --fill nan", Tiler(300, mode="drop", fill=float("nan"))),
        ("-t 64 --mode clamp --window hann", Tiler(64, mode="clamp", window="hann")),
        ("-t 64 --mode interpolation", Tiler(64, mode="interpolation")),
        ("-t 64 --stride 40 --border 12", Tiler(64, 40, remove_border_count=12)),
        ("-t 64 --pad-side both", Tiler(64, pad_side="both")),
        ("-t 64 --pad-mode reflect", Tiler(64, pad_mode="reflect")),
        ("-t 64 --pad-value -2.5 --merge min", Tiler(64, pad_value=-2.5, merge="min")),
        ("-t 250x100 --overlap 12.5%", Tiler((250, 100), overlap=(31, 12))),
        ("-t 200x100 --overlap 10%x50%", Tiler((200, 100), overlap=(20, 50))),
        ("-t 250 --overlap 15%", Tiler(250, overlap=37)),
        ("-t 200 --overlap 0%", Tiler(200)),
        ("-t 25 --random 12 --seed 5", Tiler(25)),
    ],
)
def test_grid_as_json_is_the_grid(words: str, tiler: Tiler) -> None:
    content = grid_of(f"1000x1401 {words}")
    is_random, size = "--random" in words, (1000, 1401)
    grid = tiler.random(size, 12, 5) if is_random else tiler.grid(size)
    assert Grid.from_json(json.dumps(content["grid"])) == grid
    assert content["spec_version"] == SPEC_VERSION
    assert content["tiles"] == len(grid)
    assert content["uncovered"] == grid.uncovered
    coverage = grid.coverage()
    assert content["coverage"]["min"] == coverage.min()
    assert content["coverage"]["max"] == coverage.max()
    assert content["coverage"]["mean"] == pytest.approx(coverage.mean())
    if is_random:
        said = done(f"grid 1000x1401 {words}")
        assert "12 tiles of 25 × 25 at random places" in said
        assert re.search(r"^ *… +… +…", said, re.MULTILINE)
        return
    assert content["shape"] == list(grid.shape)
    starts = [list(axis.starts) for axis in grid.axes]
    assert [axis["starts"] for axis in content["axes"]] == starts
    assert [tuple(axis["padding"]) for axis in content["axes"]] == list(grid.padding)


def test_grid_reads_images_as_tile_does(work: Path) -> None:
    write_image("part.npy", np.zeros((50, 70, 4), np.float32))
    write_image("30x40.png", np.zeros((10, 20), np.uint8))
    Path("30x40.png").rename("30x40")  # a file may be called like a size
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.new("RGB", (40, 30)).save("photo.jpg", exif=exif)
    np.save("planes.npy", np.zeros((3, 64, 80), np.uint8))
    for line, size in (
        ("part.npy", [50, 70]),
        ("30x40", [10, 20]),
        ("photo.jpg", [40, 30]),
        ("photo.jpg --no-orient", [30, 40]),
        ("planes.npy --axes CYX", [64, 80]),
    ):
        assert grid_of(f"{line} --tile 5")["grid"]["image_size"] == size
    assert "--axes CYX" in refused(1, "grid planes.npy --tile 8")
    memory = {"bytes": 12 * 20 * 20 * 4 * 4, "channels": 4, "dtype": "float32"}
    assert grid_of("part.npy --tile 20")["memory"] == memory
    memory = {"bytes": 12 * 20 * 20, "channels": 1, "dtype": "uint8"}
    line = "part.npy --tile 20 --channel-count 1 --dtype uint8"
    assert grid_of(line)["memory"] == memory


def test_config_file_and_options_that_win(work: Path) -> None:
    path = Path("config.yaml")
    path.write_text(
        "tiling: {apply: true, tile_size: 64, stride: null, remove_border_count: 0,\n"
        "         use_random_tiling: false, random_tile_count: 16, mode: even}\n"
    )

    def tiler(words: str = "") -> Tiler:
        content = grid_of(f"300x300 --config config.yaml {words}")
        return Tiler.from_dict(content["grid"]["tiler"])

    assert tiler() == Tiler(64, mode="even")
    assert tiler("--tile 32") == Tiler(32, mode="even")
    assert tiler("--overlap 16 --mode clamp") == Tiler(64, 48, mode="clamp")
    assert tiler("--random 3") == Tiler(64, mode="even")
    settings = Tiler(64, 32, fill=3, channels_last=True)
    path.write_text(TilingConfig(settings, 5, 6).to_yaml())
    assert tiler("--overlap 8") == Tiler(64, overlap=8, fill=3, channels_last=True)
    assert tiler("--overlap 50%") == settings
    content = grid_of("300x300 --config config.yaml")
    assert content["tiles"] == 5
    starts = Tiler(64).random((300, 300), 5, 6).starts
    assert content["grid"]["starts"] == starts.tolist()
    assert "5 tiles" in done("grid 99x99 --config config.yaml --seed 1")


CALLBACK = (
    "{class_path: anomalib.callbacks.TilerConfigurationCallback, "
    "init_args: {enable: True, tile_size: [128, 256], stride: 64}}"
)


@pytest.mark.parametrize(
    "text",
    [
        # anomalib's guide to tiling, its tiled ensemble, and what it wrote before
        f"trainer.callbacks: {CALLBACK}",
        f"trainer: {{callbacks: {CALLBACK}}}",
        f"trainer: {{callbacks: [{{class_path: Timer}}, {CALLBACK}]}}",
        "seed: 42\ntiling: {tile_size: [128, 256], stride: 64}\nmodel: padim",
        "dataset.tiling: {apply: true, tile_size: [128, 256], stride: 64}",
        "dataset: {tiling: {apply: true, tile_size: [128, 256], stride: 64}}",
        TilingConfig(Tiler((128, 256), 64)).to_yaml(),
    ],
)
def test_config_files_of_the_field(work: Path, text: str) -> None:
    Path("config.yaml").write_text(text)
    content = grid_of("300x300 --config config.yaml")
    assert Tiler.from_dict(content["grid"]["tiler"]) == Tiler((128, 256), 64)
