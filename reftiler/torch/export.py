"""A model with the tiler inside, as a module and as an ONNX file."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reftiler.atomic import atomic_write
from reftiler.errors import TilingError
from reftiler.plan import TilePlan, plan_tile
from reftiler.pytree import tree_map
from reftiler.torch.cut import cut_planes
from reftiler.torch.dtypes import dtype_name, float32_sums, is_in_graph
from reftiler.torch.merge import merge_planes
from reftiler.torch.plans import new_untile_plan
from reftiler.torch.tiler import Tiler
from reftiler.validation import as_int

_FOLDED = 256  # bytes of constants that are computed when a graph is exported


class TiledModel(nn.Module):
    """
    A module that cuts images, runs a model on all tiles at once and merges its results.

    Parameters
    ----------
    model : nn.Module
        Takes tiles (B, C, *T); returns a tensor with as many results, or a tuple, list
        or dict of them. Each is merged.
    tiler : reftiler.torch.Tiler
        How to tile.
    scale : int, float, Fraction or sequence of R of them, optional
        Of the results, as `Tiler.untile` takes it.

    Raises
    ------
    TypeError
        The tiler is none.
    TilingError
        The tiler has channels last; or, when it is called, the images are not
        ``(N, C, *S)``.

    Examples
    --------
    >>> tiled = TiledModel(nn.Conv2d(3, 1, 3, padding=1), Tiler(8, 4))
    >>> tiled(torch.zeros(2, 3, 20, 16)).shape
    torch.Size([2, 1, 20, 16])
    """

    def __init__(self, model: nn.Module, tiler: Tiler, *, scale: Any = None) -> None:
        super().__init__()
        if not isinstance(tiler, Tiler):
            raise TypeError(
                f"tiler must be a reftiler.torch.Tiler, got {type(tiler).__name__}: "
                "convert another tiler with reftiler.torch.Tiler.from_other"
            )
        if tiler.channels_last:
            raise TilingError(
                "a model in torch takes tiles (B, C, *T): give a tiler without "
                "channels_last"
            )
        self.model, self.tiler, self.scale = model, tiler, scale

    def forward(self, image: Tensor) -> Any:
        """Return the merged results of images (N, C, *S)."""
        _check_shape(image.shape, self.tiler)
        if not is_in_graph():
            results = self.model(self.tiler.tile(image))
            untile = partial(self.tiler.untile, shape=image.shape, scale=self.scale)
            return tree_map(untile, results)
        # The number of images may be a symbol, so that no plan may count them.
        one = (1, *image.shape[1:])
        call = plan_tile(self.tiler, one, dtype_name(image.dtype), None)
        tiles = cut_planes(image, call).movedim(2, 1)
        results = self.model(tiles.flatten(0, 1))
        sizes = (image.shape[0], len(call.grid))
        return tree_map(lambda leaf: self._merged(leaf, sizes, call), results)

    def _merged(self, leaf: Tensor, sizes: tuple[int, int], call: TilePlan) -> Tensor:
        asked = ((1, 1, *call.image.size), self.tiler, None, self.scale, leaf.dtype)
        plan = new_untile_plan((sizes[1], *leaf.shape[1:]), leaf.dtype, *asked)
        group = plan.without_context(leaf).unflatten(0, sizes).movedim(2, 1)
        return merge_planes(group, plan, leaf.dtype)


def _check_shape(shape: Sequence[int], tiler: Tiler) -> None:
    if len(shape) != tiler.rank + 2:
        raise TilingError(
            f"a model with the tiler inside takes images (N, C, *S), {tiler.rank + 2} "
            f"axes, got {tuple(shape)}: give an axis of images and one of channels"
        )


def export_onnx(  # noqa: PLR0913 - all but four are optional
    model: nn.Module,
    tiler: Tiler,
    shape: tuple[int, ...],
    path: str | os.PathLike[str],
    *,
    scale: Any = None,
    dtype: torch.dtype = torch.float32,
    dynamic_batch: bool = True,
    doubles: bool = True,
    opset: int = 18,
) -> int:
    """
    Export a model with the tiler inside to an ONNX file.

    The graph takes images ``(N, C, *S)`` of one size; it has as many nodes as tiles
    meet in a pixel need, however many tiles there are, and index tables that grow with
    the sides of the image, not with its area. All tiles of a batch are in memory at
    once.

    Parameters
    ----------
    model : nn.Module
        As for `TiledModel`; it is exported in evaluation mode.
    tiler : reftiler.torch.Tiler
        How to tile.
    shape : tuple of int
        Of the images: ``(N, C, *S)``.
    path : path-like
        Where the file goes; it is there once it is whole.
    scale
        As for `TiledModel`.
    dtype : torch.dtype
        Of the images.
    dynamic_batch : bool
        Whether ``N`` may be any number, whatever it is in `shape`.
    doubles : bool
        Whether means are summed in float64, which makes the results those of `Tiler` to
        the bit. False is for runtimes that lack it: the graph then has no float64, and
        a mean is rounded several times.
    opset : int
        The version of ONNX's operators.

    Returns
    -------
    int
        How many nodes the graph has.

    Raises
    ------
    ImportError
        onnx or onnxscript is not installed.
    TilingError
        The shape is none of images, the model cannot be exported, its graph is too
        large for one file, or that cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "tiled.onnx")
    >>> net = nn.Conv2d(1, 1, 3, padding=1)
    >>> nodes = export_onnx(net, Tiler(8), (1, 1, 16, 16), file)  # doctest: +SKIP
    """
    module = TiledModel(model, tiler, scale=scale)
    shape = tuple(as_int(length, "shape", minimum=1) for length in shape)
    _check_shape(shape, tiler)
    names = [name for name, part in model.named_modules() if part.training]
    example = torch.zeros((max(2, shape[0]) if dynamic_batch else shape[0], *shape[1:]))
    batch = torch.export.Dim("batch", min=1)
    try:
        with float32_sums(graphs=not doubles):
            program = torch.onnx.export(
                module.eval(),
                (example.to(dtype),),
                dynamo=True,
                optimize=False,
                verbose=False,
                opset_version=opset,
                input_names=["image"],
                dynamic_shapes=({0: batch},) if dynamic_batch else None,
            )
        from onnxscript import optimizer  # noqa: PLC0415 - an extra

        # No tables: these would become as large as the image.
        optimizer.optimize_ir(
            program.model,  # type: ignore[union-attr]
            input_size_limit=_FOLDED,
            output_size_limit=_FOLDED,
        )
        graph = program.model_proto  # type: ignore[union-attr]
        data = graph.SerializeToString()
    except (ImportError, TilingError):
        raise
    except Exception as error:  # the exporter and protobuf have their own kinds
        way = "; dynamic_batch=False exports one batch size" if dynamic_batch else ""
        raise TilingError(
            f"cannot export the model: {' '.join(str(error).split())[:500]}{way}"
        ) from error
    finally:
        for name, part in model.named_modules():
            part.training = name in names
    try:
        atomic_write(Path(path), data)
    except OSError as error:
        raise TilingError(f"cannot write {path}: {error.strerror}") from error
    return len(graph.graph.node)
