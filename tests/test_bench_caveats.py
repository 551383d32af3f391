"""Every result is compared with the reference: a library that does less is marked."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from reftiler_conformance.bench import measure as measuring
from reftiler_conformance.bench.bandwidth import HostBandwidth
from reftiler_conformance.bench.implementations import (
    LIBRARIES,
    Implementation,
    Libraries,
    find,
)
from reftiler_conformance.bench.results import Outcome, Timing
from reftiler_conformance.bench.workloads import Workload
from reftiler_conformance.features import features
from reftiler_conformance.peers.reftiler_own import Numpy, Session
from reftiler_conformance.protocol import Unsupported

TINY = Workload("tiny", (2, 3, 16, 16), 8, 4)
APART = Workload("apart", (2, 3, 16, 16), 8, 8)
BYTES = Workload("bytes", (2, 3, 16, 16), 8, 4, "uint8")
ODD = Workload("odd", (1, 1, 17, 18), 8, 5)
HANN = replace(TINY, window="hann")
VOLUME = Workload("volume", (1, 1, 8, 8, 8), 4, 2)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is timed here: caches stay warm, and garbage is sought in few objects."""
    for name in ("CACHE_BYTES", "MAPPED_BYTES"):
        monkeypatch.setattr(f"reftiler_conformance.bench.timing.{name}", 1)
    gc.freeze()
    yield
    gc.unfreeze()


def library(kind: type[Session], *without: str, exact: bool = False) -> Numpy:
    """Return a library whose bits need not be the reference's, as others' are not."""

    class Library(Numpy):
        claims = Numpy.claims - {"out", *([] if exact else ["exact"]), *without}
        session: ClassVar[Any] = kind

    return Library()


def outcome(found: Numpy, work: Workload = TINY) -> Outcome:
    return measuring.measure(work, {"it": found}, HostBandwidth(1), 1)


def timing(found: Numpy, work: Workload, verb: str) -> Timing:
    return outcome(found, work).timings[verb]["it"]


class Float64(Session):
    def merge(self, tiles: Any, out: Any = None) -> Any:
        return super().merge(tiles).astype(np.float64)


class OneTileWrong(Session):
    def cut(self, image: Any, out: Any = None) -> Any:
        tiles = super().cut(image)
        tiles[-1, 0, 0, 0] += 1
        return tiles


class OneTileMissing(Session):
    def cut(self, image: Any, out: Any = None) -> Any:
        return super().cut(image)[:-1]


class Views(Session):
    def cut(self, image: Any, out: Any = None) -> Any:
        return list(self.tiler.view(image))

    def iter_tiles(self, result: Any) -> Any:
        for one in result:
            for place in np.ndindex(one.shape[1 : 1 + self.case.rank]):
                yield one[(slice(None), *place)]


class LastWins(Session):
    """Overwrites where it should average."""

    def merge(self, tiles: Any, out: Any = None) -> Any:
        image = np.zeros(self.case.shape, tiles.dtype)
        images = tiles.reshape(len(image), len(self.grid_), *tiles.shape[1:])
        for whole, some in zip(image, images, strict=True):
            for k, tile in enumerate(some):
                whole[(slice(None), *self.grid_.slices(k))] = tile
        return image


class EdgeIsZero(Session):
    def merge(self, tiles: Any, out: Any = None) -> Any:
        image = super().merge(tiles)
        image[..., 0] = 0
        return image


class NoNaN(Session):
    def merge(self, tiles: Any, out: Any = None) -> Any:
        return np.nan_to_num(super().merge(tiles))


class Truncates(Session):
    def merge(self, tiles: Any, out: Any = None) -> Any:
        return super().merge(tiles.astype(np.float64)).astype(tiles.dtype)


class Scaled(Session):
    factor = 1 + 1e-6

    def merge(self, tiles: Any, out: Any = None) -> Any:
        return super().merge(tiles) * np.float32(self.factor)


class FarOff(Scaled):
    factor = 1.01


class Fails(Session):
    def cut(self, image: Any, out: Any = None) -> Any:
        raise ValueError("cannot\nsay more")


class CannotOpen(Session):
    def __init__(self, *given: Any) -> None:
        raise RuntimeError("broken")


DROPS = library(Session, "mode:padding", "mode:clamp")


@pytest.mark.parametrize("work", [TINY, BYTES, ODD, VOLUME])
def test_right_results_have_no_caveats(work: Workload) -> None:
    for found, names in ((library(Session), ["it"]), (Numpy(), ["it out=", "it"])):
        made = outcome(found, work)
        for by_name in made.timings.values():
            assert list(by_name) == ["limit", *names]
            for one in by_name.values():
                assert not one.caveats
                assert not one.reason
                assert len(one.seconds) == 1
        assert bool(made.views) == (work is not ODD)  # padded tiles are no views


@pytest.mark.parametrize(
    ("found", "work", "verb", "caveats"),
    [
        (library(OneTileWrong), TINY, "tile", {"wrong"}),
        (library(OneTileMissing), TINY, "tile", {"wrong"}),
        (library(Views), TINY, "tile", {"views", "list"}),
        (library(LastWins), TINY, "untile", {"no mean"}),
        (library(LastWins), APART, "untile", {"no mean"}),  # it would not, if it had to
        (library(EdgeIsZero), TINY, "untile", {"loses pixels"}),
        (library(NoNaN), TINY, "untile", {"no NaN"}),
        (library(NoNaN), BYTES, "untile", set()),
        (library(Truncates), BYTES, "untile", {"off by one"}),
        (library(Scaled), TINY, "untile", set()),
        (library(Scaled, exact=True), TINY, "untile", {"wrong"}),
        (library(FarOff), TINY, "untile", {"wrong"}),
        (library(Float64), TINY, "untile", {"float64"}),
        (DROPS, ODD, "tile", {"loses pixels"}),
        (DROPS, ODD, "untile", {"loses pixels"}),
        (DROPS, TINY, "tile", set()),
        # Layouts and windows that are claimed otherwise are right all the same.
        (library(Session, "batch"), TINY, "untile", set()),
        (library(Session, "batch", "channels"), TINY, "untile", set()),
        (library(Session, "batch", "channels"), VOLUME, "untile", set()),
        (library(Session, "pad_side:end"), ODD, "untile", set()),
        (library(Session, "window:hann"), HANN, "untile", set()),
    ],
)
def test_what_is_less_is_marked(
    found: Numpy, work: Workload, verb: str, caveats: set[str]
) -> None:
    made = timing(found, work, verb)
    assert made.caveats == caveats
    assert not made.reason


def test_a_case_asks_for_what_is_claimed() -> None:
    case = Implementation("it", library(Session, "pad_side:end"), ODD, "cpu").case
    assert (case.mode, case.pad_side) == ("padding", "both")
    assert Implementation("it", DROPS, ODD, "cpu").case.mode == "drop"
    gone = features("batch", "channels", "window:hann")
    case = Implementation("it", library(Session, *gone), HANN, "cpu").case
    assert (case.shape, case.tile) == ((3, 16, 16), (3, 8, 8))
    assert set(case.window[0]) == {1.0}  # channels are not weighed


def test_a_buffer_that_is_not_written_is_noticed() -> None:
    class Lazy(Session):
        def merge(self, tiles: Any, out: Any = None) -> Any:
            return super().merge(tiles) if out is None else out

    class Library(Numpy):
        session: ClassVar[Any] = Lazy

    # The first leaves what is right in the buffer.
    both: Libraries = {"right": Numpy(), "it": Library()}
    made = measuring.measure(TINY, both, HostBandwidth(1), 1)
    timings = made.timings["untile"]
    assert timings["it out="].caveats == {"wrong"}
    assert not timings["it"].caveats


def test_failures_have_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    timings = outcome(library(Fails)).timings
    assert timings["tile"]["it"].reason == "failed: ValueError: cannot"
    assert not timings["tile"]["it"].seconds
    assert timings["untile"]["it"].seconds
    reason = timing(library(CannotOpen), TINY, "tile").reason
    assert reason == "failed: RuntimeError: broken"
    monkeypatch.setattr(
        "reftiler_conformance.bench.memory.available_memory", lambda: 10
    )
    assert timing(library(Session), TINY, "tile").reason.startswith("needs ")


@pytest.mark.parametrize(
    ("work", "device", "missing"),
    [
        (VOLUME, "cpu", "rank:3"),
        (BYTES, "cpu", "tile:uint8"),
        (HANN, "cpu", "window:hann"),
        (replace(TINY, border=1), "cpu", "border"),
        (ODD, "cpu", "mode:padding"),
        (TINY, "cuda", "on cuda|not on cuda"),
    ],
)
def test_what_is_not_claimed_is_not_measured(
    work: Workload, device: str, missing: str
) -> None:
    gone = features("rank:3", "tile:uint8", "window:*", "border", "mode:*")
    with pytest.raises(Unsupported, match=missing):
        Implementation("it", library(Session, *gone), work, device)


def test_every_library_that_is_here_is_right() -> None:
    """A caveat of a peer is its own fault, not that of how it is called."""
    found, missing = find(LIBRARIES)
    assert found.keys() | missing.keys() == LIBRARIES.keys()
    for work in (TINY, BYTES, HANN, replace(TINY, border=1)):
        made = measuring.measure(work, found, HostBandwidth(1), 1)
        for by_name in made.timings.values():
            for name, one in by_name.items():
                assert "wrong" not in one.caveats, (work.title, name)
                assert not one.reason.startswith("failed"), (work.title, name)
