"""VIEW: windows without a copy.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

import numpy as np

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import refused


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


@api_clause("VIEW-007")
def test_proposes_tile(api: Api) -> None:
    """The refusal proposes tile."""
    image = api.array(np.zeros((9, 8), np.float32))
    words = refused("a padded view", api.Tiler(4).view, image)
    assert "tile(" in words or "`tile`" in words, f"tile is not proposed: {words}"
