"""What the tilers of all backends share: the settings, and grids made from them."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.random_starts import random_starts, random_starts_inside
from reftiler.settings import TilerSettings
from reftiler.validation import Real, Sizes, as_exact_ints, as_ints

__all__ = ["BaseTiler"]


class BaseTiler(TilerSettings):
    """The settings of a tiler, and the grids that they give.

    `reftiler.Tiler` adds what is done to arrays, `reftiler.torch.Tiler` what is done
    to tensors.
    """

    def grid(self, image_size: Sequence[int]) -> Grid:
        """Plan the tiles of an image of ``image_size``, its R spatial sizes."""
        return Grid(self, image_size)  # type: ignore[arg-type]

    def random(
        self,
        image_size: Sequence[int],
        count: int,
        seed: int,
        align: Sizes | None = None,
        *,
        inside: Any = None,
        share: Real | Fraction | None = None,
    ) -> Grid:
        """Plan ``count`` random tiles, the same on every platform and in every version.

        Parameters
        ----------
        image_size : sequence of R ints
            No side may be smaller than the tile's.
        count : int
            How many tiles.
        seed : int
            0 to 2**128 − 1; the same seed gives the same tiles.
        align : int or sequence of R ints, optional
            Starts are multiples of this, so that scaled tiles can be merged; by
            default of the tiler's ``align``, of which it must be a multiple.
        inside : array_like or Tensor, shape image_size, optional
            Pixels that are not zero are marked: a share of the tiles hold one, of
            which each is equally likely, at any place in the tile. The other tiles
            lie anywhere, as those without ``inside`` do.
        share : int, float or Fraction, optional
            Which share of the tiles that is, 0 to 1; by default 1/3.

        Raises
        ------
        TypeError
            If an argument is of the wrong type.
        TilingError
            If the image is smaller than the tile, ``align`` is no multiple of the
            tiler's, the mask has another size or marks no pixel that a tile can hold,
            or ``share`` comes without ``inside``.

        Examples
        --------
        >>> import numpy as np
        >>> from reftiler import Tiler
        >>> mask = np.zeros((500, 400), bool)
        >>> mask[200:210, 300:310] = True
        >>> grid = Tiler(64).random(mask.shape, 30, seed=0, inside=mask, share=0.5)
        >>> len(grid.touching(mask)) >= 15
        True
        """
        size = as_exact_ints(image_size, "image_size", rank=self.rank, minimum=1)
        align = self._random_align(align)
        if inside is None:
            if share is not None:  # RANDOM-010
                raise TilingError(
                    f"share={share} needs inside=: a mask of the pixels of which a "
                    "share of the tiles hold one"
                )
            starts = random_starts(size, self.tile_size, count, seed, align)
        else:
            starts = random_starts_inside(
                size,
                self.tile_size,
                count,
                seed,
                align,
                inside,
                1 / 3 if share is None else share,
            )
        return Grid(self, size, starts)

    def _random_align(self, align: Sizes | None) -> tuple[int, ...]:
        """Return what random starts are multiples of, each of the tiler's own."""
        if align is None:  # GRID-017
            return self.align
        aligns = as_ints(align, "align", rank=self.rank, minimum=1)
        if any(a % own for a, own in zip(aligns, self.align, strict=True)):
            raise TilingError(
                f"align={aligns} of random tiles is no multiple of the tiler's "
                f"{self.align}: leave it out, or use a Tiler with align=1"
            )
        return aligns

    def scatter(
        self, image_size: Sequence[int], starts: Sequence[Sequence[int]]
    ) -> Grid:
        """Plan tiles at ``starts``, K rows of R image pixels."""
        return Grid(self, image_size, starts)  # type: ignore[arg-type]

    def show(
        self,
        image: Any,
        mask: Any = None,
        maps: Any = None,
        *,
        block: bool | None = None,
    ) -> Any:
        """Show in a window how this tiler cuts images; see `reftiler_gui.view`.

        Parameters
        ----------
        image, mask, maps : array-like, tensor, path, or sequence of these
            Images, what marks their defects, and anomaly maps.
        block : bool, optional
            Whether to return only when the window is closed; by default so in
            scripts, but not in IPython and Jupyter.

        Raises
        ------
        ImportError
            If the extra ``gui`` is missing: ``pip install "reftiler[gui]"``.

        Examples
        --------
        >>> Tiler(256, overlap=64).show("part.png")  # doctest: +SKIP
        """
        import reftiler_gui  # noqa: PLC0415 - it needs an extra

        return reftiler_gui.view(image, mask, maps, self, block=block)
