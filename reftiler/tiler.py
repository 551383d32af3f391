"""The numpy tiler: settings, and what is done with them to arrays."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from reftiler import cut, merge
from reftiler.apply import TileSource, apply, choose_tiles, part_of
from reftiler.base_tiler import BaseTiler
from reftiler.batching import Progress, batched
from reftiler.errors import TilingError
from reftiler.finish import Finish
from reftiler.grid import Grid
from reftiler.pixel_weights import check_weights
from reftiler.plan import plan_tile, plan_untile
from reftiler.settings import TilerSettings
from reftiler.streaming.arrays import ArrayLibrary
from reftiler.streaming.keywords import accepts_old_names
from reftiler.streaming.merger import MAX_MEMORY, Merger
from reftiler.streaming.reading import TileReader, read_tiles
from reftiler.streaming.stores import ReadableArray
from reftiler.validation import as_bool, refuse_masked

Array = NDArray[Any]


class Tiler(BaseTiler):  # noqa: D101 - the settings are documented where they are
    __doc__ = TilerSettings.__doc__

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
            grid. Bits are moved, never changed. T is larger by the context.

        Raises
        ------
        TypeError
            If ``image`` or ``out`` is not an array, or ``grid`` not a grid.
        TilingError
            If the image does not suit the tiler, or ``grid`` or ``out`` the image.
        """
        # TILER-003, TILER-004: the arguments alone decide; TILER-005: they stay
        array = _array(image, "image")
        call = plan_tile(self, array.shape, array.dtype.name, grid)
        return cut.tile(array, call, out)

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
        call = plan_tile(self, array.shape, array.dtype.name, None)
        call.check_view()
        return cut.view(array, call)

    def untile(
        self,
        tiles: Array,
        shape: Sequence[int],
        grid: Grid | None = None,
        *,
        scale: Any = None,
        dtype: DTypeLike | None = None,
        out: Array | None = None,
        weights: Array | None = None,
        finish: Callable[[Array], Array] | None = None,
    ) -> Array:
        """Merge tiles into an image.

        The mean of class labels is no label: merge labels with ``merge="vote"``, or
        the scores of classes by their mean and take the argmax of the result.

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
            T'/T; needed only where it differs between axes, and where tiles that have
            a context come at another resolution. Tiles may come with their context,
            which is dropped, or without it.
        dtype : dtype, optional
            The result's; by default the tiles'.
        out : ndarray, optional
            Where to put the result.
        weights : ndarray, shape (K, *T'); N·K for a batch, optional
            A weight for each pixel of each tile and all its channels, of a real dtype
            of at most 64 bits, which multiplies that of the window: 0 where the tile
            takes no part, else within 2**-512 and 2**512. For means and votes alone.
        finish : callable, optional
            Is given the result block by block, and what it returns is the result
            instead: such as ``lambda block: block.argmax(0)`` of the scores of many
            classes, which then are in memory for a block alone. See Notes.

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
            no ``fill``, a NaN would become an integer (``out`` is then undefined), or
            ``finish`` returns what cannot be the result. If weights do not fit the
            tiles or the merge, or one is no weight. An error of ``finish`` is raised as
            it is, with a note that names the pixels.

        Notes
        -----
        ``finish`` gets a block of one image of the result, (C', *B) or without
        channels (*B), of its dtype and with ``fill`` in it; with ``channels_last``
        (*B, C'). It may write there. It returns the same pixels, with any number of
        channels or none, in any dtype that can be merged; which ones is learned from a
        block of zeros. It must treat each pixel by itself: how an image is cut into
        blocks is not promised, so that one that looks at neighbours is wrong.

        Examples
        --------
        >>> tiler, scores = Tiler(4), np.zeros((4, 100, 4, 4), np.float32)
        >>> scores[:, 7] = 1
        >>> labels = tiler.untile(scores, (8, 8), finish=lambda b: b.argmax(0))
        >>> labels.shape, labels.max().item()
        ((8, 8), 7)
        """
        array = _array(tiles, "tiles")
        result = array.dtype if dtype is None else np.dtype(dtype)
        given = None if weights is None else _array(weights, "weights")
        call = plan_untile(
            self,
            array.shape,
            array.dtype.name,
            shape,
            grid,
            scale,
            result.name,
            weights=None if given is None else (given.shape, given.dtype.name),
        )
        last = None
        form = (call.result.shape, result)  # MERGE-021, OUT-001, TYPE-006
        if finish is not None:  # FINISH-003
            arrays = ArrayLibrary()
            last = Finish.learn(finish, call.geometry, call.result, result, arrays)
            form = (last.result.shape, last.dtype)
        merged = cut.check_out(out, *form, array)
        if given is not None:
            cut.check_out(out, *form, given)
            given = call.weights_without_context(given)
            check_weights(given, range(len(given)))
        inner = call.without_context(array)
        if last is None:
            merge.merge(inner, call, merged, given)
        else:  # FINISH-001, FINISH-002
            last.merge_images(inner, call, merge.merge, merged, given)
        return merged

    @accepts_old_names
    def apply(  # noqa: PLR0913 - all but two are optional
        self,
        model: Callable[..., Any],
        image: ReadableArray,
        *,
        batch_size: int = 16,
        grid: Grid | None = None,
        scale: Any = None,
        dtype: DTypeLike | None = None,
        progress: Progress | None = None,
        out: Any = None,
        max_memory: int | None = MAX_MEMORY,
        checkpoint: str | PathLike[str] | None = None,
        where: ArrayLike | None = None,
        indices: bool = False,
        read_ahead: bool = True,
        finish: Any = None,
    ) -> Any:
        """Run a model over the tiles of an image in batches and merge its results.

        Tiles are read as they are needed and results merged as they come, so that
        image and results may be larger than memory.

        Parameters
        ----------
        model : callable
            Takes up to ``batch_size`` tiles, as `tile` returns them; returns as many
            results: an array, or a tuple, list or dict of arrays.
        image : ndarray, or store
            As for `tile`; or anything with ``shape``, ``dtype`` and slices, such as a
            memory map or an array of zarr or h5py.
        batch_size : int
            How many tiles at a time.
        grid, scale, dtype
            As for `untile`.
        progress : callable, optional
            Wraps the list of batches, to show how far it is: ``tqdm.tqdm`` and
            ``rich.progress.track`` do.
        out : store, callable, or tuple, list or dict of them, optional
            Where the results go, built like them: anything with ``shape``, ``dtype``
            and assignment to slices, or what makes it of a shape and a dtype, as
            `numpy.empty`. By default new arrays.
        max_memory : int or None
            With ``out``: bytes of each result's tiles that wait in memory for others;
            more wait in a file, in ``checkpoint`` or where `tempfile` puts it. None
            means all.
        checkpoint : path-like, optional
            A folder by which a later call continues where this one was ended, by an
            error or with its process. It is emptied at the end. Then ``out`` must be
            a store that is still there; see `reftiler.streaming.Merger`.
        where : array_like, shape (*S), optional
            Only tiles that hold a pixel that is not zero are computed, of all images
            of a batch alike; other pixels become the tiler's ``fill``. With
            ``indices`` the model is still given the tiles' numbers among all.
        indices : bool
            Whether the model is called as ``model(tiles, indices, boxes)``: with the
            indices of its tiles, shape (B,), image-major over all images, and their
            boxes as `Grid.boxes` has them, shape (B, R, 2); both int64.
        read_ahead : bool
            Whether the next batch is read in a thread while the model works, so that
            there are two in memory. False for images that one thread alone may read.
        finish : callable, or tuple, list or dict of them and None, optional
            Built like the model's results: a function of blocks of each merged result,
            as for `untile`. Blocks are finished as soon as their tiles are there, and
            with a ``checkpoint`` none is finished twice.

        Returns
        -------
        ndarray or store, or tuple, list or dict of them
            What `untile` makes of the model's results, or ``finish`` of that.

        Raises
        ------
        TilingError
            If the model returns another number of results than it was given tiles, or
            ``out`` does not suit the results or is read-only, or ``where`` has another
            size than the image or marks no pixel. An error of the model, or of
            ``finish``, is raised as it is, with a note that names the place.
        """
        if out is None and checkpoint is not None:
            raise TilingError("checkpoint= needs out=: a result in memory goes with it")
        whole = TileReader(self, image, batch_size, grid).call
        call, chosen = choose_tiles(whole, where)

        def start(
            leaf: Array, target: Any, number: int, path: str, function: Any
        ) -> Merger:
            return Merger(
                self,
                image.shape,
                target,
                tile_shape=leaf.shape[1:],
                tile_dtype=leaf.dtype,
                dtype=dtype,
                grid=call.grid,
                scale=scale,
                max_memory=None if out is None else max_memory,
                checkpoint=part_of(checkpoint, number),
                name=path,
                finish=function,
            )

        source = TileSource(
            image,
            call,
            batched(call.tiles.batch_size, batch_size),
            partial(read_tiles, image, call),
            ArrayLibrary(),
            read_ahead=as_bool(read_ahead, "read_ahead"),
            indices=as_bool(indices, "indices"),
            chosen=chosen,
        )
        merged = apply(model, source, out, progress, start, finish)
        if checkpoint is not None:
            with suppress(OSError):  # there are other files in it
                Path(checkpoint).rmdir()
        return merged


def _array(value: Any, name: str) -> Array:
    if not isinstance(value, np.ndarray):
        kind = type(value)
        way_out = "convert it with numpy.asarray"
        if kind.__module__.partition(".")[0] == "torch":
            way_out = "use reftiler.torch.Tiler"
        elif isinstance(value, str | PathLike):
            way_out = "read the file with reftiler.io.read_image"
        raise TypeError(f"{name} must be a numpy array, got {kind.__name__}: {way_out}")
    refuse_masked(value, name)
    if value.dtype.hasobject:  # TYPE-001, TYPE-003
        raise TilingError(f"{name} cannot be {value.dtype}: give a fixed-size dtype")
    return np.asarray(value)
