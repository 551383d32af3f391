"""Write what the viewer's picture of maps needs: ``python gui/sample_maps.py DIR``.

It is part of the bundled sample with the maps of `reftiler.samples.detector`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from reftiler.samples import write_dataset
from reftiler.samples.detector import write_maps


def main(folder: Path) -> None:
    """Write the data set and a map of each test image."""
    if not (folder / "brick").exists():
        write_dataset(folder / "brick", "brick", max_good=2)
    write_maps(folder / "brick", folder / "maps", maps=["tiled"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
