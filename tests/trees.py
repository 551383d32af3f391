"""Folders of tiny images to search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

PIXELS = np.array([[0, 255], [255, 0]], np.uint8)


def write_tree(root: Path, *names: str) -> Path:
    """Write an image of 2 x 2 under every name; black where a name begins with +."""
    for name in names:
        path = root / name.lstrip("+")
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = PIXELS * 0 if name.startswith("+") else PIXELS
        if path.suffix == ".npy":
            np.save(path, pixels)
        else:
            Image.fromarray(pixels).save(path)
    return root
