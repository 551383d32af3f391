"""TILER: the value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.crafted_tiles import chosen
from reftiler_conformance.draws import ANY
from reftiler_conformance.exchange import Answer
from reftiler_conformance.suite.narrowed import ranks, square

FITS = ("exact", "longer")
CROWDED = ranks(
    Case(size=(40,), tile=(8,), stride=(1,), dtype="float64"),
    Case(size=(40,), tile=(16,), stride=(4,), dtype="float64", seed=1),
)
HALVED = ranks(Case(size=(8,), tile=(4,), stride=(4,)))


def fresh(run: CaseRun, call: Callable[[], Answer]) -> bytes | None:
    """Return what a fresh session gives; None if two do not agree (TILER-004)."""
    found = []
    for _ in range(2):
        run.reopen()
        found.append(_bytes(call()))
    return found[0] if found[0] == found[1] else None


def _bytes(answer: Answer) -> bytes:
    return answer.array.tobytes()


def _other(run: CaseRun) -> Array:
    """Return another image of the same shape."""
    return replace(run.case, seed=run.case.seed + 1).image()


@square("TILER-003", mode=ANY, fit=FITS, content=("random",))
def test_tiles_anew(run: CaseRun) -> None:
    """An image gives the same tiles whatever was tiled before, and how."""
    want = fresh(run, run.tile)
    run.reopen()
    run.tile(_other(run))
    if want not in (None, _bytes(run.tile())):
        raise Mismatch("the tiles depend on an image that was tiled before")
    case = run.case
    bigger = tuple(2 * side for side in case.tile)
    run.reopen(replace(case, size=bigger, stride=case.tile, seed=case.seed + 1))
    run.tile(replace(case, size=bigger).image())
    run.reopen()
    if want not in (None, _bytes(run.tile())):
        raise Mismatch("the tiles depend on a tiler that was used before")


@square(
    "TILER-003",
    needs=["tile"],
    verb="untile",
    overlap=("none",),
    mode=ANY,
    content=("random",),
    dtype=("float32", "float64", "uint8"),
)
def test_untiles_anew(run: CaseRun) -> None:
    """Tiles give the same image whatever was tiled in between."""
    if f"tile:{run.case.dtype}" not in run.features:
        return
    image, tiles = run.case.image(), run.case.tiles()

    def after_its_image() -> Answer:
        run.tile(image)
        return run.untile(tiles)

    want = fresh(run, after_its_image)
    run.tile(_other(run))
    if want not in (None, _bytes(run.untile(tiles))):
        raise Mismatch("the merge depends on an image that was tiled in between")


@square(
    "TILER-003",
    needs=["tile", "untile:cold"],
    verb="untile",
    overlap=("none",),
    mode=ANY,
    dtype=("float32", "float64", "uint8"),
)
def test_untiles_cold(run: CaseRun) -> None:
    """Tiles are merged without anything having been tiled."""
    want = fresh(run, run.untile)
    if f"tile:{run.case.dtype}" in run.features:
        run.tile()
    if want not in (None, _bytes(run.untile())):
        raise Mismatch("the merge depends on whether an image was tiled before")


@clause("TILER-003", needs=["overlap"], only=HALVED)
def test_grids_anew(run: CaseRun) -> None:
    """A smaller stride gives more tiles, though another was used before."""
    case = run.case
    few = run.tile().array
    run.reopen(replace(case, stride=tuple(side // 2 for side in case.stride)))
    many = run.tile().array
    if few.size >= many.size:
        raise Mismatch(f"half the stride gives {many.size} pixels, as {few.size}")


@clause("TILER-003", verb="untile", needs=["merge:mean"], only=CROWDED)
def test_merges_anew(run: CaseRun) -> None:
    """Tiles give the same image whatever was merged before."""
    tiles = run.case.tiles()
    want = fresh(run, run.untile)
    run.untile(tiles[::-1])
    if want not in (None, _bytes(run.untile())):
        raise Mismatch("the merge depends on tiles that were merged before")


@square(
    "TILER-004",
    layout=ANY,
    mode=ANY,
    fit=FITS,
    content=("random",),
    also=ranks(Case(size=(5,), tile=(4,), stride=(4,))),
)
def test_tiles_alike(run: CaseRun) -> None:
    """The same image gives the same tiles."""
    if fresh(run, run.tile) is None:
        raise Mismatch("the same image gave other tiles the second time")


@clause("TILER-004", verb="untile", needs=["merge:mean"], only=CROWDED)
def test_sums_alike(run: CaseRun) -> None:
    """The same tiles give the same sums, which hang on the order of the tiles."""
    tiles = chosen(run.case, [1e16, 1.0, -1e16, 3.0, 0.1])
    if fresh(run, lambda: run.untile(tiles)) is None:
        raise Mismatch("the same tiles gave another image the second time")


@square("TILER-004", verb="untile", layout=ANY, content=("random",))
def test_untiles_alike(run: CaseRun) -> None:
    """The same tiles give the same image."""
    if fresh(run, run.untile) is None:
        raise Mismatch("the same tiles gave another image the second time")


@square("TILER-005", layout=ANY, mode=ANY, fit=FITS)
def test_leaves_the_image(run: CaseRun) -> None:
    """Tiling leaves the image as it was."""
    _unchanged(run.tile())


@square("TILER-005", needs=["view"], layout=ANY)
def test_leaves_what_is_viewed(run: CaseRun) -> None:
    """A view leaves the image as it was."""
    _unchanged(run.view())


@square("TILER-005", verb="untile", layout=ANY)
def test_leaves_the_tiles(run: CaseRun) -> None:
    """Untiling leaves the tiles as they were."""
    _unchanged(run.untile())


def _unchanged(answer: Answer) -> None:
    if answer.changed:
        raise Mismatch("the call changed its input")
