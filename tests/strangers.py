"""Subjects that misbehave: the conformance kit must tell, and go on."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import reftiler
from reftiler_conformance import Case, Info
from reftiler_conformance.wrapped import Wrapped

Array = npt.NDArray[Any]


class Plain:
    """A tiler that is right in the little it claims: no padding, no averaging."""

    features: tuple[str, ...] = (
        *("tile", "untile", "untile:cold", "rank:2", "channels", "unequal"),
        *("tile:float32", "untile:float32", "tile:uint8", "untile:uint8"),
        "merge:mean",
    )

    def __init__(self, tile_size: tuple[int, int], stride: tuple[int, int]) -> None:
        self.size, self.stride = tile_size, stride

    def slices(self, shape: tuple[int, ...]) -> list[Any]:
        """Return where the tiles lie, in row-major order."""
        (high, wide), sides = self.size, (shape[-2:], self.size, self.stride)
        rows, columns = (
            range(0, length - tile + 1, step)
            for length, tile, step in zip(*sides, strict=True)
        )
        return [np.s_[:, i : i + high, j : j + wide] for i in rows for j in columns]

    def tile(self, image: Array) -> Any:
        """Cut an image (C, H, W)."""
        return np.stack([image[place] for place in self.slices(image.shape)])

    def untile(self, tiles: Array, shape: tuple[int, ...]) -> Any:
        """Put tiles together that do not overlap."""
        merged = np.zeros((tiles.shape[1], *shape[-2:]), tiles.dtype)
        for place, tile in zip(self.slices(shape), tiles, strict=True):
            merged[place] = tile
        return merged


class Opening(Plain):
    """A tiler with a method of its own that is called as an adapter's."""

    def open(self, path: str) -> Any:
        """Cut the image of a file."""
        return self.tile(np.load(path))


class OverlapAdd(Plain):
    """Adds what overlaps, divided by how often: in float32, which is too coarse."""

    features = (*Plain.features, "overlap", "tile:float64", "untile:float64")
    sums: Any = np.float32

    def untile(self, tiles: Array, shape: tuple[int, ...]) -> Any:
        total = np.zeros((tiles.shape[1], *shape[-2:]), self.sums)
        count = np.zeros_like(total)
        for place, tile in zip(self.slices(shape), tiles, strict=True):
            total[place] += tile
            count[place] += 1
        with np.errstate(all="ignore"):
            mean = (total / count).astype(tiles.dtype)
        for place, tile in zip(self.slices(shape), tiles, strict=True):
            mean[place] = np.where(count[place] == 1, tile, mean[place])
        return mean


class Mended(OverlapAdd):
    """Adds in float64."""

    sums = np.float64


def stranger(answer: Callable[[Array, Array], Any]) -> type[Plain]:
    """Make a tiler of what it does with the right tiles, and with their image."""

    def tile(self: Plain, image: Array) -> Any:
        return answer(Plain.tile(self, image), image)

    return type("Stranger", (Plain,), {"tile": tile})


mirrors = stranger(lambda tiles, image: tiles[..., ::-1])
flattens = stranger(lambda tiles, image: tiles.ravel())
doubles = stranger(lambda tiles, image: tiles.astype(np.float64))
lists = stranger(lambda tiles, image: tiles.tolist())
objects = stranger(lambda tiles, image: tiles.astype(object))
boundless = stranger(lambda tiles, image: np.broadcast_to(np.uint8(0), (1 << 40,)))
exits = stranger(lambda tiles, image: sys.exit(7))
hangs = stranger(lambda tiles, image: time.sleep(1000))
dies = stranger(lambda tiles, image: os.kill(os.getpid(), signal.SIGSEGV))


@stranger
def raises(tiles: Array, image: Array) -> Any:
    raise RuntimeError(f"cannot tile {image.shape}\nat all")


class MuteError(MemoryError):
    def __str__(self) -> str:
        raise RecursionError


@stranger
def unspeakable(tiles: Array, image: Array) -> Any:
    raise MuteError


@stranger
def slow(tiles: Array, image: Array) -> Any:
    time.sleep(0.6)
    return tiles


@stranger
def dies_of_another(tiles: Array, image: Array) -> Any:
    if image.shape[-2:] != (4, 4):  # that of the simplest case
        os.kill(os.getpid(), signal.SIGSEGV)
    return tiles


@stranger
def prints(tiles: Array, image: Array) -> Any:
    sys.stdout.write("busy ")
    sys.stdout.flush()
    os.write(1, b"tiling")
    return tiles


@stranger
def floods(tiles: Array, image: Array) -> Any:
    while True:
        os.write(2, b"on and on " * 10_000)


@stranger
def scribbles(tiles: Array, image: Array) -> Any:
    """Write into whatever is open."""
    for number in range(1024):
        with suppress(OSError):
            os.write(number, b"scribble")
    return tiles


@stranger
def forks(tiles: Array, image: Array) -> Any:
    """Let a child come back from the call too."""
    os.fork()
    return tiles


@stranger
def leaves_a_child(tiles: Array, image: Array) -> Any:
    """Die, and leave a child that holds the files."""
    child = os.fork()
    if not child:
        time.sleep(1000)
    os.write(1, f"child {child}".encode())
    os._exit(3)


@stranger
def writes(tiles: Array, image: Array) -> Any:
    image[...] = 0
    return tiles


@stranger
def unsettles(tiles: Array, image: Array) -> Any:
    """Close files, patch numpy, change what a process has but one of."""
    sys.stdout, sys.stderr = None, 3
    os.closerange(0, 20)
    os.chdir("/")
    os.environ.clear()
    for number in (signal.SIGALRM, signal.SIGPIPE, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    for name in ("array_equal", "ndarray", "dtype", "copy", "may_share_memory"):
        setattr(np, name, None)
    threading.Thread(target=time.sleep, args=(1000,)).start()
    atexit.register(time.sleep, 1000)
    return tiles


class Boasts(Plain):
    """Claims what there is no word for."""

    features = ("tile", "telepathy")


class Deaf:
    """An adapter that does not say who it is."""

    def info(self) -> Any:
        return

    def open(self, case: Case, device: str) -> Any:
        """Open nothing."""


class Modest:
    """An adapter that does not claim the unequal sides that its tiler takes."""

    asks = Wrapped(Plain)

    def info(self) -> Info:
        plain = self.asks.info()
        return replace(plain, name="modest", features=plain.claimed - {"unequal"})

    def open(self, case: Case, device: str) -> Any:
        return self.asks.open(case, device)


def has_ended(process: int) -> bool:
    """Say whether a process ends within five seconds."""
    stat, until = Path(f"/proc/{process}/stat"), time.monotonic() + 5
    while time.monotonic() < until:
        try:
            state = stat.read_text("utf-8").rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


class OtherElsewhere(reftiler.Tiler):
    """Gives other tiles, and draws others, in every process."""

    def tile(self, image: Any, **named: Any) -> Any:
        return super().tile(image, **named) * os.getpid()

    def random(self, *given: Any, **named: Any) -> reftiler.Grid:
        size, count, seed, *rest = given
        return super().random(size, count, seed + hash("seed") % 2**60, *rest, **named)
