"""The models know nothing of Qt, and load the conformance kit only when asked."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import reftiler_gui.model

FOLDER = Path(reftiler_gui.model.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", MODULES)
def test_a_model_imports_no_qt(name: str) -> None:
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    imported = [
        module
        for node in ast.walk(tree)
        for module in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
    inner = [m for m in imported if m.startswith("reftiler_gui")]
    assert not [m for m in imported if m.startswith(("PySide", "PyQt", "shiboken"))]
    assert all(m.startswith("reftiler_gui.model.") for m in inner)


def test_all_models_together_load_neither_qt_nor_the_kit() -> None:
    lines = [f"import reftiler_gui.model.{name}" for name in MODULES]
    probe = "\n".join([*lines, "import sys", "print(*sys.modules)"])
    run = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert "reftiler_gui" in loaded
    assert not loaded & {
        "PySide6",
        "shiboken6",
        "reftiler_conformance",
        "torch",
        "typer",
    }


def test_nothing_below_imports_the_viewer() -> None:
    """But for `Tiler.show`, when it is called."""
    root = FOLDER.parents[2]
    probe = "import reftiler.tiler, sys; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    assert "reftiler_gui" not in run.stdout.split()
    core, kit = root / "reftiler", root / "conformance" / "reftiler_conformance"
    allowed = {core / "base_tiler.py", core / "docs" / "api_pages.py"}
    for package in (core, kit):
        for path in package.rglob("*.py"):
            if path not in allowed:
                assert "reftiler_gui" not in path.read_text(encoding="utf-8"), path
