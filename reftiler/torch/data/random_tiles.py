"""Random tiles of images and masks, as a module or transform."""

from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.random_starts import as_share, can_hold
from reftiler.settings import TilerSettings
from reftiler.torch.tiler import Tiler
from reftiler.torch.validation import check_tensor
from reftiler.validation import Real, Sizes, as_int, as_ints


class RandomTiles(nn.Module):
    """Cut random tiles of images, and the same ones of their masks.

    Places come from torch's default generator: `torch.manual_seed` repeats them, and
    the workers of a loader have other ones each. From the same state they are the same
    on every device.

    Parameters
    ----------
    tiler : reftiler.Tiler or reftiler.torch.Tiler
        Whose tile size and layout are used.
    count : int
        How many tiles of each image.
    align : int or sequence of R ints, optional
        Tiles start at multiples of this; by default of the tiler's ``align``.
    share : int, float or Fraction, optional
        With masks, this share of the tiles hold a marked pixel, as `Tiler.random` has
        it; images whose mask marks nothing that a tile can hold have tiles anywhere.
        By default tiles lie anywhere, and masks are cut alike.

    Raises
    ------
    TypeError, TilingError
        As `Tiler.random`, when it is called.

    Examples
    --------
    >>> from reftiler.torch import Tiler
    >>> cut = RandomTiles(Tiler(64), count=8, share=1 / 3)
    >>> images, masks = torch.rand(4, 3, 200, 300), torch.zeros(4, 200, 300)
    >>> masks[:, 50:60, 70:80] = 1
    >>> tiles, marked = cut(images, masks)
    >>> tiles.shape, marked.shape
    (torch.Size([32, 3, 64, 64]), torch.Size([32, 64, 64]))
    """

    def __init__(
        self,
        tiler: TilerSettings,
        count: int,
        *,
        align: Sizes | None = None,
        share: Real | Fraction | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(tiler, TilerSettings):
            raise TypeError(f"tiler must be a Tiler, got {type(tiler).__name__}")
        self.tiler = Tiler.from_dict(tiler.to_dict())
        self.count = as_int(count, "count", minimum=1)
        self.align = self.tiler.align
        if align is not None:
            self.align = as_ints(align, "align", rank=self.tiler.rank, minimum=1)
        self.share = None if share is None else as_share(share)

    def forward(
        self, image: Tensor, mask: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Cut tiles.

        Parameters
        ----------
        image : Tensor, shape (*S), (C, *S) or (N, C, *S)
            As for `reftiler.torch.Tiler.tile`; each image has tiles of its own.
        mask : Tensor, shape (*S), (1, *S), (N, *S) or (N, 1, *S), optional
            What is not zero is marked, in any channel.

        Returns
        -------
        Tensor, shape (count, *T), (count, C, *T) or (N·count, C, *T)
            All tiles of the first image, then those of the next; with a mask a tuple
            of this and the tiles of the mask, with its channels if it has any.
        """
        check_tensor(image, "image")
        images = image.unbind() if image.dim() == self.tiler.rank + 2 else (image,)
        masks = self._masks(mask, image, len(images))
        grids = list(map(self._grid, images, masks))
        pairs = zip(images, grids, strict=True)
        tiles = torch.cat([self.tiler.tile(one, grid=grid) for one, grid in pairs])
        if mask is None:
            return tiles
        return tiles, torch.cat(list(map(self._cut_mask, masks, grids)))

    def extra_repr(self) -> str:
        """Return the settings, as they show in the module's text."""
        return f"{self.tiler}, count={self.count}, align={self.align}"

    def _masks(self, mask: Any, image: Tensor, count: int) -> tuple[Any, ...]:
        """Return a mask for each image."""
        if mask is None:
            if self.share is not None:
                raise TilingError(
                    "share= needs masks: call it with image and mask, "
                    "or leave share out"
                )
            return (None,) * count
        check_tensor(mask, "mask")
        if image.dim() != self.tiler.rank + 2:
            return (mask,)
        if len(mask) != count:
            raise TilingError(f"got {len(mask)} masks of {count} images: give each one")
        return tuple(mask.unbind())

    def _grid(self, image: Tensor, mask: Tensor | None) -> Grid:
        shape, rank = tuple(image.shape), self.tiler.rank
        last = self.tiler.channels_last and len(shape) > rank
        size, marks = shape[:rank] if last else shape[-rank:], dict[str, Any]()
        if mask is not None:
            planes = mask[None] if mask.dim() == rank else mask
            if planes.dim() != rank + 1 or tuple(planes.shape[1:]) != size:
                raise TilingError(
                    f"the mask is {tuple(mask.shape)}, its image {size}: give a mask "
                    "of the image's own size"
                )
            marked = planes.ne(0).any(0).cpu().numpy()
            tile = self.tiler.tile_size
            if self.share is not None and can_hold(marked, tile, self.align):
                marks = {"inside": marked, "share": self.share}
        seed = int(torch.randint(2**63 - 1, (), dtype=torch.int64))
        return self.tiler.random(size, self.count, seed, self.align, **marks)

    def _cut_mask(self, mask: Tensor, grid: Grid) -> Tensor:
        settings = {**self.tiler.to_dict(), "channels_last": False, "pad_value": 0}
        tiler = Tiler.from_dict(settings)
        own = tiler.scatter(grid.image_size, grid.starts.tolist())
        return tiler.tile(mask, grid=own)
