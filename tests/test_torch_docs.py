"""The README's examples on tensors run."""

from pathlib import Path

import pytest

from tests.test_docs import blocks, check_examples


def test_readme_examples_on_tensors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sum("torch" in block for block in blocks()) >= 1
    assert check_examples(blocks()) > 30
