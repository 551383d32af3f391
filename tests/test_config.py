"""Configuration: anomalib's sections, read as they are and refused as they should."""

from __future__ import annotations

import itertools
import os
import sys
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("yaml")

from reftiler import Tiler, TilingError
from reftiler.config import TilingConfig

OLDER: dict[str, Any] = {
    "apply": True,
    "tile_size": 64,
    "stride": None,
    "remove_border_count": 0,
    "use_random_tiling": False,
    "random_tile_count": 16,
}
NEWER: dict[str, Any] = {
    "enable": True,
    "tile_size": [64, 32],
    "stride": 16,
    "remove_border_count": 4,
    "mode": "interpolation",
}


class ImageUpscaleMode(str, Enum):
    PADDING = "padding"
    INTERPOLATION = "interpolation"


def read(tmp_path: Path, text: str) -> TilingConfig:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return TilingConfig.from_yaml(path)


NEW_TILER = Tiler((64, 32), 16, mode="interpolation", remove_border_count=4)
RANDOM = {"use_random_tiling": True, "seed": 7}


@pytest.mark.parametrize(
    ("section", "config"),
    [
        (OLDER, TilingConfig(Tiler(64))),
        (OLDER | RANDOM, TilingConfig(Tiler(64), 16, 7)),
        (OLDER | {"tile_size": [64]}, TilingConfig(Tiler([64]))),
        *(
            (NEWER | {"mode": mode}, TilingConfig(NEW_TILER))
            for mode in (
                "INTERPOLATION",
                ImageUpscaleMode.INTERPOLATION,
                "interpolation",
            )
        ),
    ],
)
def test_sections_of_both_kinds(section: dict[str, Any], config: TilingConfig) -> None:
    for content in (section, {"tiling": section}):
        found = TilingConfig.from_mapping(content)
        assert found == config
        assert found.tiler is not None
        assert type(found.tiler.mode) is str


@pytest.mark.parametrize("base", [OLDER, NEWER])
def test_own_keys_stand_beside_either(base: dict[str, Any]) -> None:
    own: dict[str, Any] = {
        "overlap": 32,
        "stride": None,
        "mode": "even",
        "pad_mode": "edge",
        "pad_value": 3,
        "pad_side": "both",
        "window": "hann",
        "merge": "mean",
        "channels_last": True,
        "fill": 0,
        "remove_border_count": 0,
        "tile_size": 64,
    }
    config = TilingConfig.from_mapping(base | own | {"seed": 3})
    tiler = Tiler(**{key: value for key, value in own.items() if key != "stride"})
    assert config == TilingConfig(tiler, None, 3)


@pytest.mark.parametrize(
    "content",
    [
        None,
        {},
        {"tiling": None},
        {"apply": False, "tile_size": -1},
        {"enable": False},
        {"tiling": {"apply": False, "stride": "much", "random_tile_count": None}},
    ],
)
def test_switched_off(content: Any) -> None:
    config = TilingConfig.from_mapping(content)
    assert config == TilingConfig()
    assert config.tiler is None
    with pytest.raises(TilingError, match="switched off"):
        config.plan((64, 64))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (OLDER | {"tile_siz": 64}, "'tile_siz'; did you mean 'tile_size'"),
        ({"apply": False, "strid": 1}, "'strid'; did you mean 'stride'"),
        (NEWER | {"use_random_tiling": True}, "use_random_tiling"),
        ({"tiling": OLDER, "tile_size": 3}, "tile_size"),
        ({"tile_size": 64}, "one of apply and enable, got none"),
        (OLDER | {"enable": True}, "got apply and enable"),
        ({"apply": True}, "lacks tile_size"),
        (OLDER | {"tile_size": None}, "lacks tile_size"),
        (OLDER | {"tile_size": 0}, "at least 1"),
        (OLDER | {"stride": 65}, "larger than the tile"),
        (OLDER | {"mode": "clmap"}, "did you mean 'clamp'"),
        (OLDER | {"stride": 8, "overlap": 8}, "twice"),
        (
            OLDER | {"use_random_tiling": True, "random_tile_count": None},
            "lacks random_tile_count",
        ),
        (OLDER | {"use_random_tiling": True, "random_tile_count": 0}, "at least 1"),
        (OLDER | {"seed": -1}, "at least 0"),
        (OLDER | {"seed": 2**128}, "below"),
    ],
)
def test_wrong_values(content: Any, words: str) -> None:
    with pytest.raises(TilingError, match=words):
        TilingConfig.from_mapping(content)


@pytest.mark.parametrize(
    "content",
    [
        [OLDER],
        "tiling",
        {"tiling": [OLDER]},
        OLDER | {"apply": "yes"},
        OLDER | {"apply": None},
        OLDER | {"tile_size": 64.0},
        OLDER | {"tile_size": "64"},
        OLDER | {"use_random_tiling": "no"},
        OLDER | {"use_random_tiling": True, "random_tile_count": 2.5},
        OLDER | {"seed": "x"},
        OLDER | {"mode": 3},
    ],
)
def test_wrong_types(content: Any) -> None:
    with pytest.raises(TypeError):
        TilingConfig.from_mapping(content)


def test_construction_is_validated() -> None:
    with pytest.raises(TypeError, match="tiler"):
        TilingConfig(64)  # type: ignore[arg-type]
    with pytest.raises(TilingError, match="need a tiler"):
        TilingConfig(None, 4)
    with pytest.raises(TilingError, match="at least 1"):
        TilingConfig(Tiler(8), 0)


def test_plan() -> None:
    tiler = Tiler(8)
    assert TilingConfig(tiler).plan((20, 30)) == tiler.grid((20, 30))
    random = TilingConfig(tiler, 5, 9).plan((20, 30))
    assert random == tiler.random((20, 30), 5, 9)


SECTION = "tiling:\n    apply: true\n    tile_size: 64\n    stride: 32\n"
CALLBACK = """
trainer:
  callbacks:
    - class_path: lightning.pytorch.callbacks.EarlyStopping
    - class_path: anomalib.callbacks.TilerConfigurationCallback
      init_args: {enable: true, tile_size: [64, 32], stride: 16, mode: PADDING}
"""
# Aliases that repeat a little are read.
ALIASES = "size: &size {tile_size: 16, stride: 8}\ntiling: {<<: *size, apply: true}"


@pytest.mark.parametrize(
    ("text", "config"),
    [
        (f"model: patchcore\n{SECTION}seed: 1\n", TilingConfig(Tiler(64, 32))),
        (f"dataset:\n  name: x\n  {SECTION}", TilingConfig(Tiler(64, 32))),
        ("apply: true\ntile_size: 64\nstride: 32", TilingConfig(Tiler(64, 32))),
        (CALLBACK, TilingConfig(Tiler((64, 32), 16))),
        (ALIASES, TilingConfig(Tiler(16, 8))),
        ("", TilingConfig()),
    ],
)
def test_yaml_has_its_section_where_files_have_it(
    tmp_path: Path, text: str, config: TilingConfig
) -> None:
    assert read(tmp_path, text) == config


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tiling:\n  apply: [true\n", r"config\.yaml, line 3: not YAML"),
        ("a: b: c", r"config\.yaml, line 1: not YAML"),
        ("\tx", r"config\.yaml, line 1: not YAML"),
        ("a: 2020-13-45", r"config\.yaml: not YAML"),
        ("\0", r"config\.yaml: not YAML"),
        ("- 1", r"config\.yaml must hold keys"),
        ("tilling: {apply: true}", r"no section 'tiling', only 'tilling'"),
        ("tiling: {aply: true}", r"config\.yaml: .*did you mean 'apply'"),
        ("{tiling: {apply: true, tile_size: 0}}", r"config\.yaml: .*at least 1"),
        ("!!python/object/apply:os.system [true]", r"not YAML"),
        ("apply: true\ntile_size: 1.5", r"config\.yaml: tile_size"),
    ],
)
def test_bad_yaml_names_file_and_line(tmp_path: Path, text: str, words: str) -> None:
    error = TypeError if "1.5" in text else TilingError
    with pytest.raises(error, match=words):
        read(tmp_path, text)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(TilingError, match=r"cannot read .*nothing\.yaml"):
        TilingConfig.from_yaml(tmp_path / "nothing.yaml")


@pytest.mark.parametrize(
    "config",
    [
        TilingConfig(),
        TilingConfig(Tiler(256)),
        TilingConfig(Tiler([7], [3], mode="even", channels_last=True), 3, 2**127),
        TilingConfig(Tiler((9, 8), window=[[1.0] * 9, [1, 2, 3, 4, 4, 3, 2, 1]])),
        TilingConfig(Tiler(4, pad_value=-0.0, fill=float("nan"), merge="max"), 1),
        TilingConfig(Tiler(4, fill=float("-inf"), pad_value=1e-300), None, 5),
    ],
)
def test_yaml_round_trip(tmp_path: Path, config: TilingConfig) -> None:
    assert read(tmp_path, config.to_yaml()) == config


def test_without_pyyaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert TilingConfig.from_mapping(OLDER).tiler == Tiler(64)
    with pytest.raises(ImportError, match=r'pip install "reftiler\[cli\]"'):
        TilingConfig.from_yaml(tmp_path / "config.yaml")


def powers(form: str) -> str:
    """Write aliases that stand for 9**9 values."""
    names = "abcdefghij"
    lines = [f"a: &a {'{x: 1}' if '<<' in form else '[1]'}"]
    for inner, name in itertools.pairwise(names):
        nine = ", ".join([f"*{inner}"] * 9)
        lines.append(f"{name}: &{name} {form.format(nine)}")
    return "\n".join([*lines, "tiling: *j"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (powers("[{}]"), "stands for more"),
        (powers("{{<<: [{}]}}"), "stands for more"),
        ("&a [*a]", "stands for more"),
        ("tiling: &a {apply: *a}", "stands for more"),
        ("tiling: " + "[" * 5000, "nested too deeply"),
        ("tiling: " + "{a: " * 5000 + "}" * 5000, "nested too deeply"),
        ("x" * 2**18, "more than the 131,072"),
        ("- " + "x" * 2**16, "must hold keys"),
        ("? 0x" + "f" * 9999 + "\n: 1", "no section"),
        ("tiling: {apply: true, tile_size: " + "9" * 5000 + "}", "not YAML"),
        ("tiling: {apply: true, tile_size: 0x" + "f" * 5000 + "}", "at most"),
        ("tiling: {apply: true, tile_size: " + "1:" * 9999 + "1.5}", "not YAML"),
        ("tiling: {apply: true, tile_size: 9, mode: " + "x" * 9999 + "}", "mode"),
        ("tiling: {apply: true, tile_size: " + "x" * 9999 + "}", "tile_size"),
        ("tiling: {apply: true, " + "x" * 900 + ": 3}", "no key"),
    ],
)
def test_hostile_yaml_is_one_short_sentence(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises((TilingError, TypeError), match=words) as caught:
        read(tmp_path, text)
    message = str(caught.value).replace(str(tmp_path), "")
    assert len(message) < 400
    assert "\n" not in message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_pipes_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.yaml")
    with pytest.raises(TilingError, match="pipe"):
        TilingConfig.from_yaml(tmp_path / "config.yaml")
