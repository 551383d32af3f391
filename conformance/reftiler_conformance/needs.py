"""Which features of a tiler a case makes use of."""

from __future__ import annotations

from collections.abc import Iterator

from reftiler_conformance.cases import Case
from reftiler_conformance.features import Features


def needs_to_tile(case: Case) -> Features:
    """Return what a tiler must claim to cut the image of ``case``."""
    return frozenset(("tile", f"tile:{case.dtype}", *_layout(case), *_fit(case)))


def needs_to_untile(case: Case) -> Features:
    """Return what a tiler must claim to merge the tiles of ``case``."""
    found = ("untile", f"untile:{case.dtype}", *_layout(case), *_fit(case))
    return frozenset((*found, *_merge(case)))


def layout_word(batch: int | None, channels: int | None) -> str:
    """Return the feature of images of so many in a batch, with so many channels."""
    if batch is not None:
        return "batch"
    return "plain" if channels is None else "channels"


def _layout(case: Case) -> Iterator[str]:
    yield f"rank:{case.rank}"
    yield layout_word(case.batch, case.channels)
    if case.channels is not None:
        yield "channels_last" if case.channels_last else "channels_first"
    if len(set(case.tile)) > 1 or len(set(case.stride)) > 1:
        yield "unequal"
    if case.stride != case.tile:
        yield "overlap"


def _fit(case: Case) -> Iterator[str]:
    if case.selection is not None:
        yield "select"
    if set(case.align) - {1}:
        yield "align"
    if any(case.context):
        yield "context"
        yield from _padding(case)
    if case.random is not None:
        yield "random"
        if case.inside is not None:
            yield "random:inside"
        return
    if case.starts is not None:
        yield "scatter"
        return
    sides = list(zip(case.size, case.tile, case.stride, strict=True))
    if all(n >= tile and (n - tile) % stride == 0 for n, tile, stride in sides):
        return  # tiles that fill the image exactly are the same in every mode
    yield f"mode:{case.mode}"
    if any(n < tile for n, tile, _ in sides):
        yield "short"
    if case.mode != "padding":
        return
    yield f"pad_side:{case.pad_side}"
    yield from _padding(case)


def _padding(case: Case) -> Iterator[str]:
    yield f"pad:{case.pad_mode}"
    if case.pad_mode == "constant" and repr(case.pad_value) != "0":
        yield "pad_value"


def _merge(case: Case) -> Iterator[str]:
    merge = case.merge or ("any" if case.dtype == "bool" else "mean")
    any_says_so = case.dtype == "bool" and merge == "max"
    yield "merge:any" if any_says_so else f"merge:{merge}"
    if case.window != "box":
        name = case.window if isinstance(case.window, str) else "custom"
        yield f"window:{name}"
    if case.nan != "propagate":
        yield f"nan:{case.nan}"
    if case.weights is not None:
        yield "weights"
        if case.weights_dtype != "float64":
            yield f"untile:{case.weights_dtype}"
    if any(case.borders):
        yield "border"
    if case.fill is not None:
        yield "fill"
    if case.depth != case.channels:
        yield "maps"
    if set(case.scales) != {1}:
        yield "scale"
    if len(set(case.scales)) > 1:
        yield "scale:axes"
    if case.result not in (None, case.dtype):
        yield "result"
        yield f"untile:{case.result}"
    if case.finish:
        yield "finish"
