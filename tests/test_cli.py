"""The command's frame, and ``reftiler grid``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")

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


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(option: str) -> None:
    assert done(option) == f"reftiler {__version__} (specification {SPEC_VERSION})\n"


def test_package_runs_as_a_module() -> None:
    probe = [sys.executable, "-m", "reftiler", "--version"]
    result = subprocess.run(probe, check=True, capture_output=True, text=True)
    assert result.stdout == done("--version")


HEAVY = {"PIL", "dask", "matplotlib", "scipy", "skimage", "tifffile", "torch", "zarr"}


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "tiel",
        "grid --help",
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
        "try:\n    main()\n"
        "finally:\n    print('loaded', *{n.partition('.')[0] for n in sys.modules})"
    )
    result = subprocess.run(
        [sys.executable, "-c", probe], check=False, capture_output=True, text=True
    )
    last = result.stdout.splitlines()[-1].split()
    assert last[0] == "loaded"
    assert HEAVY.isdisjoint(last)
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
    assert "4 tiles" in done("grid", "16x16", "--tile", 8)


def test_a_command_that_only_a_clone_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not listed, and says where it can be had."""
    module = "reftiler_conformance.no_such_part.command:bench"
    left_out = EntryPoint("bench", module, "reftiler.commands")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: (left_out,))
    assert "bench" not in done("--help")
    assert "clone" in refused(2, "bench", "--quick")


@pytest.mark.parametrize("words", [(), ("tile",), ("evaluate",)])
def test_help_names_no_types_of_python(words: tuple[str, ...]) -> None:
    """`--json <bool>` would ask for a value."""
    assert not re.search(r"<\w+", done(*words, "--help"))


def test_completion() -> None:
    for line, word in (("reftiler ti", "tile"), ("reftiler grid --mode ev", "even")):
        env = {
            "_REFTILER_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(line.count(" ")),
        }
        result = subprocess.run(
            [sys.executable, "-m", "reftiler"],
            check=False,
            capture_output=True,
            text=True,
            env=os.environ | env,
        )
        assert result.stdout.split() == [word]


@pytest.mark.parametrize("command", [*COMMANDS, "conform", "view", "bench"])
def test_help_explains_with_examples(command: str) -> None:
    words = done(command, "--help")
    assert words == done(command, "-h")
    assert "Examples" in words
    assert f"reftiler {command}" in words
    assert words.count("Exit codes: 0") == 1


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


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
def test_any_encoding_of_stdout(encoding: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "reftiler", "grid", "9x1999", "-t", "8", "-s", "8"],
        check=True,
        capture_output=True,
        encoding=encoding,
        env=os.environ | {"PYTHONIOENCODING": encoding},
    )
    times = "x" if encoding == "ascii" else "×"
    dots = "…" if encoding in ("utf-8", "cp1252") else "..."
    assert f"500 tiles of 8 {times} 8" in result.stdout
    assert f"16, {dots}, 1992" in result.stdout
    assert result.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no /dev/full")
@pytest.mark.parametrize("words", ["grid 99x99 -t 8", "grid 99x99 -t 8 --json", "-V"])
def test_full_disk_behind_stdout(words: str) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "reftiler", *words.split()],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": ""},
        )
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert "No space left" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there is no /dev/full")
def test_full_disk_behind_stderr() -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "reftiler", "grid", "99x99", "-t", "x"],
            check=False,
            stderr=full,
            env={**os.environ, "PYTHONUNBUFFERED": ""},
        )
    assert result.returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams(redirection: str) -> None:
    for words, code in (("grid 99x99 -t 8", 0), ("grid 99x99 -t x", 2), ("tiel", 2)):
        command = f"{sys.executable} -m reftiler {words} {redirection}"
        result = subprocess.run(
            command, check=False, shell=True, capture_output=True, text=True
        )
        assert result.returncode == code
        assert "Traceback" not in result.stdout + result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="names are bytes elsewhere")
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
    for words in ((b"tile", name, b"out", b"-t", b"8"), (name,), (b"--" + name,)):
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


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
@pytest.mark.parametrize("module", ["reftiler", "reftiler.cli"])
def test_signals_while_modules_load(
    tmp_path: Path, module: str, number: str, code: int
) -> None:
    """A module that sends the signal stands for one that takes long to load."""
    (tmp_path / "typer.py").write_text(
        "import os, signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler) if "
        "signal.getsignal(signal.SIGINT) is signal.SIG_IGN else None\n"
        f"os.kill(os.getpid(), signal.{number})\ntime.sleep(60)\n"
    )
    result = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert (result.returncode, result.stdout, result.stderr) == (code, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
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
    result = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert (result.returncode, result.stdout) == (code, "goes on\n")


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
    memory = json.loads(done(*words, "--channel-count", 1, "--dtype", "uint8"))[
        "memory"
    ]
    assert memory == {"bytes": 12 * 20 * 20, "channels": 1, "dtype": "uint8"}


def test_grid_reads_images_as_tile_does(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    from PIL import Image  # noqa: PLC0415

    upright = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.new("RGB", (40, 30)).save(upright, exif=exif)
    first = tmp_path / "planes.npy"
    np.save(first, np.zeros((3, 64, 80), np.uint8))

    def size(*words: str | Path) -> list[int]:
        content = json.loads(done("grid", *words, "--tile", 8, "--json"))
        return list(content["grid"]["image_size"])

    assert size(upright) == [40, 30]
    assert size(upright, "--no-orient") == [30, 40]
    assert "--axes CYX" in refused(1, "grid", first, "--tile", 8)
    assert size(first, "--axes", "CYX") == [64, 80]


def test_overlap_in_per_cent_is_rounded_down() -> None:
    def overlap(*words: str) -> list[int]:
        tiler = json.loads(done("grid", "999x999", *words, "--json"))["grid"]["tiler"]
        sizes = zip(tiler["tile_size"], tiler["stride"], strict=True)
        return [tile - stride for tile, stride in sizes]

    assert overlap("-t", "256", "--overlap", "25%") == [64, 64]
    assert overlap("-t", "250x100", "--overlap", "12.5%") == [31, 12]
    assert overlap("-t", "200x100", "--overlap", "10%x50%") == [20, 50]
    assert overlap("-t", "250", "--overlap", "15%") == [37, 37]
    assert overlap("-t", "200", "--overlap", "0%") == [0, 0]


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
    assert tiler("--overlap", "50%") == Tiler(64, 32, fill=3, channels_last=True)
    assert "5 tiles" in done("grid", "99x99", "--config", path, "--seed", 1)


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
def test_config_files_of_the_field(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    content = json.loads(done("grid", "300x300", "--config", path, "--json"))
    assert Tiler.from_dict(content["grid"]["tiler"]) == Tiler((128, 256), 64)


def test_a_file_may_be_called_like_a_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_image(tmp_path / "part.png", np.zeros((10, 20), np.uint8))
    (tmp_path / "part.png").rename(tmp_path / "30x40")
    monkeypatch.chdir(tmp_path)
    content = json.loads(done("grid", "30x40", "--tile", 5, "--json"))
    assert content["grid"]["image_size"] == [10, 20]
