"""The order in which tiles are loaded so that images are decoded once."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

from reftiler.torch.data.tile_dataset import TileDataset
from reftiler.validation import as_int

__all__ = ["TileSampler"]


class TileSampler(Sampler[int]):
    """Shuffles images, and the tiles of a few of them at a time.

    Each worker then needs only these few in memory. The order is that of the data
    set's seed and epoch: every epoch another, the same in every process.

    Parameters
    ----------
    data : TileDataset
        Whose tiles are loaded.
    images : int
        The tiles of how many images are mixed: more of them mix better, and take as
        much more of each worker's ``cache_bytes``.

    Examples
    --------
    ``DataLoader(data, batch_size=32, sampler=TileSampler(data), num_workers=2)``
    """

    def __init__(self, data: TileDataset, images: int = 16) -> None:
        if not isinstance(data, TileDataset):
            raise TypeError(f"data must be a TileDataset, got {type(data).__name__}")
        self._data, self._images = data, as_int(images, "images", minimum=1)

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[int]:
        # Raw words, sorted: numpy's own shuffles may change with its versions. The
        # last number of an epoch is no image's.
        words = np.random.Philox(key=self._data.key(2**32 - 1))
        count = len(self._data.entries)
        order = np.argsort(words.random_raw(count), kind="stable").tolist()
        for first in range(0, count, self._images):
            group = order[first : first + self._images]
            tiles = np.concatenate([self._data.tiles_of(number) for number in group])
            shuffled = np.argsort(words.random_raw(len(tiles)), kind="stable")
            yield from tiles[shuffled].tolist()
