"""Asking again after other calls: what is remembered breaks TILER-003."""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.compare import Mismatch, same_merge, same_numbers
from reftiler_conformance.expected import merge_of, tiles_of
from reftiler_conformance.features import MODES, PAD_MODES, Features
from reftiler_conformance.needs import needs_to_tile
from reftiler_conformance.rpc import Answer, Broken, Raised
from reftiler_conformance.slices import merge_by_slices, pieces_of
from reftiler_conformance.suite.verbs import Verb, call, first, input_of

LARGE = 100
"""Pixels of an input that take the oracle longer than numpy."""

_answers: defaultdict[str, set[bytes]] = defaultdict(set)
"""The right answers of this process, by the settings: what could be remembered."""

_numbers = itertools.count(1)


@dataclass
class Asked:
    """A session of a case, asked by one verb again and again, for several inputs."""

    run: CaseRun
    verb: Verb
    case: Case
    right: dict[bytes, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings = replace(self.case, seed=0, content="index")
        self.answers = _answers[f"{self.verb} {self.run.device} {settings!r}"]

    def ask(self, given: Array, then: str) -> bool:
        """
        Return whether the answer is right.

        Raises
        ------
        Mismatch
            If it is wrong as only memory can make it: it is the right answer to an
            earlier question, or the same question was answered rightly before.
        """
        question = _digest(given)
        try:
            got = call(self.run, self.verb, given).array
        except Broken as error:
            if question in self.right:
                raise self._fault(f"{then}: {error}") from error
            if isinstance(error, Raised):
                return False
            raise
        answer = _digest(got)
        if answer == self.right.get(question):
            return True
        if self._is_right(got, given):
            self.right.setdefault(question, answer)
            self.answers.add(answer)
            return True
        if question in self.right:
            raise self._fault(then)
        if answer in self.answers and _is_telling(got):
            raise self._fault(f"the answer is that to an earlier {self.verb}")
        return False

    def _is_right(self, got: Array, given: Array) -> bool:
        want = wanted(self.verb, self.case, given)
        self.run.keep(got, want)
        try:
            if self.verb == "tile" or "exact" in self.run.features:
                same_numbers(got, want)
            else:
                same_merge(got, self.case, given)
        except Mismatch:
            return False
        return got.dtype == want.dtype or self.case.dtype == "bool"

    def _fault(self, then: str) -> Mismatch:
        return Mismatch(f"{self.verb} remembers: {then}", clause="TILER-003")


def wanted(verb: Verb, case: Case, given: Array) -> Array:
    """Return what is right for an input; of large ones by slices, which is fast."""
    numbers = {given.dtype.kind, case.result_dtype.kind} <= {*"iuf"}
    if given.size > LARGE and numbers:
        return (pieces_of if verb == "tile" else merge_by_slices)(case, given)
    return (tiles_of if verb == "tile" else merge_of)(case, given)


def _digest(array: Array) -> bytes:
    found = hashlib.blake2b(array.tobytes(), digest_size=16)
    found.update(f"{array.dtype.descr}{array.shape}".encode())
    return found.digest()


def _is_telling(array: Array) -> bool:
    """Say whether another answer is hardly the same by chance."""
    items = array.dtype.itemsize
    return len(set(zip(*[iter(array.tobytes())] * items, strict=False))) > 4


def nearly(array: Array, seed: int) -> Array:
    """
    Return an array that differs in two pixels only.

    The first, the last and the corner pixels are the same, the sum too: two others
    change places, if there are two that differ.
    """
    found = array.copy()
    flat = found.reshape(-1)
    items = flat.view(f"V{array.dtype.itemsize}")
    inner = [n for n in range(1, flat.size - 1) if not _is_corner(n, array.shape)]
    order = np.random.default_rng(seed).permutation(inner).tolist()
    for one, other in itertools.pairwise(order):
        if items[one].tobytes() != items[other].tobytes():
            flat[[one, other]] = flat[[other, one]]
            break
    return found


def _is_corner(number: int, shape: tuple[int, ...]) -> bool:
    place = np.unravel_index(number, shape)
    return all(i in (0, n - 1) for i, n in zip(place, shape, strict=True))


def fresh_number() -> int:
    """Return by how much sizes are `grown`: other sizes than the last twenty times."""
    return next(_numbers) % 24 + 1


def grown(case: Case, more: int) -> Case:
    """Return a case with larger tiles and a larger image, on one axis if it may."""
    sides = case.rank if len(set(case.tile)) == 1 else 1
    added = (more,) * sides + (0,) * (case.rank - sides)
    gaps = zip(case.size, case.tile, case.stride, strict=True)
    steps = [max(0, size - tile) // stride for size, tile, stride in gaps]
    size = (n + m * (k + 1) for n, m, k in zip(case.size, added, steps, strict=True))
    tile, stride = (
        tuple(n + m for n, m in zip(lengths, added, strict=True))
        for lengths in (case.tile, case.stride)
    )
    return replace(case, size=tuple(size), tile=tile, stride=stride)


def with_other_settings(case: Case) -> Iterator[Case]:
    """Return cases of the same sizes that differ in one setting."""
    free = all(t - s > 1 for t, s in zip(case.tile, case.stride, strict=True))
    values: dict[str, tuple[Any, ...]] = {
        "stride": (tuple(max(1, s - 1) for s in case.stride),),
        "border": ((1,) * case.rank if free else (), ()),
        "pad_value": (0, 1),
        "fill": (0, 1),
        "mode": MODES,
        "pad_mode": PAD_MODES,
        "pad_side": ("end", "both"),
        "window": ("box", "hann", "triangle"),
        "merge": (None, "max", "min"),
        "result": (None, "float64"),
        "dtype": ("float32", "float64"),
    }
    for name, choices in values.items():
        for value in choices:
            other = replace(case, **{name: value})
            if repr(other) != repr(case) and _is_allowed(other):
                yield other


def _is_allowed(case: Case) -> bool:
    """Say whether the settings can be together at all."""
    if case.window != "box" and (case.merge in ("max", "min") or case.dtype == "bool"):
        return False
    try:
        return bool(case.grid.starts)
    except ValueError:
        return False


def is_right(run: CaseRun, verb: Verb, case: Case) -> bool:
    """Say whether the first answer of a fresh session is right."""
    try:
        run.reopen(case)
        return Asked(run, verb, case).ask(input_of(verb, case), "the first time")
    except Broken:
        return False


def steady(run: CaseRun, ask: Callable[[], Answer], times: int = 5) -> bytes | None:
    """Return what the same call gives; None if it varies, which is TILER-004."""
    run.reopen()
    found = {first(ask).array.tobytes()}
    run.reopen()
    for _ in range(times):
        try:
            found.add(ask().array.tobytes())
        except Raised:
            return None
    return found.pop() if len(found) == 1 else None


def images_between(case: Case, claimed: Features) -> list[Array]:
    """Return images of other sizes and batches that the tiler of a case can cut."""
    bare = replace(case, starts=None, random=None, scale=(), seed=case.seed + 1)
    sides = list(zip(case.size, case.tile, case.stride, strict=True))
    sizes = (
        case.tile,
        tuple(n - 1 if n > t else n + 1 for n, t, _ in sides),  # often as many tiles
        tuple(n + (i == 0) * s for i, (n, _, s) in enumerate(sides)),
        tuple(n + 2 * s for n, _, s in sides),
    )
    found = [replace(bare, size=size) for size in sizes]
    if case.batch is not None:
        found.append(replace(bare, batch=case.batch + 1))
    return [
        other.image()
        for other in found
        if other.shape != case.shape and needs_to_tile(other) <= claimed
    ]
