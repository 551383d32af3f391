"""The notebook runs from top to bottom, and shows what its outputs say.

``python -m tests.test_notebook`` writes them. A cell's output is what it prints and its
last value, as a notebook shows it.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("skimage")

from PIL import Image

import reftiler

NOTEBOOK = Path(reftiler.__file__).parent / "notebooks" / "tiling.ipynb"
_FORMS = {"image/png": "_repr_png_", "text/html": "_repr_html_"}


def read() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(NOTEBOOK.read_text("utf-8"))
    return content


def run(content: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """Run the cells of code in the current folder; yield each and its outputs."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            yield cell, _outputs("".join(cell["source"]), namespace)


def _outputs(source: str, namespace: dict[str, Any]) -> list[Any]:
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), "<cell>", "exec"), namespace)
        if isinstance(last, ast.Expr):
            value = eval(
                compile(ast.Expression(last.value), "<cell>", "eval"), namespace
            )
    outputs: list[Any] = []
    if printed.getvalue():
        text = printed.getvalue().splitlines(keepends=True)
        outputs.append({"output_type": "stream", "name": "stdout", "text": text})
    if value is not None:
        outputs.append(
            {"output_type": "display_data", "metadata": {}, "data": _shown(value)}
        )
    return outputs


def _shown(value: Any) -> dict[str, Any]:
    for kind, method in _FORMS.items():
        found = getattr(value, method, lambda: None)()
        if isinstance(found, bytes):
            return {kind: base64.b64encode(found).decode(), "text/plain": ["<picture>"]}
        if found is not None:
            return {kind: [found], "text/plain": [type(value).__name__]}
    return {"text/plain": repr(value).splitlines(keepends=True)}


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


def main() -> None:
    content = read()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for cell, outputs in run(content):
            cell["outputs"], cell["execution_count"] = outputs, None
    text = json.dumps(content, indent=1, ensure_ascii=False)
    NOTEBOOK.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
