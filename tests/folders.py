"""Images, and folders of their tiles, to test with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler import Tiler
from reftiler.config import TilingConfig
from reftiler.io import write_image
from reftiler.io.datasets import find_images
from reftiler.tilesets.job import ExportOptions
from reftiler.tilesets.manifest import Manifest
from reftiler.tilesets.plan import plan_export

SIZE = (33, 47)
SPOT = (slice(30, 34), slice(40, 43))
SUFFIXES = {"png": ".png", "tiff": ".tif", "npy": ".npy"}


def picture(dtype: str, channels: int | None, seed: int = 0) -> NDArray[Any]:
    shape = SIZE if channels is None else (*SIZE, channels)
    raw = np.random.default_rng(seed).integers(0, 200, shape)
    return (raw > 99) if dtype == "bool" else raw.astype(dtype)


def spots() -> NDArray[np.bool_]:
    mask = np.zeros(SIZE, dtype=bool)
    mask[5:7, 10:12] = mask[32, 46] = True
    return mask


def write(name: str | Path, image: NDArray[Any]) -> None:
    """Write an image into folders that are made if need be."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    write_image(name, image)


def export(
    folder: Path,
    image: NDArray[Any],
    tiler: Tiler,
    file_format: str = "npy",
    marks: NDArray[np.bool_] | None = None,
    **settings: Any,
) -> Manifest:
    """Write an image and its mask beside ``folder`` and cut them into it."""
    source = folder.parent / f"part{SUFFIXES[file_format]}"
    write_image(source, image)
    write_image(folder.parent / "part_mask.png", spots() if marks is None else marks)
    planned = plan_export(
        find_images(source),
        TilingConfig(tiler, settings.pop("random", None), 3),
        source=source,
        options=ExportOptions(file_format=file_format, **settings),
    )
    planned.write(folder)
    return planned.manifest


def write_part(folder: Path) -> Path:
    """Write an image of 100 x 120 with one defect, and its mask."""
    image = np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)
    mask = np.zeros((100, 120), dtype=bool)
    mask[SPOT] = True
    write_image(folder / "part.png", image)
    write_image(folder / "part_mask.png", mask)
    return folder / "part.png"
