"""Which body does the work, and what becomes of one that fails."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import torch

from reftiler import TilingError
from reftiler.torch import Tiler, backend_of, dispatch


@pytest.fixture
def kernel() -> Iterator[SimpleNamespace]:
    """Stand for the kernels of the CPU, which write sevens and take floats only."""
    kernel = SimpleNamespace(
        supports=lambda call, source, target: source.is_floating_point,
        merge=lambda tiles, call, out: out.fill_(7),
        supports_cut=lambda call, dtype: dtype.is_floating_point,
        cut=lambda image, call, out: out.fill_(8),
    )
    with (
        patch.object(dispatch, "_load", lambda kind: kernel if kind == "cpu" else None),
        patch.object(dispatch, "_failed", set()),
        patch.object(dispatch, "MIN_VALUES", 0),
        patch.object(dispatch, "CUT_DEVICES", ("cpu",)),
    ):
        yield kernel


def results(dtype: torch.dtype = torch.float32) -> tuple[Any, Any]:
    image = torch.ones((4, 4), dtype=dtype)
    tiles = Tiler(2).tile(image)
    merged = Tiler(2).untile(torch.ones((4, 2, 2), dtype=dtype), (4, 4))
    return sorted(set(tiles.flatten().tolist())), sorted(set(merged.flatten().tolist()))


def test_a_kernel_serves_what_it_takes(kernel: Any) -> None:
    assert backend_of(torch.zeros(1)) == "numba"
    assert results() == ([8], [7])
    assert results(torch.uint8) == ([1], [1])
    leaf = torch.ones((4, 2, 2), requires_grad=True)
    assert (Tiler(2).untile(leaf, (4, 4)) == 7).all()  # training too


def test_a_kernel_that_fails_is_given_up_with_one_warning(kernel: Any) -> None:
    def fail(*_: Any) -> None:
        raise OSError("no compiler")

    kernel.merge = fail
    with pytest.warns(RuntimeWarning, match=r"need numba.*no compiler"):
        assert results() == ([8], [1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert results() == ([1], [1])
    assert backend_of(torch.zeros(1)) == "torch"


def test_refusals_of_a_kernel_pass(kernel: Any) -> None:
    def refuse(*_: Any) -> None:
        raise TilingError("NaN")

    kernel.merge = refuse
    with pytest.raises(TilingError, match="NaN"):
        results()
    assert backend_of(torch.zeros(1)) == "numba"


@pytest.mark.parametrize("error", [ModuleNotFoundError, ImportError])
def test_a_compiler_that_is_missing_is_said_once(error: type[Exception]) -> None:
    dispatch._load.cache_clear()
    with (
        patch.object(dispatch, "import_module", side_effect=error),
        patch.object(dispatch, "_failed", set()),
    ):
        with pytest.warns(RuntimeWarning, match="pip install -U numba"):
            assert backend_of(torch.zeros(1)) == "torch"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert results() == ([1], [1])
    dispatch._load.cache_clear()


@pytest.mark.long
@pytest.mark.parametrize(
    "work", ["", "reftiler.torch.Tiler(2).tile(torch.zeros(999, 999))"]
)
def test_neither_compiler_is_imported_before_it_is_needed(work: str) -> None:
    loaded = "print({'numba', 'reftiler.torch.triton_kernels'} & set(sys.modules))"
    code = f"import sys, torch, reftiler.torch; {work}; {loaded}".replace("; ;", ";")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_devices_without_kernels() -> None:
    assert backend_of(torch.zeros(1, device="meta")) == "torch"
