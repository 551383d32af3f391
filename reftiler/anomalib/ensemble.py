"""anomalib's ``EnsembleTiler``: tiles by their place in the image, a model for each."""

from torch import Tensor

from reftiler.anomalib.images import check_image
from reftiler.anomalib.merging import merge
from reftiler.anomalib.tiler import Tiler
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.validation import Sizes, as_ints


class EnsembleTiler(Tiler):
    """Cut images of one size for an ensemble, which has a model for every place.

    Takes the place of the class of this name in
    ``anomalib.pipelines.tiled_ensemble.components.utils.ensemble_tiling``. Its tiles
    and maps are this package's (see the table in `reftiler.anomalib`): they keep
    their dtype, maps of another resolution merge at their own, and `untile` needs no
    earlier `tile`. What anomalib would cut wrongly is refused: images of another size
    than ``image_size``, and random tiles.

    Parameters
    ----------
    tile_size, stride
        As for `Tiler`.
    image_size : int or sequence of 2 ints
        Height and width of all images; no smaller than a tile.

    Attributes
    ----------
    image_size : tuple of int
        As given, height and width.
    num_tiles : int
        How many places there are: ``num_patches_h * num_patches_w``.

    Raises
    ------
    ValueError
        If the tile is larger than the image, or the stride than the tile.

    Examples
    --------
    >>> import torch
    >>> tiler = EnsembleTiler(tile_size=256, stride=128, image_size=512)
    >>> tiles = tiler.tile(torch.rand(4, 3, 512, 512))
    >>> tiles.shape
    torch.Size([3, 3, 4, 3, 256, 256])
    >>> tiler.untile(tiles).shape
    torch.Size([4, 3, 512, 512])
    """

    def __init__(self, tile_size: Sizes, stride: Sizes, image_size: Sizes) -> None:
        super().__init__(tile_size, stride)
        height, width = as_ints(image_size, "image_size", rank=2, minimum=1)
        self.image_size = height, width
        tile, _ = self._sides()
        if any(t > s for t, s in zip(tile, self.image_size, strict=True)):
            raise TilingError(
                f"the tile {tile} is larger than the image {self.image_size}: use a "
                "smaller tile"
            )
        grid = self._fitted(self.image_size)
        self.input_h, self.input_w = self.image_size
        self.resized_h, self.resized_w = (axis.padded_length for axis in grid.axes)
        self.num_patches_h, self.num_patches_w = grid.shape
        self.num_tiles = len(grid)

    def tile(self, image: Tensor, use_random_tiling: bool = False) -> Tensor:
        """Cut images into tiles.

        Parameters
        ----------
        image : Tensor, shape (N, C, H, W) or (C, H, W)
            Of the size ``image_size``.
        use_random_tiling : bool
            Must be False: random tiles have no place in common.

        Returns
        -------
        Tensor, shape (num_patches_h, num_patches_w, N, C, h, w)
            ``tiles[i, j]`` are the tiles of all images at one place.

        Raises
        ------
        TypeError
            If ``image`` is not a tensor.
        ValueError
            If images have another size, or tiles shall be random.
        """
        if use_random_tiling:
            raise TilingError(
                "an ensemble has a model for every place, and random tiles have none "
                "in common: use reftiler.anomalib.Tiler for them"
            )
        batch = check_image(image, (self.tile_size_h, self.tile_size_w))
        size = tuple(batch.shape[2:])
        if size != self.image_size:
            raise TilingError(
                f"the images are {size}, this ensemble is for {self.image_size}: "
                "resize them, or make a tiler of their size"
            )
        tiles = super().tile(batch)
        places = self._fitted(self.image_size).shape
        by_image = tiles.reshape(len(batch), *places, *tiles.shape[1:])
        return by_image.permute(1, 2, 0, 3, 4, 5)

    def untile(self, tiles: Tensor, grid: Grid | None = None) -> Tensor:
        """Merge the tiles or maps of all places.

        Parameters
        ----------
        tiles : Tensor, shape (num_patches_h, num_patches_w, N, C', h', w')
            Of any batch, cut by any tiler of these settings.
        grid : None
            Must be None: it is that of ``image_size``.

        Returns
        -------
        Tensor, shape (N, C', H', W')
            H' and W' are the image's times the scale of the tiles, rounded up.

        Raises
        ------
        TypeError
            If ``tiles`` is not a tensor.
        ValueError
            If places are missing, or tiles cannot be merged.
        """
        if not isinstance(tiles, Tensor):
            raise TypeError(f"tiles must be a torch tensor, got {type(tiles).__name__}")
        plan = self._fitted(self.image_size)
        if tiles.dim() != 6 or tuple(tiles.shape[:2]) != plan.shape:
            raise TilingError(
                f"tiles must be (*{plan.shape}, N, C, h, w), with those of every "
                f"place, got {tuple(tiles.shape)}"
            )
        if grid not in (None, plan):
            raise TilingError(
                f"the grid is not that of images of {self.image_size}: leave it out"
            )
        flat = tiles.permute(2, 0, 1, 3, 4, 5).flatten(0, 2)
        return merge(flat, plan, tiles.shape[2])
