"""The tiles of all images of a data set as torch takes them, and their order."""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from reftiler.apply import extract_tile
from reftiler.base_tiler import BaseTiler
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.io.datasets import GOOD, ImageEntry, find_images, open_pair
from reftiler.io.info import DEFAULT_OPTIONS, ReadOptions
from reftiler.io.lazy import size_of
from reftiler.random_starts import as_share, can_hold
from reftiler.streaming.stores import ReadableArray
from reftiler.torch.data.transforms import seeded, transformed
from reftiler.torch.numpy_bridge import as_tensor
from reftiler.validation import Real, as_bool, as_int, count_of, first_few

CACHE_BYTES = 2**29
"""Bytes of images and masks that each worker keeps, by default."""

_MAX_GRIDS = 1024
_MAX_SEED = 2**64 - 1
_MAX_EPOCH = 2**32 - 1


class ImagePair(NamedTuple):
    """An image and its mask: in memory, or read by slices."""

    image: ReadableArray
    mask: ReadableArray | None

    @property
    def nbytes(self) -> int:
        """Bytes of both in memory."""
        arrays = [array for array in self if array is not None]
        return sum(size_of(array.shape, array.dtype) for array in arrays)


class ImageCache:
    """The images that were used last; larger ones than all may be are not kept."""

    def __init__(self, max_bytes: int, open_pair: Callable[[int], ImagePair]) -> None:
        self._max_bytes, self._open = max_bytes, open_pair
        self._held: OrderedDict[int, ImagePair] = OrderedDict()
        self._bytes = 0

    def __getitem__(self, number: int) -> ImagePair:
        """Return an image; room is made before it is read."""
        if number in self._held:
            self._held.move_to_end(number)
            return self._held[number]
        image, mask = pair = self._open(number)
        if pair.nbytes > self._max_bytes:
            return pair
        while self._bytes + pair.nbytes > self._max_bytes:
            self._bytes -= self._held.popitem(last=False)[1].nbytes
        pair = ImagePair(image[...], None if mask is None else mask[...])
        self._held[number] = pair
        self._bytes += pair.nbytes
        return pair


class TileDataset(Dataset[dict[str, Any]]):
    """The tiles of the images of a data set, with their masks and labels.

    Map-style: ``data[n]`` is a dict of what `torch.utils.data.default_collate` takes.
    It follows from the arguments, the epoch and ``n`` alone, random tiles and random
    transforms included: however many workers a loader has and in which order it asks,
    an epoch is the same.

    Images are decoded once and kept by each worker, as many as ``cache_bytes`` holds;
    of larger ones only the tile is read. Where not all images fit, load in the order
    of a `TileSampler`: a loader's ``shuffle=True`` decodes an image for nearly every
    tile then.

    Parameters
    ----------
    source : path-like or sequence of ImageEntry
        A data set or folder, as `reftiler.io.datasets.find_images` takes it, or what
        that found.
    tiler : reftiler.Tiler or reftiler.torch.Tiler
        How images are cut. Masks are cut alike, but that constant padding marks
        nothing.
    split : str, optional
        Only images of this split: ``train``, ``test``; by default all.
    masks : bool, optional
        Whether items have masks. Images whose label is ``good`` need no mask file;
        any other must have one. By default whether there is a mask file.
    random : int, optional
        How many random tiles of each image are an epoch, other ones in each; by
        default the tiles of the fitted grid.
    inside : bool
        Whether a share of the random tiles hold a marked pixel, as `Tiler.random` has
        it; images whose mask marks nothing that a tile can hold have tiles anywhere.
    share : int, float or Fraction, optional
        Which share, by default 1/3.
    transform : callable, optional
        Called with each tile and its mask: torchvision's v2, albumentations, or
        any that takes ``(image, mask)``, or ``(image)`` without masks, as tensors and
        returns as many.
    seed : int
        Of random tiles and of transforms, 0 to 2**64 − 1.
    cache_bytes : int
        Bytes of decoded images and masks that each worker keeps.
    options : ReadOptions
        How images are read, with 8 bits or 16, of which channels.
    mask_threshold : float, optional
        As for `reftiler.io.open_mask`.

    Attributes
    ----------
    entries : tuple of ImageEntry
        The images.
    masks : bool
        Whether items have masks.
    epoch : int
        Which epoch it is; see `set_epoch`.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    TilingError
        If there is no image, an image is smaller than the tile where the tiler refuses
        that, a mask has another size than its image or is missing, or ``inside`` is
        asked for where no image has a mask. The files are named.

    Examples
    --------
    >>> import tempfile
    >>> from torch.utils.data import DataLoader
    >>> from reftiler import Tiler
    >>> from reftiler.io import write_image
    >>> from reftiler.torch.data import TileDataset, TileSampler
    >>> folder = tempfile.TemporaryDirectory()
    >>> image, mask = np.zeros((300, 400, 3), np.uint8), np.eye(300, 400) > 0
    >>> write_image(f"{folder.name}/part.png", image)
    >>> write_image(f"{folder.name}/part_mask.png", mask)
    >>> data = TileDataset(folder.name, Tiler(128, 96))
    >>> loader = DataLoader(data, batch_size=8, sampler=TileSampler(data))
    >>> batch = next(iter(loader))
    >>> batch["image"].shape, batch["mask"].shape, batch["label"].shape
    (torch.Size([8, 3, 128, 128]), torch.Size([8, 128, 128]), torch.Size([8]))
    """

    def __init__(  # noqa: PLR0913 - all but two are optional
        self,
        source: str | os.PathLike[str] | Sequence[ImageEntry],
        tiler: BaseTiler,
        *,
        split: str | None = None,
        masks: bool | None = None,
        random: int | None = None,
        inside: bool = False,
        share: Real | Fraction | None = None,
        transform: Callable[..., Any] | None = None,
        seed: int = 0,
        cache_bytes: int = CACHE_BYTES,
        options: ReadOptions = DEFAULT_OPTIONS,
        mask_threshold: float | None = None,
    ) -> None:
        self.entries = _entries(source, split)
        self.masks = _has_masks(self.entries, masks)
        if not isinstance(tiler, BaseTiler):
            raise TypeError(f"tiler must be a Tiler, got {type(tiler).__name__}")
        if tiler.rank != 2:
            raise TilingError(f"images have 2 spatial axes, the tiler {tiler.rank}")
        settings = {**tiler.to_dict(), "channels_last": True}
        self._tiler = BaseTiler.from_dict(settings)
        self._mask_tiler = BaseTiler.from_dict({**settings, "pad_value": 0})
        self._random = None if random is None else as_int(random, "random", minimum=1)
        self._inside = as_bool(inside, "inside")
        self._share = None if share is None else as_share(share)
        self._transform = transform
        self._seed = as_int(seed, "seed", minimum=0, maximum=_MAX_SEED)
        self._options, self._mask_threshold = options, mask_threshold
        self._cache_bytes = as_int(cache_bytes, "cache_bytes", minimum=0)
        if transform is not None and not callable(transform):
            raise TypeError(f"transform must be callable, got {transform!r}")
        if self._random is None and (self._inside or self._share is not None):
            raise TilingError("inside= and share= are of random tiles: give random=")
        if self._share is not None and not self._inside:
            raise TilingError("share= needs inside=True")
        if self._inside and not (self.masks and any(e.masks for e in self.entries)):
            raise TilingError(
                f"inside=True needs marked pixels, and of "
                f"{count_of(self.entries, 'image')} none has a mask that is read: "
                "leave it out"
            )
        # Workers that persist see another epoch in memory that they share.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()
        self._forget()
        counts = [self._count(number) for number in range(len(self.entries))]
        self._ends = np.cumsum(counts)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return a tile.

        Parameters
        ----------
        index : int
            All tiles of the first image come first, in the order of its grid.

        Returns
        -------
        dict
            ``image``, a tensor (C, h, w) of the file's own dtype; with masks ``mask``,
            a tensor (h, w) of bool; ``label``, 1 where the tile holds a marked pixel,
            not counting its context, else 0, and without masks the image's: 0 if
            good, 1 if not, −1 where that is not known; ``entry``, which image it is
            of; ``tile``, which of its tiles; ``box``, its first and one past its last
            pixel on both axes, a tensor (2, 2) as `Grid.boxes` has it. Transforms
            change image and mask; h and w are those of tiles with their context.

        Raises
        ------
        IndexError
            If there is no such tile.
        TilingError
            If its image cannot be read.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"there are tiles 0 to {len(self) - 1}, asked for {index}")
        index %= len(self)
        number = int(np.searchsorted(self._ends, index, "right"))
        k = index - self.tiles_of(number).start
        image, mask = self._cache[number]
        grid, mask_grid = self._grids_of(number, image.shape[:2], mask)
        tile = as_tensor(np.moveaxis(_cut(image, grid, k), -1, 0).copy())
        item: dict[str, Any] = {"image": tile}
        if self.masks:
            # An image without a mask file is good.
            marked = torch.zeros(mask_grid.tiler.input_size, dtype=torch.bool)
            if mask is not None:
                marked = as_tensor(_cut(mask, mask_grid, k)[..., 0])
            item["mask"] = marked
            # CONTEXT-008: marks of the context are its neighbours'
            item["label"] = int(item["mask"][self._tiler.inner].any())
        else:
            label = self.entries[number].label
            item["label"] = int(label != GOOD) if label else -1
        item |= {"entry": number, "tile": k}
        item["box"] = torch.from_numpy(grid.boxes[k].copy())
        if self._transform is not None:
            given = item["image"], item.get("mask")
            (word,) = np.random.Philox(key=self.key(index)).random_raw(1).tolist()
            with seeded(word, self._transform):
                item["image"], mask = transformed(self._transform, *given)
            if mask is not None:
                item["mask"] = mask
        return item

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_cache": None, "_grids": None}  # each worker has its own

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._forget()

    @property
    def epoch(self) -> int:
        """Which epoch it is: random tiles and transforms differ from one to another."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Begin an epoch, before a loader is iterated over; workers see it too."""
        self._epoch.fill_(as_int(epoch, "epoch", minimum=0, maximum=_MAX_EPOCH))

    def tiles_of(self, entry: int) -> range:
        """Return the indices of the tiles of an image."""
        first = 0 if entry == 0 else int(self._ends[entry - 1])
        return range(first, int(self._ends[entry]))

    def key(self, number: int) -> int:
        """Return the seed of what has a number in this epoch, below 2**128."""
        return (self._seed << 64) + (self.epoch << 32) + number

    def _forget(self) -> None:
        """Begin with no image in memory."""
        self._cache = ImageCache(self._cache_bytes, self._open)
        self._grids: dict[tuple[int, ...], tuple[Grid, Grid]] = {}

    def _open(self, number: int) -> ImagePair:
        entry = self.entries[number]
        if not self.masks:
            entry = replace(entry, masks=())
        return ImagePair(*open_pair(entry, self._options, self._mask_threshold))

    def _count(self, number: int) -> int:
        """Return how many tiles an image has; refuse image and mask before training."""
        image, _ = self._open(number)
        try:
            return len(self._grid(number, image.shape[:2], None))
        except TilingError as error:
            raise TilingError(f"{self.entries[number].image}: {error}") from error

    def _grids_of(
        self, number: int, size: tuple[int, ...], mask: Any
    ) -> tuple[Grid, Grid]:
        """Return where the tiles of an image and its mask lie in this epoch."""
        asked = size if self._random is None else (number, self.epoch)
        if asked not in self._grids:
            if len(self._grids) >= _MAX_GRIDS:
                self._grids.clear()
            grid = self._grid(number, size, mask)
            self._grids[asked] = grid, replace(grid, tiler=self._mask_tiler)
        return self._grids[asked]

    def _grid(self, number: int, size: tuple[int, ...], mask: Any) -> Grid:
        if self._random is None:
            return self._tiler.grid(size)
        marks: dict[str, Any] = {}
        if self._inside and mask is not None:
            marked = mask[...]
            if can_hold(marked, self._tiler.tile_size, self._tiler.align):
                marks = {"inside": marked, "share": self._share}
        return self._tiler.random(size, self._random, self.key(number), **marks)


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


def _entries(source: Any, split: str | None) -> tuple[ImageEntry, ...]:
    """Return the images of a source that are of a split."""
    if isinstance(source, str | os.PathLike):
        source = find_images(source)
    found = tuple(source)
    for entry in found:
        if not isinstance(entry, ImageEntry):
            raise TypeError(
                f"source must be a path, or what find_images found, got a "
                f"{type(entry).__name__} in it"
            )
    if not found:
        raise TilingError("source has no image")
    if split is None:
        return found
    chosen = tuple(entry for entry in found if entry.split == split)
    if not chosen:
        splits = ", ".join(sorted({repr(entry.split) for entry in found}))
        raise TilingError(f"no image is of the split {split!r}: there are {splits}")
    return chosen


def _has_masks(entries: Sequence[ImageEntry], asked: bool | None) -> bool:
    """Tell whether items have masks; refuse to take a missing one for an empty one."""
    masks = any(e.masks for e in entries) if asked is None else as_bool(asked, "masks")
    lacking = [e.image for e in entries if not e.masks and e.label != GOOD]
    if masks and lacking:
        raise TilingError(
            f"{count_of(lacking, 'image')} without a mask, not labelled {GOOD!r}: "
            f"{first_few(lacking)}; leave them out, or give masks=False"
        )
    return masks


def _cut(image: Any, grid: Grid, k: int) -> Any:
    """Return a tile (h, w, C) of an image (H, W, C) or (H, W)."""
    tile = extract_tile(image, grid, k)
    return tile[..., np.newaxis] if tile.ndim == 2 else tile
