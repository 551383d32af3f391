"""The notebook runs from top to bottom, and shows what its outputs say."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("skimage")

from PIL import Image

from tests.notebook import NOTEBOOK, read, run


def pixels(output: dict[str, Any]) -> Any:
    file = io.BytesIO(base64.b64decode(output["data"]["image/png"]))
    return np.asarray(Image.open(file))


@pytest.mark.long
def test_the_notebook_runs_and_its_outputs_are_todays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pictures = 0
    for cell, outputs in run(read()):
        known = cell["outputs"]
        assert [one["output_type"] for one in outputs] == [
            one["output_type"] for one in known
        ]
        for made, kept in zip(outputs, known, strict=True):
            if "image/png" in made.get("data", {}):
                # Letters are drawn by FreeType, whose versions differ by shades.
                new, old = pixels(made).astype(int), pixels(kept).astype(int)
                assert new.shape == old.shape
                assert (np.abs(new - old) > 40).mean() < 0.01
                pictures += 1
            else:
                assert made == kept, "".join(cell["source"])
    assert pictures >= 4


def test_the_notebook_is_small_and_one_that_jupyter_opens() -> None:
    content = read()
    assert NOTEBOOK.stat().st_size < 400_000
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in content["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in content["cells"]:
        needed = {"cell_type", "id", "metadata", "source"}
        if cell["cell_type"] == "code":
            needed |= {"outputs", "execution_count"}
        assert set(cell) == needed
