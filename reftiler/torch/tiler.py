"""The torch tiler: settings, and what is done with them to tensors."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from reftiler.apply import apply, part_of
from reftiler.base_tiler import BaseTiler
from reftiler.batching import Progress
from reftiler.errors import TilingError
from reftiler.finish import check_finish
from reftiler.grid import Grid
from reftiler.settings import TilerSettings
from reftiler.streaming.keywords import accepts_old_names
from reftiler.streaming.merger import MAX_MEMORY, Merger
from reftiler.streaming.stores import ReadableArray
from reftiler.torch import cut, dispatch, ops
from reftiler.torch.apply import DeferredMerger, tile_source
from reftiler.torch.dtypes import is_in_graph
from reftiler.torch.finish import untile_finished
from reftiler.torch.pixel_weights import check_given, check_weights
from reftiler.torch.plans import eager_tile, eager_untile
from reftiler.torch.streaming import TensorArrays
from reftiler.torch.validation import check_dtype, check_no_out, check_out, check_tensor
from reftiler.validation import as_bool


class Tiler(BaseTiler):  # noqa: D101 - the settings are documented where they are
    __doc__ = TilerSettings.__doc__

    def tile(
        self, image: Tensor, *, grid: Grid | None = None, out: Tensor | None = None
    ) -> Tensor:
        """Cut an image into tiles.

        Parameters
        ----------
        image : Tensor, shape (*S), (C, *S) or (N, C, *S)
            Of any dtype, on any device; with ``channels_last`` (*S, C) or (N, *S, C).
        grid : Grid, optional
            A plan of this tiler's for this size, such as `random` makes; by default
            the fitted one.
        out : Tensor, optional
            Where to put the tiles.

        Returns
        -------
        Tensor, shape (K, *T), (K, C, *T) or (N·K, C, *T)
            New and contiguous (or ``out``), image-major, then row-major over the
            grid. Bits are moved, never changed. T is larger by the context.

        Raises
        ------
        TypeError
            If ``image`` or ``out`` is not a tensor, or ``grid`` not a grid.
        TilingError
            If the image does not suit the tiler, or ``grid`` or ``out`` the image.
        """
        check_tensor(image, "image")
        if is_in_graph():
            check_no_out(out)
            return ops.tile_in_graph(image, self, grid)
        if out is None:
            return ops.tile(image, self, grid)
        _, call = eager_tile(image, self, grid)
        check_out(out, call.tiles.shape, image.dtype, image)
        with torch.no_grad():
            dispatch.cut(image, call, out)
        return out

    def view(self, image: Tensor) -> Tensor:
        """Return the windows of an image without copying a pixel.

        Parameters
        ----------
        image : Tensor
            As for `tile`.

        Returns
        -------
        Tensor, shape (…, *grid, *T), channels last (…, *grid, *T, C)
            An ordinary view of the image's own memory: writing to it changes both.

        Raises
        ------
        TilingError
            If tiles are padded, resampled or unevenly spaced.
        """
        check_tensor(image, "image")
        _, call = eager_tile(image, self, None)
        call.check_view()
        return cut.view(image, call)

    def untile(
        self,
        tiles: Tensor,
        shape: Sequence[int],
        grid: Grid | None = None,
        *,
        scale: Any = None,
        dtype: torch.dtype | None = None,
        out: Tensor | None = None,
        weights: Tensor | None = None,
        finish: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Merge tiles into an image.

        The mean of class labels is no label: merge labels with ``merge="vote"``, or
        the scores of classes by their mean and take the argmax of the result.

        Parameters
        ----------
        tiles : Tensor, shape (K, *T') or (K, C', *T'); N·K for a batch
            Of a real dtype of at most 64 bits, bfloat16 included. Channels and
            resolution may differ from the image's: T' is T times an exact fraction.
        shape : sequence of int
            The shape of the image that was tiled; its channels do not matter.
        grid : Grid, optional
            The plan that ``tile`` was given.
        scale : int, float, Fraction or sequence of R of them, optional
            T'/T; needed only where it differs between axes, and where tiles that have
            a context come at another resolution. Tiles may come with their context,
            which is dropped, or without it.
        dtype : torch.dtype, optional
            The result's; by default the tiles'.
        out : Tensor, optional
            Where to put the result.
        weights : Tensor, shape (K, *T'); N·K for a batch, optional
            A weight for each pixel of each tile and all its channels, of a real dtype
            of at most 64 bits, which multiplies that of the window: 0 where the tile
            takes no part, else within 2**-512 and 2**512. For means and votes alone;
            without gradients, and not in graphs of plain operations.
        finish : callable, optional
            Is given the result block by block, and what it returns is the result
            instead: such as ``lambda block: block.argmax(0)`` of the scores of many
            classes, which then are in memory for a block alone. See Notes.

        Returns
        -------
        Tensor, shape (*S'), (C', *S') or (N, C', *S')
            S' is S times the scale, rounded up; on the tiles' device. Sums are float64
            in ascending order of tiles, rounded once.

        Raises
        ------
        TypeError
            If an argument is of the wrong type.
        TilingError
            If shapes, counts or scale do not fit, pixels are in no tile and there is
            no ``fill``, a NaN would become an integer (``out`` is then undefined),
            the device has no float64 (see `float32_sums`), ``finish`` returns what
            cannot be the result, or a graph is recorded with it. If weights do not fit
            the tiles or the merge, one is no weight, or they require a gradient. An
            error of ``finish`` is raised as it is, with a note that names the pixels.

        Notes
        -----
        ``finish`` gets a block of one image of the result, (C', *B) or without
        channels (*B), of its dtype and with ``fill`` in it; with ``channels_last``
        (*B, C'). It may write there. It returns the same pixels, with any number of
        channels or none, in any dtype that can be merged; which ones is learned from a
        block of zeros. It must treat each pixel by itself: how an image is cut into
        blocks is not promised, so that one that looks at neighbours is wrong. Where
        gradients are recorded, and in torch.func, a block is a whole image.
        """
        check_tensor(tiles, "tiles")
        target = check_dtype(tiles.dtype if dtype is None else dtype)
        if weights is not None:
            check_given(weights, tiles)
        if finish is not None:
            check_finish(finish)
            if is_in_graph():
                raise TilingError(
                    "finish is for blocks that are merged one after the other, which "
                    "a graph does not have: call it on what untile returns"
                )
            spec = (tiles, shape, self, grid, scale, target, weights)
            _, call = eager_untile(*spec)
            whole = partial(ops.untile, *spec)
            return untile_finished(tiles, weights, call, target, out, finish, whole)
        if is_in_graph():
            check_no_out(out)
            return ops.untile_in_graph(tiles, shape, self, grid, scale, target, weights)
        if out is None:
            return ops.untile(tiles, shape, self, grid, scale, target, weights)
        _, call = eager_untile(tiles, shape, self, grid, scale, target, weights)
        check_out(out, call.result.shape, target, tiles)
        if weights is not None:
            check_out(out, call.result.shape, target, weights)
            weights = call.weights_without_context(weights)
            check_weights(weights)
        with torch.no_grad():
            dispatch.merge(call.without_context(tiles), call, out, weights)
        return out

    @accepts_old_names
    def apply(  # noqa: PLR0913 - all but two are optional
        self,
        model: Callable[..., Any],
        image: Tensor | ReadableArray,
        *,
        batch_size: int = 16,
        grid: Grid | None = None,
        scale: Any = None,
        dtype: torch.dtype | None = None,
        progress: Progress | None = None,
        out: Any = None,
        max_memory: int | None = MAX_MEMORY,
        checkpoint: str | PathLike[str] | None = None,
        where: Tensor | ArrayLike | None = None,
        indices: bool = False,
        read_ahead: bool = True,
        finish: Any = None,
    ) -> Any:
        """Run a model over the tiles of an image in batches and merge its results.

        Each batch goes to the module's device and its results come back to the
        image's, where they are merged as they come: only tiles that wait for others
        stay in memory, little more than a row of the grid, unless the results require
        gradients. For inference use it under ``torch.inference_mode()``.

        Parameters
        ----------
        model : Module or callable
            Takes up to ``batch_size`` tiles, as `tile` returns them; returns as many
            results: a tensor, or a tuple, list or dict of tensors.
        image : Tensor, or store
            As for `tile`; or anything with ``shape``, a numpy ``dtype`` and slices,
            such as a memory map or an array of zarr or h5py. Where image or result is
            in a store, or there is ``out``, no gradients are recorded.
        batch_size : int
            How many tiles at a time.
        grid, scale, dtype
            As for `untile`.
        progress : callable, optional
            Wraps the list of batches, to show how far it is: ``tqdm.tqdm`` and
            ``rich.progress.track`` do.
        out : Tensor, store, callable, or tuple, list or dict of them, optional
            Where the results go: tensors on the image's device or the host, or as for
            `reftiler.Tiler.apply`; by default new tensors on the image's device.
        max_memory, checkpoint
            As for `reftiler.Tiler.apply`.
        where : Tensor or array_like, shape (*S), optional
            As for `reftiler.Tiler.apply`; on any device.
        indices : bool
            Whether the model is called as ``model(tiles, indices, boxes)``, as by
            `reftiler.Tiler.apply`: two tensors where the tiles are.
        read_ahead : bool
            As for `reftiler.Tiler.apply`: a batch for a GPU is read into page-locked
            memory. Tensors where the model is need no thread.
        finish : callable, or tuple, list or dict of them and None, optional
            As for `reftiler.Tiler.apply`.

        Returns
        -------
        Tensor, or tuple, list or dict of them
            What `untile` makes of the model's results, or ``finish`` of that; the
            stores that were given as ``out``.

        Raises
        ------
        TypeError
            If the model returns something else than tensors.
        TilingError
            If it returns another number of results than it was given tiles, or
            ``where`` has another size than the image or marks no pixel.
        """
        if isinstance(image, Tensor):
            check_tensor(image, "image")
        if dtype is not None:
            check_dtype(dtype)
        if out is None and checkpoint is not None:
            raise TilingError("checkpoint= needs out=: a result in memory goes with it")
        source = tile_source(
            self,
            image,
            batch_size,
            grid,
            model,
            read_ahead=as_bool(read_ahead, "read_ahead"),
            indices=as_bool(indices, "indices"),
            where=where,
        )
        tiles = source.call.grid
        home = image.device if isinstance(image, Tensor) else torch.device("cpu")
        recorded = isinstance(image, Tensor) and out is None

        def start(
            leaf: Tensor, target: Any, number: int, path: str, function: Any
        ) -> Merger | DeferredMerger:
            if torch.is_grad_enabled() and leaf.requires_grad:
                untile = partial(self.untile, shape=tuple(image.shape), grid=tiles)
                merge = partial(untile, scale=scale, dtype=dtype, finish=function)
                return DeferredMerger(source.call.tiles.batch_size, merge, home)
            return Merger(
                self,
                image.shape,
                target,
                tile_shape=leaf.shape[1:],
                tile_dtype=leaf.dtype,
                dtype=dtype,
                grid=tiles,
                scale=scale,
                max_memory=None if out is None else max_memory,
                checkpoint=part_of(checkpoint, number),
                name=path,
                finish=function,
                arrays=TensorArrays(home),
            )

        with torch.set_grad_enabled(torch.is_grad_enabled() and recorded):
            merged = apply(model, source, out, progress, start, finish)
        if checkpoint is not None:
            with suppress(OSError):  # there are other files in it
                Path(checkpoint).rmdir()
        return merged
