"""CONFIG: the sections of configuration files.

They are read by reftiler, for every backend alike: what is read must be equal to the
subject's own tilers.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from reftiler.config import TilingConfig
from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import refused

Section = dict[str, Any]

OLDER: Section = {
    "apply": True,
    "tile_size": 64,
    "stride": 32,
    "remove_border_count": 4,
    "use_random_tiling": False,
    "random_tile_count": 16,
}
NEWER: Section = {
    "enable": True,
    "tile_size": [64, 32],
    "stride": 16,
    "remove_border_count": 4,
    "mode": "interpolation",
}
OWN: Section = {
    "mode": "even",
    "pad_mode": "edge",
    "pad_value": 3,
    "pad_side": "both",
    "window": "hann",
    "merge": "mean",
    "channels_last": True,
    "fill": 0,
}
WRONG: dict[str, tuple[Any, ...]] = {
    "tile_size": (0, 64.0),
    "stride": (65, "32"),
    "remove_border_count": (-1,),
    "mode": ("clmap",),
    "overlap": (8,),  # beside a stride
    "seed": (-1, "x"),
    "pad_mode": ("mirror",),
    "pad_side": ("begin",),
    "pad_value": ("x",),
    "window": ("hamming",),
    "merge": ("median",),
    "fill": ("x",),
    "channels_last": (1,),
}
MODES = ("padding", "interpolation", "clamp", "even", "drop")

read = TilingConfig.from_mapping


def same(section: Section, tiler: Any, count: int | None = None, seed: int = 0) -> None:
    """Fail unless a section gives a tiler, a random count and a seed."""
    found = read(section)
    assert found.tiler == tiler, f"{section} gives {found.tiler}, should {tiler}"
    assert found.random_count == count, f"{section} gives {found.random_count} tiles"
    assert found.seed == seed, f"{section} gives the seed {found.seed}"


def both(section: Section, *right: Any) -> None:
    """Fail unless a section gives this, bare and under the key ``tiling``."""
    same(section, *right)
    same({"tiling": section}, *right)


def unread(section: Section) -> str:
    """Return the message with which a section is refused."""
    return refused(f"{section}", read, section)


@api_clause("CONFIG-001")
def test_older(api: Api) -> None:
    """The older section is read, bare or under the one key."""
    tiler = api.Tiler(64, 32, remove_border_count=4)
    both(OLDER, tiler)
    both(OLDER | {"use_random_tiling": True}, tiler, 16)
    unread({"tiling": OLDER, "tile_size": 3})


@api_clause("CONFIG-002")
def test_newer(api: Api) -> None:
    """The newer section is read."""
    mode = "interpolation"
    both(NEWER, api.Tiler((64, 32), 16, mode=mode, remove_border_count=4))


@api_clause("CONFIG-003")
def test_own_arguments(api: Api) -> None:
    """The other arguments, and a seed, may stand beside either."""
    for base in (OLDER, NEWER):
        sides = {key: base[key] for key in ("tile_size", "remove_border_count")}
        given: Section = {key: base[key] for key in ("stride", "mode") if key in base}
        same(base, api.Tiler(**sides, **given))
        section = base | OWN | {"seed": 7}
        same(section, api.Tiler(**sides, stride=base["stride"], **OWN), None, 7)
        del section["stride"]
        section["overlap"] = 12
        same(section, api.Tiler(**sides, overlap=12, **OWN), None, 7)


@api_clause("CONFIG-004")
def test_switched_off(api: Api) -> None:
    """A section that is switched off, empty or missing means no tiling."""
    off = {"apply": False, "tile_size": -1}, {"enable": False, "stride": "much"}
    for section in (*off, {"tiling": off[0]}, {}, None, {"tiling": None}):
        found = read(section)
        assert found.tiler is None, f"{section} gives {found.tiler}"
    assert read({"apply": True, "tile_size": 4}).tiler == api.Tiler(4), "on is off"


@api_clause("CONFIG-005")
def test_one_switch(api: Api) -> None:
    """A section that is not empty has exactly one of the two switches."""
    unread({"tile_size": 64})
    for first, second in product((True, False), repeat=2):
        unread({"apply": first, "enable": second, "tile_size": 4})
    same({"apply": True, "tile_size": 4}, api.Tiler(4))


@api_clause("CONFIG-006")
def test_random_tiles(api: Api) -> None:
    """Random tiling needs a count; without it the count has no effect."""
    tiler = api.Tiler(64, 32, remove_border_count=4)
    wanted = OLDER | {"use_random_tiling": True}
    same(wanted, tiler, 16)
    same(OLDER, tiler)
    same(OLDER | {"random_tile_count": -1}, tiler)
    same({"apply": True, "tile_size": 4, "random_tile_count": 16}, api.Tiler(4))
    for count in (None, 0):
        unread(wanted | {"random_tile_count": count})
    del wanted["random_tile_count"]
    unread(wanted)


@api_clause("CONFIG-007")
def test_unknown_keys(api: Api) -> None:
    """An unknown key is refused and the nearest known one named, switched off too."""
    for section in (OLDER, NEWER, {"apply": False}, {"enable": False}):
        message = unread(section | {"strid": 1}).replace("'strid'", "")
        assert "stride" in message, f"stride is not in: {message}"
    same(OLDER, api.Tiler(64, 32, remove_border_count=4))


@api_clause("CONFIG-008")
def test_wrong_values(api: Api) -> None:
    """Wrong values are refused when a section is read that is switched on."""
    for key, wrongs in WRONG.items():
        for wrong in wrongs:
            unread(OLDER | {key: wrong})
    same(OLDER | {"remove_border_count": 0}, api.Tiler(64, 32))


@api_clause("CONFIG-009")
def test_nulls(api: Api) -> None:
    """A null means the default of its key; the switches are never null."""
    on = {"apply": True, "tile_size": 4}
    names = (*OWN, "seed", "overlap", "stride", "remove_border_count")
    same(on | dict.fromkeys(names), api.Tiler(4))
    same(on | dict.fromkeys(("use_random_tiling", "random_tile_count")), api.Tiler(4))
    for switch, wrong in product(("apply", "enable"), (None, "yes", 1)):
        unread({switch: wrong, "tile_size": 4})


@api_clause("CONFIG-010")
def test_capitals(api: Api) -> None:
    """A mode is read in small letters and in capitals."""
    for mode in MODES:
        for spelled in (mode, mode.upper()):
            section = {"enable": True, "tile_size": 4, "mode": spelled}
            same(section, api.Tiler(4, mode=mode))
