"""anomalib's tiler: a history of its calls around `reftiler.torch.Tiler`."""

import warnings

from torch import Tensor

from reftiler.anomalib.call_history import CallHistory, PerThreadAttribute, TileCall
from reftiler.anomalib.images import (
    ImageUpscaleMode,
    StrideSizeError,
    check_image,
    check_mode,
    check_tensor,
)
from reftiler.anomalib.merging import (
    check_grid,
    clamp_border,
    fit_grid,
    make_tiler,
    merge,
    torch_tiler,
)
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.validation import Real, Sizes, as_int, as_ints, as_real

_SEEDS = 2**64


class Tiler:
    """Cut and merge in anomalib's place; `reftiler.anomalib` lists what differs.

    Parameters
    ----------
    tile_size : int or sequence of 2 ints
        Height and width of a tile; an int means a square.
    stride : int or sequence of 2 ints, optional
        Pixels between the starts of neighbouring tiles; by default the tile's size.
    remove_border_count : int
        Pixels at the edges of a tile that do not contribute to the merge, except
        where the edge is the image's own. Where tiles would no longer meet, less is
        removed, with a warning.
    mode : ImageUpscaleMode
        What to do where the tiles do not fill the image exactly.
    seed : int
        Of the random tiles, 0 to 2**64 − 1: the same seed gives the same sequence.
    fill : float
        What `untile` shows where there is no random tile.

    Attributes
    ----------
    tile_size_h, tile_size_w, stride_h, stride_w, remove_border_count, mode, seed, fill
        As given; a later change takes effect with the next call of `tile`.
    overlapping : bool
        Whether tiles share pixels.
    random_tile_count : int
        How many random tiles to cut of each image; 4 until you change it.
    random_tile_align : int
        Random tiles start at multiples of this; 1 until you change it.
    batch_size, num_channels, input_h, input_w : int
        Of the images that `tile` last cut in this thread, as all that follow.
    resized_h, resized_w, pad_h, pad_w : int
        The size that the tiles fill, and how much of it is padding.
    num_patches_h, num_patches_w : int
        Tiles along each axis; of random tiles their count and 1.
    """

    batch_size = PerThreadAttribute()
    num_channels = PerThreadAttribute()
    input_h = PerThreadAttribute()
    input_w = PerThreadAttribute()
    pad_h = PerThreadAttribute()
    pad_w = PerThreadAttribute()
    resized_h = PerThreadAttribute()
    resized_w = PerThreadAttribute()
    num_patches_h = PerThreadAttribute()
    num_patches_w = PerThreadAttribute()

    def __init__(
        self,
        tile_size: Sizes,
        stride: Sizes | None = None,
        remove_border_count: int = 0,
        mode: ImageUpscaleMode | str = ImageUpscaleMode.PADDING,
        *,
        seed: int = 0,
        fill: Real = 0,
    ) -> None:
        tile = as_ints(tile_size, "tile_size", rank=2, minimum=1)
        step = tile if stride is None else as_ints(stride, "stride", rank=2, minimum=1)
        if any(s > t for s, t in zip(step, tile, strict=True)):
            raise StrideSizeError(
                f"stride {step} is larger than the tile {tile}: pixels between the "
                "tiles would be lost; use a stride of at most the tile size"
            )
        self.tile_size_h, self.tile_size_w = tile
        self.stride_h, self.stride_w = step
        self.overlapping = step != tile
        self.remove_border_count = as_int(
            remove_border_count, "remove_border_count", minimum=0
        )
        self.mode = check_mode(mode)
        self.random_tile_count = 4
        self.random_tile_align = 1
        self.seed = as_int(seed, "seed", minimum=0)
        if self.seed >= _SEEDS:
            raise TilingError(f"seed must be below 2**64, got {seed}")
        self.fill = as_real(fill, "fill")
        self._history = CallHistory()
        removed = clamp_border(self._border(), tile, step)
        if removed != self._border():
            warnings.warn(
                f"remove_border_count={remove_border_count} would leave pixels without "
                f"a tile: {removed} (height, width) are removed, with which the tiles "
                "still meet; use that, or a smaller stride",
                stacklevel=2,
            )

    @staticmethod
    def validate_size_type(parameter: Sizes) -> tuple[int, int]:
        """Return a height and a width, given as an int or a sequence of two."""
        height, width = as_ints(parameter, "size", rank=2, minimum=1)
        return height, width

    @property
    def grid(self) -> Grid:
        """Where the tiles that `tile` last cut in this thread lie.

        All that it takes to merge them later or elsewhere: pass it to `untile`, or
        keep its JSON.

        Raises
        ------
        AttributeError
            Before the first call of `tile`.
        """
        calls = self._history.calls
        if not calls:
            raise AttributeError("grid is known after the first call of tile()")
        return calls[0].grid

    def tile(self, image: Tensor, use_random_tiling: bool = False) -> Tensor:
        """Cut images into tiles, and remember how.

        Parameters
        ----------
        image : Tensor, shape (N, C, H, W) or (C, H, W)
            Of any dtype, on any device; no smaller than a tile.
        use_random_tiling : bool
            Cut ``random_tile_count`` tiles at random places, the same ones of every
            image of the batch, anew with each call.

        Returns
        -------
        Tensor, shape (N·K, C, h, w)
            A new tensor: the tiles of the first image row by row, then the next.

        Raises
        ------
        TypeError
            If ``image`` is not a tensor.
        ValueError
            If it has other axes, or is smaller than a tile.
        """
        batch = check_image(image, (self.tile_size_h, self.tile_size_w))
        size = (int(batch.shape[2]), int(batch.shape[3]))
        grid = self._random(size) if use_random_tiling else self._fitted(size)
        tiles = torch_tiler(grid).tile(batch, grid=grid)
        self._history.append(TileCall(grid, batch.shape[0], tiles))
        self.batch_size, self.num_channels = batch.shape[:2]
        self.input_h, self.input_w = grid.image_size
        (_, self.pad_h), (_, self.pad_w) = grid.padding
        self.resized_h, self.resized_w = (axis.padded_length for axis in grid.axes)
        self.num_patches_h, self.num_patches_w = (*grid.shape, 1)[:2]
        return tiles

    def untile(self, tiles: Tensor, grid: Grid | None = None) -> Tensor:
        """Merge tiles into the images that were cut.

        Parameters
        ----------
        tiles : Tensor, shape (N·K, C, h, w)
            The tiles that `tile` returned or what a model made of them: channels and
            resolution may differ.
        grid : Grid, optional
            How they were cut; without it, they belong to a call of `tile` in this
            thread: the one that returned this very tensor, or else the latest that
            returned so many tiles and was not merged before the next.

        Returns
        -------
        Tensor, shape (N, C, H', W')
            H' and W' are the image's times the scale of the tiles, rounded up.

        Raises
        ------
        TypeError
            If an argument is of the wrong type.
        ValueError
            If the tiles belong to no call, or cannot be merged.
        """
        check_tensor(tiles, "tiles", (4,))
        if grid is not None:
            return merge(tiles, check_grid(grid), max(1, tiles.shape[0] // len(grid)))
        call = self._history.find(tiles) or self._from_attributes(tiles)
        merged = merge(tiles, call.grid, call.batch)
        call.merged = True
        return merged

    def __repr__(self) -> str:
        return (
            f"Tiler(tile_size={(self.tile_size_h, self.tile_size_w)}, "
            f"stride={(self.stride_h, self.stride_w)}, "
            f"remove_border_count={self.remove_border_count}, "
            f"mode={check_mode(self.mode).value!r})"
        )

    def _fitted(self, size: tuple[int, int]) -> Grid:
        tile, stride = self._sides()
        border = clamp_border(self._border(), tile, stride)
        mode = check_mode(self.mode).value
        return fit_grid(make_tiler(tile, stride, border, mode, None), size)

    def _random(self, size: tuple[int, int]) -> Grid:
        tile, _ = self._sides()
        border = clamp_border(self._border(), tile, (1, 1))
        tiler = make_tiler(tile, (1, 1), border, "padding", self.fill)
        key = (self.seed << 64) + self._history.next_draw()
        count, align = self.random_tile_count, self.random_tile_align
        return tiler.random(size, count, key, align)

    def _sides(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return (self.tile_size_h, self.tile_size_w), (self.stride_h, self.stride_w)

    def _border(self) -> tuple[int, int]:
        return self.remove_border_count, self.remove_border_count

    def _from_attributes(self, tiles: Tensor) -> TileCall:
        """Return a call made up of the attributes, which a subclass may have set."""
        described = None
        height, width = map(self._history.read, ("input_h", "input_w"))
        if height is not None and width is not None:
            batch = self._history.read("batch_size") or 1
            described = TileCall(self._fitted((height, width)), batch)
            if described.matches(len(tiles)):
                return described
        latest = next(iter(self._history.calls), described)
        if latest is None:
            raise TilingError(
                "untile needs to know how the image was cut: call tile first, or give "
                "untile a grid"
            )
        batch, count = latest.batch, len(latest.grid)
        raise TilingError(
            f"got {len(tiles)} tiles, but tile last returned {batch * count} ({batch} "
            f"× {count}): give untile all of them, or the grid that they were cut by"
        )
