"""Tries an installed wheel: ``python smoke.py [EXTRA]`` in an environment of one extra.

What the extra brings must work, what others bring must name them, and every command
must do something or say what it needs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

INCLUDED = {"gui": {"cli"}, "conformance": {"cli"}}
"""Extras that an extra brings too."""
COMMANDS = ("grid", "tile", "untile", "apply", "evaluate", "demo", "spec", "conform")
BIN = Path(sys.executable).parent


def imports(*modules: str) -> Callable[[], Any]:
    """Return a call that imports modules."""
    return lambda: [import_module(module) for module in modules]


def write(suffix: str) -> None:
    """Write an image and read it again."""
    import numpy as np  # noqa: PLC0415

    from reftiler.io import read_image, write_image  # noqa: PLC0415

    image = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    write_image(f"small{suffix}", image)
    assert np.array_equal(read_image(f"small{suffix}"), image)


def ask() -> None:
    """Ask the kit a little, without its command."""
    import reftiler_conformance  # noqa: PLC0415

    results = reftiler_conformance.run("numpy", clauses="GRID-001", examples=2)
    assert results
    assert all(result.status.value == "passed" for result in results)


def show() -> None:
    """Open the viewer's window from Python."""
    import numpy as np  # noqa: PLC0415

    import reftiler_gui  # noqa: PLC0415

    reftiler_gui.view(np.zeros((8, 8), np.uint8), tiler={"tile_size": 4}, block=False)


USES: dict[str, tuple[Callable[[], Any], ...]] = {
    "torch": tuple(
        map(imports, ("reftiler.torch", "reftiler.torch.data", "reftiler.anomalib"))
    ),
    "cli": (
        *map(imports, ("reftiler.figures", "reftiler.samples", "reftiler.evaluation")),
        *map(imports, ("reftiler.visibility", "reftiler.regions")),
        lambda: write(".png"),
        lambda: write(".tif"),
        lambda: import_module("reftiler.yaml_io").load_yaml_support(),
    ),
    "zarr": (lambda: write(".zarr"),),
    "dask": (imports("reftiler.dask"),),
    "codecs": (),
    "conformance": (ask,),
    "gui": (show,),
}
"""For each extra what must work with it, and name it without."""


def check_uses(brought: set[str]) -> None:
    """Try all uses; what one extra needs another may bring as well, as PyYAML."""
    for extra, uses in USES.items():
        for use in uses:
            try:
                use()
            except ImportError as error:
                if extra in brought or f"reftiler[{extra}]" not in str(error):
                    raise


def reftiler(
    *words: str, code: int = 0, said: str = "", name: str = "reftiler"
) -> None:
    """Run a command, which must exit with a code and say something."""
    run = subprocess.run(
        [BIN / name, *words], capture_output=True, text=True, check=False
    )
    shown = f"{name} {' '.join(words)}: exit code {run.returncode}\n"
    shown += run.stdout + run.stderr
    assert run.returncode == code, shown
    assert said in " ".join((run.stdout + run.stderr).split()), shown
    assert "Traceback" not in run.stderr, shown


def check_commands(brought: set[str]) -> None:
    """Run every command."""
    if "cli" not in brought:
        reftiler(code=2, said="reftiler[cli]")
        reftiler(name="reftiler-gui", code=2, said="reftiler[gui]")
        return
    reftiler("--help", said="Exit codes")
    for command in (*COMMANDS, "view"):
        reftiler(command, "--help", said=f"reftiler {command}")
    reftiler("bench", code=2, said="clone")
    reftiler("demo", "--out", "demo", said="Wrote")
    image = next(Path("demo").glob("01-*.png"))
    reftiler("grid", str(image), "--tile", "256", said="tiles")
    reftiler("tile", str(image), "tiles", "--tile", "256", "--overlap", "64")
    reftiler("untile", "tiles", "whole.png", said="whole.png")
    assert Path("whole.png").stat().st_size > 0
    reftiler("spec", "MERGE-007", said="MERGE-007")
    reftiler("spec", "MERGE-999", code=2)
    view = ("view", str(image), "--tile", "256", "--screenshot", "window.png")
    if "gui" in brought:
        reftiler(*view)
        assert Path("window.png").stat().st_size > 0
        reftiler("--help", name="reftiler-gui")
    else:
        reftiler(*view, code=2, said="reftiler[gui]")
        reftiler(name="reftiler-gui", code=2, said="reftiler[gui]")
    if "conformance" in brought:
        reftiler(
            "conform", "numpy", "--quick", "--clauses", "TILE", said="fails nothing"
        )
    else:
        reftiler("conform", "numpy", code=2, said="reftiler[conformance]")


def main() -> None:
    """Try the extra that is named, or the package alone."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    extra = sys.argv[1] if len(sys.argv) > 1 else ""
    brought = {extra, *INCLUDED.get(extra, ())} - {""}
    if unknown := brought - set(USES):
        sys.exit(f"there is no extra {unknown.pop()}: {', '.join(USES)}")
    import reftiler as package  # noqa: PLC0415

    assert "site-packages" in package.__file__, f"not the wheel: {package.__file__}"
    check_commands(brought)
    check_uses(brought)
    print(f"{extra or 'alone'}: all works")


if __name__ == "__main__":
    main()
