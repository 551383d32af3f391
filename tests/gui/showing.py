"""What the tests of views share: an image with two defects, and waiting for jobs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from reftiler_gui.jobs import Jobs
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.view_base import View

SETTINGS = FormSettings(tile=(64, 64), step=(32, 32))
BOXES = (((40, 44), (100, 103)), ((150, 160), (30, 38)))


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.stop()


def picture(*, masked: bool = True) -> LoadedImage:
    """Return a dark image of 192 × 256 with two bright defects."""
    rng = np.random.default_rng(0)
    image = rng.integers(40, 60, (192, 256), np.uint8)
    mask = np.zeros(image.shape, dtype=bool)
    for rows, columns in BOXES:
        mask[slice(*rows), slice(*columns)] = True
    image[mask] = 250
    return LoadedImage(
        ImageItem("part"),
        ImagePyramid(image),
        MaskPyramid(mask) if masked else None,
        "",
    )


def tiles(settings: FormSettings = SETTINGS) -> GridLookup:
    plan = settings.plan((192, 256))
    return GridLookup(plan)  # type: ignore[arg-type]


def fill(view: View, loaded: LoadedImage, settings: FormSettings = SETTINGS) -> None:
    view.show_item(loaded)
    view.show_tiling(tiles(settings), settings)


def settle(qtbot: QtBot, jobs: Jobs) -> None:
    """Wait until no job runs, nor one that the last one began."""
    for _ in range(3):
        qtbot.waitUntil(lambda: not jobs.running(), timeout=20_000)
        qtbot.wait(1)
