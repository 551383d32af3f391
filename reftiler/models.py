"""Load a model that takes batches of tiles: a Python function, ONNX or torch.export.

A Python function is run as it is. ``module:function`` is looked up with the current
directory first, as ``python -m`` does, and importing runs the module's code; the file
of a network may run code of its own, too. Load only what you would run.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import NoSuchFunctionError, TilingError
from reftiler.pytree import tree_leaves, tree_map, tree_paths
from reftiler.validation import suggest

__all__ = [
    "FINISHES",
    "SUFFIXES",
    "Model",
    "load_finish",
    "load_model",
    "run_named",
    "select_map",
]

Array: TypeAlias = NDArray[Any]

SUFFIXES = (".onnx", ".pt2")
"""Of the files of networks that `load_model` reads."""

_MAP = "anomaly_map"  # as anomalib's exported models name theirs


@dataclass(frozen=True)
class Model:
    """
    A function on batches of tiles.

    Attributes
    ----------
    name : str
        What was loaded.
    function : callable
        Takes an array ``(B, h, w)`` or with channels ``(B, h, w, C)``, or channels
        first if it was loaded so; returns an array of ``B`` results, or a tuple, list
        or dict of such arrays, in the same layout.
    note : str
        How tiles are converted for it; empty if they are not.
    """

    name: str
    function: Callable[[Array], Any]
    note: str = ""

    def __call__(self, tiles: Array, /) -> Any:
        """Run the model on a batch."""
        return self.function(tiles)


def load_model(model: str | Path, *, channels_last: bool = True) -> Model:
    """
    Load a model that takes batches of tiles.

    Parameters
    ----------
    model : str or Path
        - ``module:function`` or ``file.py:function``. The function takes the tiles as
          they are. A `torch.nn.Module` is taken for a network, in evaluation mode.
        - ``file.onnx``, run by onnxruntime, or else by OpenVINO.
        - ``file.pt2``, written by `torch.export.save`.

        A network is given ``(B, C, h, w)`` of its input's dtype. Where that is a float
        and the tiles are unsigned integers, they are divided by the largest value of
        their dtype, as torchvision does. If its batch size is fixed, tiles are given in
        batches of that size, the last one filled up.
    channels_last : bool
        Whether tiles have their channels last.

    Returns
    -------
    Model
        What `reftiler.Tiler.apply` takes.

    Raises
    ------
    ImportError
        If what runs the network is not installed.
    TilingError
        If there is no such model, or it cannot be loaded.

    Examples
    --------
    >>> model = load_model("numpy:negative")
    >>> model(np.array([[[1.0, 2.0]]])).tolist()
    [[[-1.0, -2.0]]]
    """
    text = str(model)
    suffix = Path(text).suffix.lower()
    if suffix in SUFFIXES:
        path = _file(text)
        network = _onnx(path) if suffix == ".onnx" else _exported(path)
        return network.as_model(path.name, channels_last=channels_last)
    kinds = "a model is module:function, file.py:function, file.onnx or file.pt2"
    function = _function(text, kinds)
    if "torch" in sys.modules and isinstance(function, sys.modules["torch"].nn.Module):
        return _Network(_run_module(function)).as_model(
            text, channels_last=channels_last
        )
    return Model(text, function)


def argmax(block: Array) -> Array:
    """Return the number of the largest channel, the last axis, in each pixel."""
    if block.ndim < 3:
        raise TilingError(
            f"argmax needs channels, one for each class, and the merged result is "
            f"{block.ndim}-dimensional: leave finish out"
        )
    kind = np.min_scalar_type(block.shape[-1] - 1)
    return np.asarray(block.argmax(-1).astype(kind))


FINISHES: dict[str, Callable[[Array], Array]] = {"argmax": argmax}
"""What `load_finish` knows by a word."""


def load_finish(name: str) -> Model:
    """Load a function of blocks of a merged result: ``argmax``, or as `load_model`."""
    if name in FINISHES:
        return Model(name, FINISHES[name])
    kinds = f"a finish is {', '.join(FINISHES)}, module:function or file.py:function"
    return Model(name, _function(name, kinds, suggest(name, tuple(FINISHES))))


def run_named(model: Model, array: Array) -> Any:
    """Return what somebody else's function makes of an array; its errors name it."""
    try:
        return model(array)
    except (ImportError, TilingError):
        raise
    except (Exception, SystemExit) as error:
        kind = type(error).__name__
        raise TilingError(
            f"{model.name} raised {kind}: {error}; it was given {array.shape} of "
            f"{array.dtype}"
        ) from error


def select_map(results: Any, what: str = "the model") -> tuple[Array, str]:
    """
    Return the array of a model's results that can be merged.

    Parameters
    ----------
    results : array, or tuple, list or dict of arrays
        As a model returns them for a batch.
    what : str
        Who returned them, for messages.

    Returns
    -------
    array : ndarray
        Called ``anomaly_map``, or the first that has a height and a width.
    note : str
        Which one was taken; empty if there is no other.

    Raises
    ------
    TypeError, TilingError
        If there is none.
    """
    if hasattr(results, "_asdict"):
        results = results._asdict()
    leaves, paths = tree_leaves(results), tree_paths(results)
    for leaf in leaves:
        if not isinstance(leaf, np.ndarray):
            raise TypeError(
                f"{what} must return a numpy array, or a tuple, list or dict of them, "
                f"got {type(leaf).__name__}"
            )
    found = [k for k, leaf in enumerate(leaves) if leaf.ndim >= 3]
    if not found:
        shapes = ", ".join(str(leaf.shape) for leaf in leaves) or "nothing"
        raise TilingError(
            f"{what} returned {shapes}: a result needs a batch, a height and a width "
            "to be merged"
        )
    place = next((k for k in found if _MAP in paths[k]), found[0])
    if len(leaves) == 1:
        return leaves[0], ""
    return leaves[place], f"{what} returns {len(leaves)} arrays: took {paths[place]}"


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise NoSuchFunctionError(f"there is no file {path}: give one that is")
    return path


def _function(text: str, kinds: str, hint: str = "") -> Callable[[Array], Any]:
    """Return the function of ``module:function`` or ``file.py:function``."""
    place, _, name = text.rpartition(":")
    if not (place and name):
        raise NoSuchFunctionError(f"{kinds}, got {text!r}{hint}")
    module = _module(place)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            known = [key for key in vars(module) if not key.startswith("_")]
            raise NoSuchFunctionError(f"{place} has no {name}{suggest(name, known)}")
        found = getattr(found, part)
    if isinstance(found, type) or not callable(found):
        raise NoSuchFunctionError(
            f"{place}:{name} is a {type(found).__name__}: give a function of arrays"
        )
    return found  # type: ignore[no-any-return]


def _module(place: str) -> ModuleType:
    """Import a module, looked for in its file's or the current directory first."""
    is_file = place.endswith(".py")
    path = _file(place) if is_file else Path()
    try:
        folder = str(path.resolve().parent if is_file else Path.cwd())
        if folder not in sys.path:
            sys.path.insert(0, folder)
        if not is_file:
            return importlib.import_module(place)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever the module's own code raises
        # not what the module itself looks for
        absent = isinstance(error, ModuleNotFoundError) and f"{place}.".startswith(
            f"{error.name}."
        )
        kind = NoSuchFunctionError if absent else TilingError
        raise kind(f"cannot import {place}: {type(error).__name__}: {error}") from error
    return module


@dataclass(frozen=True)
class _Network:
    """What takes ``(B, C, h, w)``; its shape has None where any number will do."""

    run: Callable[[Array], Any]
    shape: tuple[int | None, ...] = (None,) * 4
    dtype: np.dtype[Any] = np.dtype(np.float32)  # noqa: RUF009 - it is immutable

    def as_model(self, name: str, *, channels_last: bool) -> Model:
        if len(self.shape) != 4:
            raise TilingError(
                f"{name} takes an input of {len(self.shape)} axes: a model of tiles "
                "takes (batch, channels, height, width)"
            )

        def function(tiles: Array) -> Any:
            inputs = self._inputs(tiles, name, channels_last=channels_last)
            results = self._in_batches(inputs)
            if not channels_last:
                return results
            return tree_map(
                lambda leaf: np.moveaxis(leaf, 1, -1) if leaf.ndim == 4 else leaf,
                results,
            )

        note = f"tiles are converted to {self.dtype}"
        if self.dtype.kind == "f":
            note += ", unsigned integers divided by their largest value"
        return Model(name, function, note)

    def _inputs(self, tiles: Array, name: str, *, channels_last: bool) -> Array:
        if tiles.ndim == 3:
            tiles = tiles[:, np.newaxis]
        elif channels_last:
            tiles = np.moveaxis(tiles, -1, 1)
        if any(
            want not in (None, have)
            for want, have in zip(self.shape[1:], tiles.shape[1:], strict=True)
        ):
            channels, *sides = ("any" if n is None else n for n in self.shape[1:])
            raise TilingError(
                f"{name} takes {channels} channels of {sides[0]}x{sides[1]} (height x "
                f"width), and the tiles have {tiles.shape[1]} of "
                f"{tiles.shape[2]}x{tiles.shape[3]}: choose that tile size, or convert "
                "tiles in a function of your own, module:function"
            )
        given = tiles.dtype
        if self.dtype.kind == "f" and given.kind == "u":
            tiles = tiles.astype(self.dtype) / self.dtype.type(np.iinfo(given).max)
        elif self.dtype.kind != "f" and given != self.dtype:
            raise TilingError(
                f"{name} takes {self.dtype}, and the tiles are {given}: convert them "
                "in a function of your own, module:function"
            )
        return np.ascontiguousarray(tiles, dtype=self.dtype)

    def _in_batches(self, inputs: Array) -> Any:
        """Run a network of a fixed batch size as often as needed."""
        size, count = self.shape[0], len(inputs)
        if size is None or size == count:
            return self.run(inputs)
        fill = -count % size
        inputs = np.concatenate([inputs, np.repeat(inputs[-1:], fill, axis=0)])
        parts = [self.run(inputs[k : k + size]) for k in range(0, len(inputs), size)]
        leaves = zip(*map(tree_leaves, parts), strict=True)
        joined = iter([np.concatenate(leaf)[:count] for leaf in leaves])
        return tree_map(lambda _: next(joined), parts[0])


def _sides(shape: Sequence[Any]) -> tuple[int | None, ...]:
    return tuple(n if isinstance(n, int) and n > 0 else None for n in shape)


def _onnx(path: Path) -> _Network:
    """Open an ONNX file with the runtime that is there."""
    for open_with in (_onnxruntime, _openvino):
        try:
            return open_with(path)
        except ModuleNotFoundError:
            continue
        except Exception as error:  # each runtime has its own
            raise TilingError(f"cannot load {path}: {error}") from error
    raise ImportError(
        f"{path} needs onnxruntime or OpenVINO: pip install onnxruntime, or pip "
        "install openvino"
    )


def _onnxruntime(path: Path) -> _Network:
    runtime: Any = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    first, *others = session.get_inputs()
    if others:
        raise TilingError(f"it has {1 + len(others)} inputs, and tiles are one")
    names = [output.name for output in session.get_outputs()]
    kinds = {"float": "float32", "float16": "float16", "double": "float64"}
    kind = str(first.type).removeprefix("tensor(").removesuffix(")")

    def run(inputs: Array) -> Any:
        results = session.run(None, {first.name: inputs})
        return results[0] if len(names) == 1 else dict(zip(names, results, strict=True))

    return _Network(run, _sides(first.shape), np.dtype(kinds.get(kind, kind)))


def _openvino(path: Path) -> _Network:
    openvino: Any = importlib.import_module("openvino")
    exact = {"INFERENCE_PRECISION_HINT": "f32"}  # else processors that can halve it do
    compiled = openvino.Core().compile_model(str(path), "CPU", exact)
    if len(compiled.inputs) != 1:
        raise TilingError(f"it has {len(compiled.inputs)} inputs, and tiles are one")
    (first,) = compiled.inputs
    shape = [n.get_length() if n.is_static else None for n in first.partial_shape]

    def run(inputs: Array) -> Any:
        found = compiled(inputs)
        if len(compiled.outputs) == 1:
            return np.array(found[0])
        return {out.any_name: np.array(found[out]) for out in compiled.outputs}

    return _Network(run, _sides(shape), np.dtype(first.element_type.to_dtype()))


def _exported(path: Path) -> _Network:
    """Open what `torch.export.save` wrote."""
    try:
        torch: Any = importlib.import_module("torch")
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{path} needs torch: pip install 'reftiler[torch]'"
        ) from error
    from reftiler.torch.numpy_bridge import numpy_dtype  # noqa: PLC0415 - needs torch

    try:
        program = torch.export.load(str(path))
        names = program.graph_signature.user_inputs
        inputs = [n.meta["val"] for n in program.graph.nodes if n.name in names]
        run = _run_module(program.module())
    except Exception as error:  # each kind of damage has its own
        raise TilingError(f"cannot load {path}: {error}") from error
    if len(inputs) != 1:
        raise TilingError(f"{path} has {len(inputs)} inputs, and tiles are one")
    return _Network(run, _sides(inputs[0].shape), numpy_dtype(inputs[0].dtype))


def _run_module(module: Any) -> Callable[[Array], Any]:
    """Return a function of numpy arrays that runs a module of torch."""
    from reftiler.torch.numpy_bridge import NumpyModel  # noqa: PLC0415 - needs torch

    if module.__class__.__name__ != "GraphModule":  # exported ones have no such mode
        module.eval()
    return NumpyModel(module)
