"""Running a module over tiles, batch by batch, and merging as results come."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from reftiler.batches import (
    Progress,
    check_later,
    check_results,
    map_tree,
    named,
    split,
)
from reftiler.plan import TilePlan
from reftiler.torch.cutting import cut
from reftiler.torch.planes import planes

Model = Callable[[Tensor], Any]


class Gathered:
    """Keeps all results and merges them at the end, so that gradients flow."""

    def __init__(self, merge: Callable[[Tensor], Tensor]) -> None:
        self.merge = merge
        self.tiles: list[Tensor] = []

    def add(self, first: int, tiles: Tensor) -> None:
        """Keep the tiles from number ``first`` on."""
        del first  # batches come in order
        self.tiles.append(tiles)

    def finish(self) -> Tensor:
        """Merge all tiles."""
        return self.merge(torch.cat(self.tiles))


def apply(
    model: Model,
    image: Tensor,
    call: TilePlan,
    batch_size: int,
    progress: Progress | None,
    merger: Callable[[Tensor], Any],
) -> Any:
    """Return the merged results in the structure that the model returns.

    ``merger`` makes of the first batch's result what merges all of them: an object
    with ``add(first, tiles)`` and ``finish()``, which returns the merged image.
    """
    device = device_of(model, image)
    batches = split(call.tiles.batch_size, batch_size)
    mergers: Any = None
    before: Any = None
    for batch in batches if progress is None else progress(batches):
        tiles = cut_batch(image, call, batch).to(device, non_blocking=True)
        with named(batch, call):
            results = model(tiles)
        check_results(results, len(batch), Tensor)
        if mergers is None:
            # Not a view, which would keep the whole batch.
            before = map_tree(
                lambda leaf: leaf.new_empty((0, *leaf.shape[1:])), results
            )
            mergers = map_tree(merger, results)
        check_later(results, before)
        map_tree(partial(_add, batch.start, image.device), mergers, results)
        del tiles, results  # lest two batches exist while the model runs
    return map_tree(lambda merger: merger.finish(), mergers)


def device_of(model: Model, image: Tensor) -> torch.device:
    """Return where a module's first parameter or buffer is, else the image's device."""
    if isinstance(model, nn.Module):
        for tensor in (*model.parameters(), *model.buffers()):
            return tensor.device
    return image.device


def cut_batch(image: Tensor, call: TilePlan, batch: range) -> Tensor:
    """Cut the tiles whose numbers, image-major, are in ``batch``."""
    source = planes(image, call.image)
    shape = (len(batch), *call.tiles.shape[1:])
    tiles = torch.empty(shape, dtype=image.dtype, device=image.device)
    target = planes(tiles, call.tiles)
    for place, number in enumerate(batch):
        n, k = divmod(number, len(call.grid))
        cut(source[n], call.grid, k, target[place])
    return tiles


def _add(first: int, device: torch.device, merger: Any, tiles: Tensor) -> None:
    merger.add(first, tiles.to(device))
