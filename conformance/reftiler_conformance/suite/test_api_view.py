"""VIEW: windows without a copy."""

from __future__ import annotations

import numpy as np

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import refused


@api_clause("VIEW-004")
def test_shows_changes(api: Api) -> None:
    """What is written to the image afterwards shows in its view."""
    image = api.array(np.zeros((3, 8, 8), np.float32))
    windows = api.Tiler(4, 2).view(image)
    image[1, 5, 6] = 7
    count = int((api.back(windows) == 7).sum())
    assert count == 2, f"a new pixel shows in {count} windows, should in 2"
    image = api.array(np.zeros((2, 8, 8, 3), np.float32))
    windows = api.Tiler(4, 2, channels_last=True).view(image)
    image[1, 5, 6, 2] = 7
    count = int((api.back(windows) == 7).sum())
    assert count == 2, f"with channels last it shows in {count} windows, should in 2"


@api_clause("VIEW-005")
def test_read_only_in_numpy(api: Api) -> None:
    """A view is read-only in numpy, and writes through elsewhere."""
    image = api.array(np.zeros((8, 8), np.float32))
    windows = api.Tiler(4).view(image)
    if isinstance(windows, np.ndarray):
        assert not windows.flags.writeable, "the view can be written to"
        assert image.flags.writeable, "the image cannot be written to any more"
    else:
        assert type(windows) is type(image), f"the view is a {type(windows).__name__}"
        windows[1, 0, 2, 3] = 7
        assert float(image[6, 3]) == 7, "the view does not write to the image"


@api_clause("VIEW-006")
def test_even_in_the_image(api: Api) -> None:
    """A view needs tiles that lie evenly in the image itself."""
    image = api.array(np.zeros((9, 8), np.float32))
    for mode in ("padding", "interpolation", "clamp"):
        refused(f"the view of {mode}", api.Tiler(4, mode=mode).view, image)
    for mode in ("padding", "interpolation", "clamp", "even"):
        fits = tuple(api.Tiler((3, 4), mode=mode).view(image).shape)
        assert fits == (3, 2, 3, 4), f"{mode} that fits became {fits}"
    fits = tuple(api.Tiler(4, mode="drop").view(image).shape)
    assert fits == (2, 2, 4, 4), f"drop became {fits}"
    refused("uneven starts", api.Tiler((9, 3), (9, 3), mode="even").view, image)
    for mode in ("clamp", "even"):
        one = api.Tiler((9, 8), 1, mode=mode).view(image)
        assert tuple(one.shape) == (1, 1, 9, 8), f"one tile of {mode} is no view"


@api_clause("VIEW-007")
def test_proposes_tile(api: Api) -> None:
    """The refusal proposes tile."""
    image = api.array(np.zeros((9, 8), np.float32))
    words = refused("a padded view", api.Tiler(4).view, image)
    assert "tile(" in words or "`tile`" in words, f"tile is not proposed: {words}"
