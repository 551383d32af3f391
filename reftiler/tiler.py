"""The numpy tiler: settings with verbs."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from reftiler import merging, tiling
from reftiler.applying import apply
from reftiler.base import BaseTiler
from reftiler.batches import Progress, map_tree
from reftiler.calls import resolve_tile, resolve_untile
from reftiler.errors import TilingError
from reftiler.grid import Grid

Array = NDArray[Any]


class Tiler(BaseTiler):  # noqa: D101 - the settings are documented where they are
    __doc__ = BaseTiler.__doc__

    def tile(
        self, image: Array, *, grid: Grid | None = None, out: Array | None = None
    ) -> Array:
        """Cut an image into tiles.

        Parameters
        ----------
        image : ndarray, shape (*S), (C, *S) or (N, C, *S)
            Of any fixed-size dtype; with ``channels_last`` (*S, C) or (N, *S, C).
        grid : Grid, optional
            A plan of this tiler's for this size, such as `random` makes; by default
            the fitted one.
        out : ndarray, optional
            Where to put the tiles.

        Returns
        -------
        ndarray, shape (K, *T), (K, C, *T) or (N·K, C, *T)
            New and contiguous (or ``out``), image-major, then row-major over the
            grid. Bits are moved, never changed.

        Raises
        ------
        TypeError
            If ``image`` or ``out`` is not an array, or ``grid`` not a grid.
        TilingError
            If the image does not suit the tiler, or ``grid`` or ``out`` the image.
        """
        array = _array(image, "image")
        call = resolve_tile(self, array.shape, array.dtype.name, grid)
        return tiling.tile(array, call, out)

    def view(self, image: Array) -> Array:
        """Return the windows of an image without copying a pixel.

        Parameters
        ----------
        image : ndarray
            As for `tile`.

        Returns
        -------
        ndarray, shape (…, *grid, *T), channels last (…, *grid, *T, C)
            Read-only, over the image's own memory.

        Raises
        ------
        TilingError
            If tiles are padded, resampled or unevenly spaced.
        """
        array = _array(image, "image")
        call = resolve_tile(self, array.shape, array.dtype.name, None)
        call.check_view()
        return tiling.view(array, call)

    def untile(
        self,
        tiles: Array,
        shape: Sequence[int],
        grid: Grid | None = None,
        *,
        scale: Any = None,
        dtype: DTypeLike | None = None,
        out: Array | None = None,
    ) -> Array:
        """Merge tiles into an image.

        Parameters
        ----------
        tiles : ndarray, shape (K, *T') or (K, C', *T'); N·K for a batch
            Of a real dtype of at most 64 bits. Channels and resolution may differ
            from the image's: T' is T times an exact fraction.
        shape : sequence of int
            The shape of the image that was tiled; its channels do not matter.
        grid : Grid, optional
            The plan that ``tile`` was given.
        scale : int, float, Fraction or sequence of R of them, optional
            T'/T; needed only where it differs between axes.
        dtype : dtype, optional
            The result's; by default the tiles'.
        out : ndarray, optional
            Where to put the result.

        Returns
        -------
        ndarray, shape (*S'), (C', *S') or (N, C', *S')
            S' is S times the scale, rounded up. Sums are float64 in ascending order
            of tiles, rounded once.

        Raises
        ------
        TypeError
            If an argument is of the wrong type.
        TilingError
            If shapes, counts or scale do not fit, pixels are in no tile and there is
            no ``fill``, or a NaN would become an integer (``out`` is then undefined).
        """
        array = _array(tiles, "tiles")
        result = array.dtype if dtype is None else np.dtype(dtype)
        call = resolve_untile(
            self, array.shape, array.dtype.name, shape, grid, scale, result.name
        )
        merged = tiling.output(out, call.result.shape, result, array)
        merging.merge(array, call, merged)
        return merged

    def apply(  # noqa: PLR0913 - all but two are optional
        self,
        model: Callable[[Array], Any],
        image: Array,
        *,
        batch_size: int = 16,
        grid: Grid | None = None,
        scale: Any = None,
        dtype: DTypeLike | None = None,
        progress: Progress | None = None,
    ) -> Any:
        """Run a model over the tiles of an image in batches and merge its results.

        Parameters
        ----------
        model : callable
            Takes up to ``batch_size`` tiles, as `tile` returns them; returns as many
            results: an array, or a tuple, list or dict of arrays.
        image : ndarray
            As for `tile`.
        batch_size : int
            How many tiles at a time.
        grid, scale, dtype
            As for `untile`.
        progress : callable, optional
            Wraps the list of batches, to show how far it is: ``tqdm.tqdm`` and
            ``rich.progress.track`` do.

        Returns
        -------
        ndarray, or tuple, list or dict of them
            What `untile` makes of the model's results.

        Raises
        ------
        TilingError
            If the model returns another number of results than it was given tiles.
        """
        array = _array(image, "image")
        call = resolve_tile(self, array.shape, array.dtype.name, grid)
        results = apply(model, array, call, batch_size, progress)

        def merge(tiles: Array) -> Array:
            return self.untile(tiles, array.shape, call.grid, scale=scale, dtype=dtype)

        return map_tree(merge, results)


def _array(value: Any, name: str) -> Array:
    if not isinstance(value, np.ndarray):
        raise TypeError(
            f"{name} must be a numpy array, got {type(value).__name__}: convert it "
            "with numpy.asarray"
        )
    if value.dtype.hasobject:
        raise TilingError(f"{name} cannot be {value.dtype}: give a fixed-size dtype")
    return value
