"""What every backend is asked for: the bits of the definition, however memory lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from reftiler import Tiler, TilingError
from reftiler_conformance import oracle
from reftiler_conformance.compare import same_bits
from reftiler_conformance.oracle import BFLOAT16, NanError
from tests.cases import Case, MergeCase

Array = npt.NDArray[Any]
Layout = Callable[[Any], Any]


@dataclass(frozen=True)
class Backend:
    """A way to cut and to merge.

    ``to`` and ``back`` copy arrays to its own and back. A layout returns the same
    pixels where they lie in another way, or where gradients are asked for.
    """

    tiler: Any
    to: Callable[[Array], Any]
    back: Callable[[Any], Array]
    dtype: Callable[[str], Any]
    is_plain: Callable[[Any], bool]
    layouts: Mapping[str, Layout]
    call: Callable[[Callable[[], Any]], Any] = lambda call: call()
    takes_out: bool = True
    takes_weights: bool = True


def _sparse(array: Array) -> Array:
    room = np.ones((array.shape[0] + 1, *array.shape[1:], 2), array.dtype)
    room[1:, ..., 1] = array
    return room[1:, ..., 1]


NUMPY = Backend(
    tiler=Tiler,
    to=np.array,
    back=np.array,
    dtype=np.dtype,
    is_plain=lambda array: array.flags.c_contiguous and array.flags.writeable,
    layouts={
        "plain": lambda array: array,
        "reversed": np.asfortranarray,
        "backwards": lambda array: np.flip(np.flip(array).copy()),
        "sparse": _sparse,
    },
)


def tile_agrees(
    backend: Backend, case: Case, layout: str = "plain", *, out: bool = False
) -> None:
    """Fail unless a backend cuts as the definition does, and writes nowhere else."""
    image, tiler = case.image(), case.tiler(backend.tiler)
    want = oracle.tile(case.oracle_grid, image)
    given = backend.layouts[layout](backend.to(image))
    more: dict[str, Any] = {}
    if case.is_irregular or case.seed % 2:
        more["grid"] = case.grid(tiler)
    _agrees(backend, lambda out: tiler.tile(given, **more, **out), want, out=out)
    same_bits(backend.back(given), image)


def untile_agrees(
    backend: Backend, merge: MergeCase, layout: str = "plain", *, out: bool = False
) -> None:
    """Fail unless a backend merges as the definition does, or refuses as it does."""
    case, tiles = merge.case, merge.tiles()
    tiler, want = case.tiler(backend.tiler), merged(merge)
    given = backend.layouts[layout](backend.to(tiles))
    grid = case.grid(tiler) if case.is_irregular or case.seed % 2 else None
    more = dict(merge.scale_argument())
    if merge.result is not None:
        more["dtype"] = backend.dtype(merge.result)
    weights = merge.pixel_weights()
    if weights is not None:
        more["weights"] = backend.to(weights)

    def call(out: dict[str, Any]) -> Any:
        return tiler.untile(given, case.shape, grid, **more, **out)

    if want is None:
        with pytest.raises(TilingError, match="NaN"):
            backend.call(lambda: call({}))
    else:
        _agrees(backend, call, want, out=out, nan="any")
    same_bits(backend.back(given), tiles)


def _agrees(
    backend: Backend, call: Any, want: Array, *, out: bool, nan: Any = "bits"
) -> None:
    if not (out and backend.takes_out):
        got = backend.call(lambda: call({}))
        assert backend.is_plain(got)
    else:
        ones = np.frombuffer(bytearray(b"\1" * (3 * want.nbytes)), want.dtype)
        room = backend.to(ones.reshape(*want.shape, 3))
        got = room[..., 1]
        assert backend.call(lambda: call({"out": got})) is got
        beside = backend.back(room[..., ::2])
        same_bits(beside, ones[: beside.size].reshape(beside.shape))
    same_bits(backend.back(got), want, nan=nan)


def merged(merge: MergeCase) -> Array | None:
    """Return what the definition makes of it; None if a NaN had to be an integer."""
    target = merge.result or merge.case.dtype
    kind = BFLOAT16 if target == "bfloat16" else np.dtype(target)
    case = merge.case
    try:
        return oracle.untile(
            case.oracle_grid,
            merge.tiles(),
            case.shape,
            merge.scales,
            kind,
            merge.pixel_weights(),
        )
    except NanError:
        return None
