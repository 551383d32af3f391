"""What mutants are made of: the reference and the oracle, and a step to replace."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from reftiler_conformance import oracle
from reftiler_conformance.cases import Case
from reftiler_conformance.expected import finished_of
from reftiler_conformance.peers.reftiler_own import Numpy
from reftiler_conformance.protocol import Unsupported

Array = npt.NDArray[Any]
Patch = tuple[object, str, object]

MOST_PIXELS = 20_000
"""Pixels of tiles that the oracle is asked for: it is slow."""

_PATCHING = threading.RLock()


def reference(case: Case) -> Any:
    """Return the reference's session for a case."""
    return Numpy().open(case, "cpu")


class PatchedOracle:
    """The oracle with some of its functions replaced, while it answers."""

    def __init__(self, case: Case, patches: Sequence[Patch]) -> None:
        # A copy of the case, for the grid that a case keeps is the judge's.
        self.case, self.patches = replace(case), patches
        with patched(patches):
            self.plan = self.case.grid
        self.pixels = len(self.plan.tile_specs) * prod(case.tile)

    def tile(self, image: Array) -> Array:
        """Cut an image."""
        _limit(image.size // prod(self.case.size) * self.pixels)
        with patched(self.patches):
            return oracle.tile(self.plan, image)

    def untile(self, tiles: Array) -> Array:
        """Merge tiles."""
        _limit(tiles.size)
        case = self.case
        dtype = None if case.result is None else np.dtype(case.result)
        with patched(self.patches):
            more = dtype, case.pixel_weights()
            merged = oracle.untile(self.plan, tiles, case.shape, case.scales, *more)
            return finished_of(case, merged)

    def grid(self) -> Mapping[str, Any]:
        """Say where the tiles lie."""
        _limit(self.pixels)
        plan = self.plan
        with patched(self.patches):
            return {
                "starts": plan.starts,
                "boxes": oracle.boxes(plan),
                "padding": oracle.padding(plan),
                "slices": oracle.clipped(plan),
                "coverage": np.reshape(oracle.coverage(plan), self.case.size),
                "uncovered": oracle.uncovered(plan),
            }

    def touching(self, mask: Array) -> Array:
        """Say which tiles hold a marked pixel."""
        with patched(self.patches):
            return np.array(oracle.touching(self.plan, lambda p: bool(mask[p])), int)


def _limit(pixels: int) -> None:
    """Refuse what would take too long; the case is lost, not the check."""
    if pixels > MOST_PIXELS:
        raise Unsupported(f"more than {MOST_PIXELS} pixels of tiles")


@contextmanager
def patched(patches: Sequence[Patch]) -> Iterator[None]:
    """Replace attributes; the judge in this process needs the sound ones after."""
    with _PATCHING:
        sound = [(owner, name, getattr(owner, name)) for owner, name, _ in patches]
        try:
            for owner, name, wrong in patches:
                setattr(owner, name, wrong)
            yield
        finally:
            for owner, name, right in sound:
                setattr(owner, name, right)


class Session:
    """
    One case's tiler, sound as it stands; mutants replace a step.

    It refuses what the reference refuses, then answers as the reference does, or the
    oracle where functions of it are replaced. The steps that read and give arrays
    change nothing.
    """

    checked: ClassVar[bool] = True
    """Whether the reference is asked first, to refuse."""

    def __init__(
        self, case: Case, memory: dict[Any, Any], patches: tuple[Patch, ...] = ()
    ) -> None:
        self.case, self.memory = case, memory
        self.reference = reference(case) if self.checked else None
        seen = self.read_case(case)
        self.tiler = PatchedOracle(seen, patches) if patches else reference(seen)

    def read_case(self, case: Case) -> Case:
        """Return what the case is taken for."""
        return case

    def read_image(self, array: Array) -> Array:
        """Return what an image is taken for."""
        return array

    def read_tiles(self, array: Array) -> Array:
        """Return what tiles are taken for."""
        return array

    def give_tiles(self, tiles: Array) -> Array:
        """Return what is told of the tiles of an image."""
        return tiles

    def give_result(self, result: Array) -> Array:
        """Return what is told of the merge of tiles."""
        return result

    def refuse(self, verb: str, array: Array, out: Array | None = None) -> None:
        """Raise what the reference raises."""
        if self.reference is None:
            return
        if out is None:
            getattr(self.reference, verb)(array)
            return
        held = out.copy()
        getattr(self.reference, verb)(array, out=out)
        np.copyto(out, held)

    def tile(self, image: Array, out: Array | None = None) -> Array:
        """Cut an image."""
        self.refuse("tile", image, out)
        return self.give(self.cut(image), out)

    def cut(self, image: Array) -> Array:
        """Return the tiles of an image."""
        return self.give_tiles(self.tiler.tile(self.read_image(image)))

    def tile_another(self, image: Array) -> None:
        """Cut an image of another size; nobody looks at its tiles."""
        self.refuse("tile_another", image)

    def untile(self, tiles: Array, out: Array | None = None) -> Array:
        """Merge tiles."""
        self.refuse("untile", tiles, out)
        return self.give(self.merge(tiles), out)

    def merge(self, tiles: Array) -> Array:
        """Return the image of tiles."""
        return self.give_result(self.tiler.untile(self.read_tiles(tiles)))

    def give(self, result: Array, out: Array | None) -> Array:
        """Return a result, in ``out`` if there is one."""
        if out is None:
            return result if result.flags.writeable else result.copy()
        np.copyto(out, result, casting="unsafe")
        return out

    def view(self, image: Array) -> Array:
        """Show the windows of an image."""
        windows: Array = reference(self.case).view(image)
        return windows

    def grid(self) -> dict[str, Any]:
        """Say where the tiles lie."""
        return dict(self.tiler.grid())

    def touching(self, mask: Array) -> Array:
        """Say which tiles hold a marked pixel."""
        self.refuse("touching", mask)
        found: Array = self.tiler.touching(mask)
        return found

    def save(self) -> str:
        """Return the JSON of the grid."""
        return str(reference(self.case).save())


class Unchecked(Session):
    """A session that takes what the reference refuses."""

    checked = False
