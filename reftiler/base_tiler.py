"""What the tilers of all backends share: the settings, and grids made from them."""

from collections.abc import Sequence
from typing import Any

from reftiler.grid import Grid, random_starts
from reftiler.settings import TilerSettings
from reftiler.validation import Sizes, as_exact_ints

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
        self, image_size: Sequence[int], count: int, seed: int, align: Sizes = 1
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
        align : int or sequence of R ints
            Starts are multiples of this, so that scaled tiles can be merged.
        """
        size = as_exact_ints(image_size, "image_size", rank=self.rank, minimum=1)
        return Grid(self, size, random_starts(size, self.tile_size, count, seed, align))

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
