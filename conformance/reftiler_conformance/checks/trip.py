"""TRIP: the round trip, which needs no definition to be judged."""

from __future__ import annotations

from typing import Any

from hypothesis.strategies import SearchStrategy

from reftiler_conformance.bounds import taking_part
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.compare import same_near, same_numbers
from reftiler_conformance.drawn import loose, weighed
from reftiler_conformance.draws import ANY, SMALL
from reftiler_conformance.exchange import Raised
from reftiler_conformance.features import Features
from reftiler_conformance.registry import check
from reftiler_conformance.trial import Trial

VERBS = ("tile", "untile")
EVERY: dict[str, Any] = {
    "layout": ANY,
    "channels_last": ANY,
    "fit": ANY,
    "overlap": ("none", "some"),
    "pad_mode": ANY,
    "pad_side": ANY,
    "window": ANY,
    "merge": ANY,
    "border": ANY,
    "content": ("index", "random", "bits"),
}
FITTING = ("padding", "interpolation", "clamp", "even")


def comes_back(trial: Trial, where: Array | bool = True) -> None:
    """Fail unless cutting and merging give the image, as the subject can reckon."""
    image = trial.case.image()
    back = trial.untile(trial.tile(image).array).array
    trial.keep(back, image)
    if "exact" in trial.features or trial.case.merge in ("max", "min"):
        same_numbers(back, image, where=where)
    else:
        same_near(back, image, trial.case, where=where)


@check("TRIP-001", needs=VERBS, draws=weighed(mode=FITTING, dtype=SMALL, **EVERY))
def there_and_back(trial: Trial) -> None:
    """What was cut and merged is the image, bit for bit."""
    comes_back(trial)


def filled(features: Features) -> SearchStrategy[Case]:
    """Draw cases that drop pixels, which are filled if that is supported."""
    asked = EVERY | {"fill": ("fill" in features,)}
    return loose(dtype=SMALL, **asked)(features)


@check("TRIP-002", needs=VERBS, draws=filled)
def there_and_back_where_tiles_lie(trial: Trial) -> None:
    """The same holds for every pixel of a tile where some lie in none."""
    count = taking_part(trial.case)
    try:
        comes_back(trial, count > 0)
    except Raised:
        if trial.case.fill is not None or count.all():
            raise


@check(
    "TRIP-003",
    needs=VERBS,
    draws=weighed(mode=FITTING, dtype=("int64", "uint64", "float64"), **EVERY),
)
def there_and_back_in_64_bits(trial: Trial) -> None:
    """Of 64 bits, what lies in one tile alone comes back bit for bit."""
    image = trial.case.image()
    back = trial.untile(trial.tile(image).array).array
    trial.keep(back, image)
    same_numbers(back, image, where=taking_part(trial.case) == 1)
