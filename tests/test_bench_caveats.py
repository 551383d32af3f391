"""Every result is compared with the reference: a library that does less is marked."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
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
from reftiler_conformance.bench.results import Outcome
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


def cutting(change: Callable[[Any], Any]) -> Numpy:
    """Return a library that changes what it has cut."""

    class Changes(Session):
        def cut(self, image: Any, out: Any = None) -> Any:
            return change(super().cut(image))

    return library(Changes)


def merging(change: Callable[[Any], Any], *, exact: bool = False) -> Numpy:
    """Return a library that changes what it has merged."""

    class Changes(Session):
        def merge(self, tiles: Any, out: Any = None) -> Any:
            return change(super().merge(tiles))

    return library(Changes, exact=exact)


def outcome(found: Numpy, work: Workload = TINY) -> Outcome:
    return measuring.measure(work, {"it": found}, HostBandwidth(1), 1)


def one_is_wrong(tiles: Any) -> Any:
    tiles[-1, 0, 0, 0] += 1
    return tiles


def edge_is_zero(image: Any) -> Any:
    image[..., 0] = 0
    return image


def fails(tiles: Any) -> Any:
    raise ValueError("cannot\nsay more")


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


class Truncates(Session):
    def merge(self, tiles: Any, out: Any = None) -> Any:
        return super().merge(tiles.astype(np.float64)).astype(tiles.dtype)


class CannotOpen(Session):
    def __init__(self, *given: Any) -> None:
        raise RuntimeError("broken")


def slightly(image: Any) -> Any:
    return image * np.float32(1 + 1e-6)


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
        (cutting(one_is_wrong), TINY, "tile", {"wrong"}),
        (cutting(lambda tiles: tiles[:-1]), TINY, "tile", {"wrong"}),
        (library(Views), TINY, "tile", {"views", "list"}),
        (library(LastWins), TINY, "untile", {"no mean"}),
        (library(LastWins), APART, "untile", {"no mean"}),  # it would not, if it had to
        (merging(edge_is_zero), TINY, "untile", {"loses pixels"}),
        (merging(np.nan_to_num), TINY, "untile", {"no NaN"}),
        (merging(np.nan_to_num), BYTES, "untile", set()),
        (library(Truncates), BYTES, "untile", {"off by one"}),
        (merging(slightly), TINY, "untile", set()),
        (merging(slightly, exact=True), TINY, "untile", {"wrong"}),
        (merging(lambda image: image * np.float32(1.01)), TINY, "untile", {"wrong"}),
        (merging(lambda image: image.astype("f8")), TINY, "untile", {"float64"}),
        (DROPS, ODD, "tile", {"loses pixels"}),
        (DROPS, ODD, "untile", {"loses pixels"}),
        (DROPS, TINY, "tile", set()),
        # Layouts and windows that are claimed otherwise are right all the same.
        (library(Session, "batch", "channels"), VOLUME, "untile", set()),
        (library(Session, "pad_side:end"), ODD, "untile", set()),
        (library(Session, "window:hann"), HANN, "untile", set()),
    ],
)
def test_what_is_less_is_marked(
    found: Numpy, work: Workload, verb: str, caveats: set[str]
) -> None:
    made = outcome(found, work).timings[verb]["it"]
    assert made.caveats == caveats
    assert not made.reason


class Lazy(Session):
    """Does not write into the buffer that it returns."""

    def merge(self, tiles: Any, out: Any = None) -> Any:
        return super().merge(tiles) if out is None else out


def test_a_buffer_that_is_not_written_is_noticed() -> None:
    lazy = library(Lazy, exact=True)
    type(lazy).claims |= {"out"}
    # The first leaves what is right in the buffer.
    both: Libraries = {"right": Numpy(), "it": lazy}
    made = measuring.measure(TINY, both, HostBandwidth(1), 1)
    timings = made.timings["untile"]
    assert timings["it out="].caveats == {"wrong"}
    assert not timings["it"].caveats


def test_failures_have_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    timings = outcome(cutting(fails)).timings
    assert timings["tile"]["it"].reason == "failed: ValueError: cannot"
    assert not timings["tile"]["it"].seconds
    assert timings["untile"]["it"].seconds
    broken = outcome(library(CannotOpen)).timings["tile"]["it"]
    assert broken.reason == "failed: RuntimeError: broken"
    free = "reftiler_conformance.bench.timing.available_memory"
    monkeypatch.setattr(free, lambda: 10)
    assert outcome(Numpy()).timings["tile"]["it"].reason.startswith("needs ")


@pytest.mark.parametrize(
    ("work", "device", "missing"),
    [
        (BYTES, "cpu", "tile:uint8"),
        (HANN, "cpu", "window:hann"),
        (ODD, "cpu", "mode:padding"),
        (TINY, "cuda", "on cuda|not on cuda"),
    ],
)
def test_what_is_not_claimed_is_not_measured(
    work: Workload, device: str, missing: str
) -> None:
    gone = features("tile:uint8", "window:*", "mode:*")
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
