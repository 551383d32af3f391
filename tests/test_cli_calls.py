"""Bad calls of the command: refused with 2 and one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")

from tests.command import refused, run


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("grid", "1000x1400"), "--tile SIZE or --config FILE"),
        (("grid", "99x99", "--tile", "0"), "at least 1, got 0"),
        (("grid", "99x99", "--tile", "-5"), "at least 1, got -5"),
        (("grid", "99x99", "--tile", "8x0"), "at least 1, got 0"),
        (("grid", "99x99", "--tile", "8.5"), "--tile must be whole pixels"),
        (("grid", "99x99", "--tile", "8x8x8"), "--tile must be whole pixels"),
        (("grid", "99x99", "--tile", "8", "--stride", ""), "--stride must be whole"),
        (("grid", "99x99", "--tile", "8", "--stride", "9"), "larger than the tile"),
        (("grid", "99x99", "--tile", "8", "--overlap", "8"), "smaller than the tile"),
        (
            ("grid", "99x99", "--tile", "8", "--stride", "8", "--overlap", "0"),
            "the same thing twice",
        ),
        (("grid", "99x99", "--tile", "8", "--border", "1"), "uncovered"),
        (("grid", "99x99", "--tile", "8", "--mode", "clmap"), "did you mean 'clamp'"),
        (("grid", "99x99", "--tile", "8", "--window", "han"), "did you mean 'hann'"),
        (("grid", "99x99", "--tile", "8", "--merge", "sum"), "merge must be one of"),
        (("grid", "99x99", "--tile", "8", "--pad-mode", "edgy"), "mean 'edge'"),
        (("grid", "99x99", "--tile", "8", "--pad-side", "left"), "pad_side must be"),
        (("grid", "99x99", "--tile", "8", "--pad-value", "one"), "--pad-value must be"),
        (("grid", "99x99", "--tile", "8", "--fill", "1,5"), "--fill must be a number"),
        (("grid", "99x99", "--tile", "8", "--dtype", "uint9"), "mean 'uint8'"),
        (("grid", "99x99", "--tile", "8", "--channels", "0"), "--channels must be at"),
        (("grid", "99x99", "--tile", "8", "--random", "0"), "--random must be at"),
        (("grid", "99x99", "--tile", "8", "--seed", "1"), "give --random COUNT too"),
        (("grid", "99x99", "--tile", "8", "--seed", "-1"), "at least 0, got -1"),
        (("grid", "0x99", "--tile", "8"), "image_size"),
        (("grid", "99", "--tile", "8"), "neither an image file nor a size"),
        (("grid", "9.5x99", "--tile", "8"), "neither an image file nor a size"),
        (("grid", "nothing.png", "--tile", "8"), "neither an image file nor a size"),
        (
            ("grid", "99x99", "--tile", "100", "--mode", "clamp"),
            "larger than the image",
        ),
        (
            ("grid", "99x99", "--tile", "100", "--random", "1"),
            "larger than the image",
        ),
        (("grid", "99x99", "--config", "nothing.yaml"), "cannot read nothing.yaml"),
        (("tile", "nothing.png", "out", "--tile", "8"), "there is no nothing.png"),
        (("untile", "nothing", "whole.png"), "there is no folder nothing"),
        (("demo", "--texture", "bricks"), "did you mean 'brick'"),
        (("demo", "--defect", "spott"), "did you mean 'spot'"),
        (("demo", "--tile", "2000", "--mode", "drop"), "larger than the image"),
    ],
)
def test_bad_calls(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refused(2, *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tiling: {apply: true, tile_size: 8, modus: even}", "mean 'mode'? (in "),
        ("tiling:\n  apply: [true\n", "line 3: not YAML"),
        ("tiling: {apply: false, tile_size: 8}", "switches tiling off"),
        ("tiling: {apply: true}", "lacks tile_size"),
        ("model: x", "no section 'tiling'"),
        ("tiling: 3", "must hold keys"),
        (
            "tiling: {apply: true, tile_size: [8]}",
            "a height and a width, got tile_size: [8]",
        ),
    ],
)
def test_bad_config_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    assert message in refused(2, "grid", "99x99", "--config", path)


def test_unknown_words_name_the_nearest() -> None:
    result = run("grid", "99x99", "--tile", 8, "--strid", 8)
    assert result.exit_code == 2
    assert "--stride" in result.stderr
    assert run("gird", "99x99").exit_code == 2


def test_unreadable_image(tmp_path: Path) -> None:
    path = tmp_path / "part.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n12")
    assert f"cannot read {path}" in refused(1, "grid", path, "--tile", 8)
