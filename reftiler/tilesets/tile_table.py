"""The table of tiles that data set readers know: metadata.jsonl, a line a tile.

Hugging Face's imagefolder needs ``file_name`` and makes an image of each column whose
name ends so: ``load_dataset("imagefolder", data_dir=tiles, data_files="**")`` gives all
tiles with their masks and these columns. pandas reads the lines as they are.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from reftiler.tilesets.naming import tile_label
from reftiler.tilesets.records import ImageRecord, TileRecord


def tile_lines(images: Iterable[ImageRecord], min_marked: int) -> Iterator[str]:
    """Yield a line for each tile, with the line's end; all have the same columns."""
    images = tuple(images)
    masked = any(image.masks for image in images)
    for image in images:
        boxes = image.grid.boxes.tolist() if image.tiles else []
        for tile in image.tiles:
            row = _row(image, tile, boxes, min_marked)
            if not masked:
                del row["mask_file_name"]
            yield json.dumps(row, ensure_ascii=False) + "\n"


def _row(
    image: ImageRecord, tile: TileRecord, boxes: Any, min_marked: int
) -> dict[str, Any]:
    (top, bottom), (left, right) = boxes[tile.index]
    return {
        "file_name": tile.file,
        "mask_file_name": tile.mask,
        "source": image.source,
        "image_id": image.id,
        "index": tile.index,
        "box": [[top, bottom], [left, right]],
        "x": left,
        "y": top,
        "width": right - left,
        "height": bottom - top,
        "split": image.split,
        "label": tile_label(image.label, tile.marked, min_marked),
        "marked": tile.marked,
    }
