"""One case put to one subject: what a check asks, and what it compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from reftiler_conformance.cases import Case
from reftiler_conformance.compare import Mismatch, same_bits, same_merge, same_numbers
from reftiler_conformance.exchange import Answer, Raised, Request
from reftiler_conformance.expected import expected_merge, expected_tiles, merge_of
from reftiler_conformance.features import Features
from reftiler_conformance.tolerances import SINGLE

Array = npt.NDArray[Any]


class Client(Protocol):
    """Reaches a subject, in this process or another."""

    def answer(self, request: Request) -> Answer:
        """Put a request to the subject."""
        ...

    def begin(self, request: Request) -> Callable[[], Answer]:
        """Put a request to the subject, and return what waits for the answer."""
        ...


@dataclass
class Evidence:
    """The arrays of a trial: given last, come back, right, and where it is wrong."""

    image: Array | None = None
    tiles: Array | None = None
    got: Array | None = None
    want: Array | None = None
    mask: Array | None = None


@dataclass
class CaseRun:
    """A case, opened at a subject; a check asks it and raises `Mismatch`."""

    case: Case
    client: Client
    features: Features
    device: str = "cpu"
    evidence: Evidence = field(default_factory=Evidence)
    printed: str = ""

    def reopen(self, case: Case | None = None) -> None:
        """Make a fresh session; for another case if one is given."""
        text = repr(case or self.case)
        self._ask(Request("open", text=text, device=self.device))

    def tile(self, image: Array | None = None, out: Array | None = None) -> Answer:
        """Cut the case's image, or another."""
        return self.tiling(image, out)()

    def untile(self, tiles: Array | None = None, out: Array | None = None) -> Answer:
        """Merge the case's tiles, or others."""
        return self.untiling(tiles, out)()

    def tiling(
        self, image: Array | None = None, out: Array | None = None
    ) -> Callable[[], Answer]:
        """Begin to cut an image: what is right is reckoned while the subject works."""
        given = self.case.image() if image is None else image
        self.evidence.image = given
        return self._begin(Request("tile", array=given.copy(order="K"), out=out))

    def untiling(
        self, tiles: Array | None = None, out: Array | None = None
    ) -> Callable[[], Answer]:
        """Begin to merge tiles."""
        given = self.case.tiles() if tiles is None else tiles
        self.evidence.tiles = given
        return self._begin(Request("untile", array=given.copy(order="K"), out=out))

    def view(self, image: Array | None = None) -> Answer:
        """Ask for the windows of the case's image, or of another."""
        given = self.case.image() if image is None else image
        self.evidence.image = given
        return self._ask(Request("view", array=given.copy()))

    def ask(self, verb: str, array: Array | None = None) -> Any:
        """Ask for ``grid``, ``save`` or ``touching``; return the value."""
        return self._ask(Request(verb, array=array)).value

    def api_check(self, clause_id: str, name: str) -> None:
        """Run a check of reftiler's API in the subject's process."""
        text = f"{clause_id} {name}"
        words = self._ask(Request("api_check", text=text, device=self.device)).value
        if words:
            raise Mismatch(words)

    def tiles_agree(self, *, by: str = "bits") -> Array:
        """Fail unless the tiles are the definition's, by ``bits`` or ``numbers``."""
        coming = self.tiling()
        want = expected_tiles(self.case)
        got = coming().array
        self.keep(got, want)
        (same_bits if by == "bits" else same_numbers)(got, want)
        return got

    def merge_agrees(
        self,
        tiles: Array | None = None,
        *,
        by: Literal["", "bits", "numbers", "bound", "coarse"] = "",
        where: Array | bool = True,
    ) -> Array:
        """
        Fail unless the merge of the case's tiles, or of others, is the definition's.

        By ``bits``, by ``numbers``, within the ``bound`` that the rounding of any order
        of summation obeys, or within a ``coarse`` one, that of sums no finer than
        float32. If nothing is said, subjects that are ``exact`` by numbers and others
        within the bound. Only pixels ``where`` it is true count.
        """
        case = self.case
        coming = self.untiling(tiles)
        want = expected_merge(case) if tiles is None else merge_of(case, tiles)
        got = coming().array
        self.keep(got, want)
        by = by or ("numbers" if "exact" in self.features else "bound")
        if by == "bits":
            same_bits(got, want, nan="any", where=where)
        elif by == "numbers":
            same_numbers(got, want, where=where)
        else:
            least = SINGLE if by == "coarse" else 0.0
            same_merge(got, case, tiles, least=least, where=where)
        return got

    def refuses(self, call: Callable[[], Answer], why: str) -> Raised:
        """Fail unless a call raises."""
        try:
            answer = call()
        except Raised as error:
            return error
        got = answer.value
        self.keep(got if isinstance(got, np.ndarray) else None, None)
        raise Mismatch(f"gave a result, though {why}")

    def keep(self, got: Array | None, want: Array | None) -> None:
        """Remember what came back and what is right, for the counterexample."""
        self.evidence.got, self.evidence.want = got, want

    def _ask(self, request: Request) -> Answer:
        return self._begin(request)()

    def _begin(self, request: Request) -> Callable[[], Answer]:
        coming = self.client.begin(request)

        def ended() -> Answer:
            answer = coming()
            self.printed = self.printed or answer.printed
            return answer

        return ended
