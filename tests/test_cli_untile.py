"""``reftiler untile``: what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")


from reftiler.io import read_image
from reftiler.samples import write_dataset
from reftiler.tilesets.manifest import NAME
from tests.command import done, files, refused
from tests.folders import write_part


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sample") / "brick"
    write_dataset(root)
    return root


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return write_part(tmp_path)


def test_untile_refuses_what_is_in_the_way(tmp_path: Path, part: Path) -> None:
    tiles = tmp_path / "tiles"
    done("tile", part, tiles, "--tile", 50)
    assert "exists: give another RESULT" in refused(2, "untile", tiles, part)
    for name in (tiles, tiles / "whole.png", tiles / "part_0000.png"):
        assert "among the tiles" in refused(2, "untile", tiles, name, "--overwrite")
    message = refused(2, "untile", tiles, tmp_path / "whole.jpg")
    assert "without loss" in message
    message = refused(1, "untile", tiles, part / "whole.png")
    assert "is not a folder" in message
    assert "--fill must" in refused(2, "untile", tiles, tmp_path / "w", "--fill", "x")
    message = refused(2, "untile", tiles, tmp_path / "w", "--fill", 256)
    assert "--fill=256 does not fit uint8" in message
    part.write_bytes(b"")
    done("untile", tiles, part, "--overwrite")
    assert read_image(part).shape == (100, 120, 3)


def test_several_images_need_a_folder(tmp_path: Path, dataset: Path) -> None:
    done("tile", dataset / "test" / "spot", tmp_path / "tiles", "--tile", 512)
    message = refused(2, "untile", tmp_path / "tiles", tmp_path / "whole.png")
    assert "2 images to put together and one file" in message
    done("untile", tmp_path / "tiles", tmp_path / "back")
    assert files(tmp_path / "back") == ["test/spot/000.png", "test/spot/001.png"]


def test_untile_refuses_damaged_folders(tmp_path: Path, part: Path) -> None:
    tiles = tmp_path / "tiles"
    done("tile", part, tiles, "--tile", 50)
    content = json.loads((tiles / NAME).read_text())
    content["images"][0]["tiles"][0]["file"] = "../part.png"
    (tiles / NAME).write_text(json.dumps(content))
    message = refused(1, "untile", tiles, tmp_path / "whole.png")
    assert "may lead out of the folder" in message
    message = refused(2, "tile", part, tiles, "--tile", 20, "--overwrite")
    assert "may lead out of the folder" in message
    assert part.exists()
    content["images"][0]["tiles"][0]["file"] = "part_0000.png"
    (tiles / NAME).write_text(json.dumps(content))
    (tiles / "part_0003.png").unlink()
    message = refused(1, "untile", tiles, tmp_path / "whole.png")
    assert "part_0003.png: No such file" in message
    assert not (tmp_path / "whole.png").exists()
