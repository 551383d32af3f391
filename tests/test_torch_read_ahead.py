"""Apply reads a batch in a thread while the model works on the one before."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import reftiler
import reftiler.torch
from reftiler_conformance.compare import same_bits
from tests.stores import Store

IMAGE = np.arange(64 * 64, dtype=np.float32).reshape(64, 64)
MAIN = threading.main_thread().ident


@pytest.fixture(params=["numpy", "torch"])
def tiler(request: pytest.FixtureRequest) -> Any:
    library = reftiler if request.param == "numpy" else reftiler.torch
    return library.Tiler(16, mode="drop")


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


class Slow(Store):
    """A store that takes its time, fails at a row, and tells who reads."""

    def __init__(self, seconds: float = 0.0, fails_at: int = -1) -> None:
        super().__init__(IMAGE)
        self.seconds, self.fails_at = seconds, fails_at
        self.readers: list[threading.Thread] = []
        self.reading = threading.Lock()

    def __getitem__(self, index: Any) -> Any:
        assert self.reading.acquire(blocking=False), "two reads at the same time"
        try:
            self.readers.append(threading.current_thread())
            time.sleep(self.seconds)
            if index[0].start == self.fails_at:
                raise OSError(5, "Input/output error")
            return super().__getitem__(index)
        finally:
            self.reading.release()


def as_read(result: Any) -> Any:
    return result if isinstance(result, np.ndarray) else result.numpy()


def test_the_next_batch_is_read_while_the_model_works(tiler: Any) -> None:
    image = Slow()
    reads: list[int] = []

    def model(tiles: Any) -> Any:
        limit = time.monotonic() + 5
        wanted = min(4, len(reads) + 2)
        while len(image.read) < wanted and time.monotonic() < limit:
            time.sleep(0.001)
        reads.append(len(image.read))
        return tiles

    same_bits(as_read(tiler.apply(model, image, batch_size=4)), IMAGE)
    assert reads == [2, 3, 4, 4]
    assert len(set(image.readers[1:])) == 1
    assert threading.current_thread() not in image.readers[1:]


def test_one_thread_reads_where_that_is_asked_for(tiler: Any) -> None:
    image = Slow()
    got = tiler.apply(lambda t: t, image, batch_size=4, read_ahead=False)
    same_bits(as_read(got), IMAGE)
    assert set(image.readers) == {threading.current_thread()}
    with pytest.raises(TypeError, match="read_ahead must be True or False, got 2"):
        tiler.apply(lambda t: t, image, read_ahead=2)


def test_batches_in_another_order_are_read_once_they_are_asked_for(tiler: Any) -> None:
    got = tiler.apply(
        lambda t: t, Slow(0.02), batch_size=2, progress=lambda b: [*b[::-1]]
    )
    same_bits(as_read(got), IMAGE)


def test_an_error_of_the_reader_is_raised_when_its_tiles_are_due(tiler: Any) -> None:
    seen: list[int] = []

    def model(tiles: Any) -> Any:
        time.sleep(0.02)  # the reader fails meanwhile
        seen.append(len(tiles))
        return tiles

    with pytest.raises(OSError, match="Input/output error") as caught:
        tiler.apply(model, Slow(fails_at=32), batch_size=4)
    assert len(seen) == 2
    assert caught.value.__notes__ == ["in tiles 8 to 11, the first at [32:48, 0:16]"]


def test_an_error_of_the_model_comes_before_that_of_the_next_read(tiler: Any) -> None:
    def model(tiles: Any) -> Any:
        time.sleep(0.02)
        raise ValueError("the model fails")

    with pytest.raises(ValueError, match="the model fails") as caught:
        tiler.apply(model, Slow(fails_at=16), batch_size=4)
    assert caught.value.__context__ is None


def test_an_interrupt_ends_the_thread(tiler: Any) -> None:
    def interrupted(tiles: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return tiles

    with pytest.raises(KeyboardInterrupt):
        tiler.apply(interrupted, Slow(0.02), batch_size=4)

    if not hasattr(signal, "pthread_kill"):
        return  # Windows sends no signal to a thread
    image = Slow(0.1)
    timer = threading.Timer(0.25, signal.pthread_kill, [MAIN, signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):  # while the next batch is waited for
        tiler.apply(lambda t: t, image, batch_size=1)
    timer.join()


def test_the_model_is_given_indices_and_boxes() -> None:
    image = torch.arange(2.0 * 3 * 10 * 8).reshape(2, 3, 10, 8)
    tiler = reftiler.torch.Tiler(4, 3, pad_side="both")
    seen: list[Any] = []

    def model(tiles: Any, indices: Any, boxes: Any) -> Any:
        assert indices.dtype == boxes.dtype == torch.int64
        seen.extend(zip(indices.tolist(), boxes.tolist(), strict=True))
        return tiles

    got = tiler.apply(model, image, batch_size=5, indices=True)
    assert torch.equal(got, image)
    boxes = tiler.grid((10, 8)).boxes.tolist()
    assert seen == list(enumerate([*boxes, *boxes]))
    with pytest.raises(TypeError, match="indices must be True or False, got 'yes'"):
        tiler.apply(model, image, indices="yes")  # type: ignore[arg-type]
