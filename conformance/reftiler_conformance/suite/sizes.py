"""Sizes at which a fast tiler may go another way: 2^n, 2^n ± 1, primes, many tiles."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.cases import Case
from reftiler_conformance.check import Cases
from reftiler_conformance.draws import cases
from reftiler_conformance.features import Features
from reftiler_conformance.needs import needs_to_untile
from reftiler_conformance.protocol import Unsupported

Axis = tuple[int, int, int]

# Of each axis the tile, the stride, and how many tiles fit.
SIZES: tuple[tuple[Axis, ...], ...] = (
    ((4, 2, 17),),
    ((8, 4, 17), (8, 4, 2)),
    ((4, 2, 9), (4, 2, 9), (4, 2, 3)),
    ((6, 2, 600),),  # more than 512 tiles, three on a pixel
    ((4, 1, 24), (4, 1, 24)),
    ((257, 1, 270),),  # more tiles on a pixel than a byte counts
    ((17, 1, 18), (17, 1, 17)),
    ((1024, 512, 3),),
    ((1021, 397, 4),),
    ((65537, 32768, 2),),
    ((64, 32, 5), (64, 32, 4)),
    ((127, 64, 3), (129, 61, 3)),
    ((31, 30, 9), (33, 17, 11)),
    ((257, 128, 2), (255, 101, 3)),  # more than 2^16 pixels
    ((1024, 512, 2), (8, 5, 3)),
    ((3, 2, 2), (1021, 509, 3)),
    ((17, 8, 3), (31, 16, 3), (16, 15, 2)),
    ((5, 3, 3), (64, 32, 2), (65, 33, 2)),
)
CHANNELS = (1, 2, 3, 65)
MOST = 150_000
"""The most pixels of tiles."""


def large(**asked: Any) -> Cases:
    """Return what draws cases of such sizes; ``asked`` says what else they are."""

    def draws(features: Features) -> SearchStrategy[Case]:
        sizes = [size for size in SIZES if f"rank:{len(size)}" in features]
        if not sizes:
            raise Unsupported("rank:1, rank:2 or rank:3")
        rank = (len(sizes[0]),)
        plain = cases(features, rank=rank, verb="untile", overlap=("some",), **asked)
        drawn = st.tuples(plain, st.sampled_from(sizes), st.sampled_from(CHANNELS))
        return drawn.map(lambda found: _enlarged(*found)).filter(
            lambda case: needs_to_untile(case) <= features
        )

    return draws


def _enlarged(case: Case, axes: tuple[Axis, ...], channels: int) -> Case:
    """Return the case with these axes, and a rest where its own leave one."""
    tile, stride, counts = (tuple(side) for side in zip(*axes, strict=True))
    gaps = case.mode == "drop" and case.fill is not None
    rest = gaps or case.grid.frame != case.size
    spans = [(n - 1) * s + t for t, s, n in axes]
    few = math.prod(t * n for t, n in zip(tile, counts, strict=True)) * channels < MOST
    found = replace(
        case,
        size=tuple(n + s // 2 * rest for n, s in zip(spans, stride, strict=True)),
        tile=tile,
        stride=stride,
        border=tuple((t - s) // 2 for t, s, _ in axes) if any(case.border) else (),
        batch=case.batch and 1,
        channels=case.channels and (channels if few else 1),
        maps="same",
        starts=None,
        scale=(),
    )
    return found if case.starts is None else _shuffled(found)


def _shuffled(case: Case) -> Case:
    """Return the case with its tiles scattered: the same, in another order."""
    starts = replace(case, mode="clamp").grid.starts
    order = np.random.Generator(np.random.PCG64(case.seed)).permutation(len(starts))
    return replace(case, starts=tuple(starts[k] for k in order))


FITTING = tuple(
    _enlarged(
        Case(
            size=(1,) * len(axes),
            tile=(1,) * len(axes),
            stride=(1,) * len(axes),
            channels=None if len(axes) == 1 else 1,
            window="box" if number % 2 else "hann",
            dtype="float64",  # in which the order of sums shows
            content="random",
        ),
        axes,
        1,
    )
    for number, axes in enumerate(SIZES)
)
"""A case of each size, which its tiles fill exactly."""
