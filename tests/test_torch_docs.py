"""What README and the documentation show of tensors runs."""

from pathlib import Path

import pytest

from tests.pages import PAGES, README, cases, needs_torch, run_page

USED = {"models": ("onnx", "onnxscript", "onnxruntime"), "infer": ("zarr", "dask")}
"""Optional packages that a page's examples import."""


@pytest.mark.parametrize("page", cases([README, *filter(needs_torch, PAGES)]))
def test_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in USED.get(page.stem, ()):
        pytest.importorskip(name)
    monkeypatch.chdir(tmp_path)  # pages write files
    run_page(page)
