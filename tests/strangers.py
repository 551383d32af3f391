"""Subjects that misbehave: the conformance kit must tell, and go on."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

import reftiler
from reftiler_conformance import Case, Info, Unsupported

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

    def starts(self, shape: tuple[int, ...]) -> list[tuple[int, int]]:
        """Return where the tiles lie, in row-major order."""
        rows, columns = (
            range(0, length - tile + 1, step)
            for length, tile, step in zip(
                shape[-2:], self.size, self.stride, strict=True
            )
        )
        return [(i, j) for i in rows for j in columns]

    def tile(self, image: Array) -> Any:
        """Cut an image (C, H, W)."""
        high, wide = self.size
        starts = self.starts(image.shape)
        return np.stack([image[:, i : i + high, j : j + wide] for i, j in starts])

    def untile(self, tiles: Array, shape: tuple[int, ...]) -> Any:
        """Put tiles together that do not overlap."""
        high, wide = self.size
        merged = np.zeros((tiles.shape[1], *shape[-2:]), tiles.dtype)
        for (i, j), tile in zip(self.starts(shape), tiles, strict=True):
            merged[:, i : i + high, j : j + wide] = tile
        return merged


class Mirrored(Plain):
    """Mirrors every tile."""

    def tile(self, image: Array) -> Any:
        """Cut, and turn over."""
        return super().tile(image)[..., ::-1]


class Modest:
    """An adapter that does not claim the unequal sides that its tiler takes."""

    def info(self) -> Info:
        words = [word for word in Plain.features if word != "unequal"]
        return Info("modest", "1", words)

    def open(self, case: Case, device: str) -> Any:
        if device != "cpu" or case.batch is not None or case.channels is None:
            raise Unsupported("one image with channels, on the CPU")
        return Shaped(case)


class Shaped(Plain):
    """A session: a plain tiler that was told the shape of the image."""

    def __init__(self, case: Case) -> None:
        super().__init__(case.tile, case.stride)  # type: ignore[arg-type]
        self.shape = case.shape

    def untile(self, tiles: Array, shape: tuple[int, ...] = ()) -> Any:
        return super().untile(tiles, shape or self.shape)


class Raises(Plain):
    """Raises."""

    def tile(self, image: Array) -> Any:
        raise RuntimeError(f"cannot tile {image.shape}\nat all")


class Hangs(Plain):
    """Never answers."""

    def tile(self, image: Array) -> Any:
        time.sleep(1000)


class Slow(Plain):
    """Takes its time."""

    def tile(self, image: Array) -> Any:
        time.sleep(0.6)
        return super().tile(image)


class Dies(Plain):
    """Takes its process down."""

    def tile(self, image: Array) -> Any:
        os.kill(os.getpid(), 11)


class DiesOfAnother(Plain):
    """Is right, until the same tiler cuts an image of another size."""

    def tile(self, image: Array) -> Any:
        if image.shape[-2] < 2:
            os.kill(os.getpid(), 11)
        return super().tile(image)


class Exits(Plain):
    """Ends the program."""

    def tile(self, image: Array) -> Any:
        sys.exit(7)


class Odd(Plain):
    """Raises what few catch."""

    def tile(self, image: Array) -> Any:
        raise BaseException("of no kind")  # noqa: TRY002 - that is what is odd


class Records(Plain):
    """Returns records, which are no numbers."""

    def tile(self, image: Array) -> Any:
        return super().tile(image).astype([("shade", np.float32)])


class Prints(Plain):
    """Talks while it works, on all channels."""

    def tile(self, image: Array) -> Any:
        sys.stdout.write("busy ")
        sys.stdout.flush()
        os.write(1, b"tiling")
        return super().tile(image)


class Lists(Plain):
    """Returns lists."""

    def tile(self, image: Array) -> Any:
        return super().tile(image).tolist()


class Objects(Plain):
    """Returns arrays of objects."""

    def tile(self, image: Array) -> Any:
        return super().tile(image).astype(object)


class Flat(Plain):
    """Returns the wrong shape."""

    def tile(self, image: Array) -> Any:
        return super().tile(image).ravel()


class Doubles(Plain):
    """Returns the wrong dtype."""

    def tile(self, image: Array) -> Any:
        return super().tile(image).astype(np.float64)


class Writes(Plain):
    """Changes its input."""

    def tile(self, image: Array) -> Any:
        tiles = super().tile(image)
        image[...] = 0
        return tiles


class Deaf:
    """An adapter that does not say who it is."""

    def info(self) -> Any:
        return

    def open(self, case: Any, device: str) -> Any:
        """Open nothing."""


class Boasts(Plain):
    """Claims what there is no word for."""

    features = ("tile", "telepathy")


class Scribbles(Plain):
    """Writes into whatever is open."""

    def tile(self, image: Array) -> Any:
        for number in range(1024):
            with suppress(OSError):
                os.write(number, b"scribble")
        return super().tile(image)


class Floods(Plain):
    """Prints without end."""

    def tile(self, image: Array) -> Any:
        while True:
            os.write(2, b"on and on " * 10_000)


class Forks(Plain):
    """Lets a child come back from the call too."""

    def tile(self, image: Array) -> Any:
        os.fork()
        return super().tile(image)


class LeavesChildren(Plain):
    """Dies, and leaves a child that holds its files."""

    def tile(self, image: Array) -> Any:
        child = os.fork()
        if not child:
            time.sleep(1000)
        os.write(1, f"child {child}".encode())
        os._exit(3)


class Unsettles(Plain):
    """Closes files, patches numpy, changes what a process has but one of."""

    def tile(self, image: Array) -> Any:
        tiles = super().tile(image)
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


class Boundless(Plain):
    """Returns more than there is memory for."""

    def tile(self, image: Array) -> Any:
        return np.broadcast_to(np.float32(0), (1 << 40,))


class Unspeakable(Plain):
    """Raises what cannot say what it is."""

    def tile(self, image: Array) -> Any:
        """Raise."""

        class MuteError(MemoryError):
            def __str__(self) -> str:
                raise RecursionError

        raise MuteError


class OtherElsewhere(reftiler.Tiler):
    """Gives other tiles, and draws others, in every process."""

    def tile(self, image: Any, **named: Any) -> Any:
        return super().tile(image, **named) * os.getpid()

    def random(self, size: Any, count: int, seed: int, align: Any = 1) -> reftiler.Grid:
        return super().random(size, count, seed + hash("seed") % 2**60, align)
