"""TILER: the value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reftiler_conformance.cases import Array, Case
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.crafted import chosen
from reftiler_conformance.draws import ANY
from reftiler_conformance.exchange import Answer
from reftiler_conformance.lines import ranks, square
from reftiler_conformance.registry import check
from reftiler_conformance.trial import Trial

FITS = ("exact", "longer")
CROWDED = ranks(
    Case(size=(40,), tile=(8,), stride=(1,), dtype="float64"),
    Case(size=(40,), tile=(16,), stride=(4,), dtype="float64", seed=1),
)
HALVED = ranks(Case(size=(8,), tile=(4,), stride=(4,)))


def fresh(trial: Trial, call: Callable[[], Answer]) -> bytes | None:
    """Return what a fresh session gives; None if two do not agree (TILER-004)."""
    found = []
    for _ in range(2):
        trial.reopen()
        found.append(_bytes(call()))
    return found[0] if found[0] == found[1] else None


def _bytes(answer: Answer) -> bytes:
    return answer.array.tobytes()


def _other(trial: Trial) -> Array:
    """Return another image of the same shape."""
    return replace(trial.case, seed=trial.case.seed + 1).image()


@square("TILER-003", mode=ANY, fit=FITS, content=("random",))
def tiles_anew(trial: Trial) -> None:
    """An image gives the same tiles whatever was tiled before, and how."""
    want = fresh(trial, trial.tile)
    trial.reopen()
    trial.tile(_other(trial))
    if want not in (None, _bytes(trial.tile())):
        raise Mismatch("the tiles depend on an image that was tiled before")
    case = trial.case
    bigger = tuple(2 * side for side in case.tile)
    trial.reopen(replace(case, size=bigger, stride=case.tile, seed=case.seed + 1))
    trial.tile(replace(case, size=bigger).image())
    trial.reopen()
    if want not in (None, _bytes(trial.tile())):
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
def untiles_anew(trial: Trial) -> None:
    """Tiles give the same image whatever was tiled in between."""
    if f"tile:{trial.case.dtype}" not in trial.features:
        return
    image, tiles = trial.case.image(), trial.case.tiles()

    def after_its_image() -> Answer:
        trial.tile(image)
        return trial.untile(tiles)

    want = fresh(trial, after_its_image)
    trial.tile(_other(trial))
    if want not in (None, _bytes(trial.untile(tiles))):
        raise Mismatch("the merge depends on an image that was tiled in between")


@square(
    "TILER-003",
    needs=["tile", "untile:cold"],
    verb="untile",
    overlap=("none",),
    mode=ANY,
    dtype=("float32", "float64", "uint8"),
)
def untiles_cold(trial: Trial) -> None:
    """Tiles are merged without anything having been tiled."""
    want = fresh(trial, trial.untile)
    if f"tile:{trial.case.dtype}" in trial.features:
        trial.tile()
    if want not in (None, _bytes(trial.untile())):
        raise Mismatch("the merge depends on whether an image was tiled before")


@check("TILER-003", needs=["overlap"], only=HALVED)
def grids_anew(trial: Trial) -> None:
    """A smaller stride gives more tiles, though another was used before."""
    case = trial.case
    few = trial.tile().array
    trial.reopen(replace(case, stride=tuple(side // 2 for side in case.stride)))
    many = trial.tile().array
    if few.size >= many.size:
        raise Mismatch(f"half the stride gives {many.size} pixels, as {few.size}")


@check("TILER-003", verb="untile", needs=["merge:mean"], only=CROWDED)
def merges_anew(trial: Trial) -> None:
    """Tiles give the same image whatever was merged before."""
    tiles = trial.case.tiles()
    want = fresh(trial, trial.untile)
    trial.untile(tiles[::-1])
    if want not in (None, _bytes(trial.untile())):
        raise Mismatch("the merge depends on tiles that were merged before")


@square(
    "TILER-004",
    layout=ANY,
    mode=ANY,
    fit=FITS,
    content=("random",),
    also=ranks(Case(size=(5,), tile=(4,), stride=(4,))),
)
def tiles_alike(trial: Trial) -> None:
    """The same image gives the same tiles."""
    if fresh(trial, trial.tile) is None:
        raise Mismatch("the same image gave other tiles the second time")


@check("TILER-004", verb="untile", needs=["merge:mean"], only=CROWDED)
def sums_alike(trial: Trial) -> None:
    """The same tiles give the same sums, which hang on the order of the tiles."""
    tiles = chosen(trial.case, [1e16, 1.0, -1e16, 3.0, 0.1])
    if fresh(trial, lambda: trial.untile(tiles)) is None:
        raise Mismatch("the same tiles gave another image the second time")


@square("TILER-004", verb="untile", layout=ANY, content=("random",))
def untiles_alike(trial: Trial) -> None:
    """The same tiles give the same image."""
    if fresh(trial, trial.untile) is None:
        raise Mismatch("the same tiles gave another image the second time")


@square("TILER-005", layout=ANY, mode=ANY, fit=FITS)
def leaves_the_image(trial: Trial) -> None:
    """Tiling leaves the image as it was."""
    _unchanged(trial.tile())


@square("TILER-005", needs=["view"], layout=ANY)
def leaves_what_is_viewed(trial: Trial) -> None:
    """A view leaves the image as it was."""
    _unchanged(trial.view())


@square("TILER-005", verb="untile", layout=ANY)
def leaves_the_tiles(trial: Trial) -> None:
    """Untiling leaves the tiles as they were."""
    _unchanged(trial.untile())


def _unchanged(answer: Answer) -> None:
    if answer.changed:
        raise Mismatch("the call changed its input")
