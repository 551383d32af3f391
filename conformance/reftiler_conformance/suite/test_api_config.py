"""CONFIG: the sections of configuration files.

They are read by reftiler, for every backend alike: what is read must be equal to the
subject's own tilers.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from reftiler.config import TilingConfig
from reftiler_conformance.api_checks import api_clauses
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.calls import calls, judge, words

SIDES = {"tile_size": 64, "stride": 16, "remove_border_count": 4}
COUNT = {"use_random_tiling": False, "random_tile_count": 16}
OLDER = {"apply": True, **SIDES, **COUNT}
NEWER = {"enable": True, **SIDES, "tile_size": [64, 32], "mode": "interpolation"}
PADS = {"mode": "even", "pad_mode": "edge", "pad_value": 3, "pad_side": "both"}
OWN = {**PADS, "window": "hann", "merge": "mean", "channels_last": True, "fill": 0}

SECTIONS = {
    "CONFIG-001": """
        read(<OLDER|{"tiling": OLDER}>) -> older, None, 0
        read(<RANDOM|{"tiling": RANDOM}>) -> older, 16, 0
        read({"tiling": OLDER, "tile_size": 3}) raises TilingError
    """,
    "CONFIG-002": """
        read(<NEWER|{"tiling": NEWER}>)
            -> newer(mode="interpolation"), None, 0
    """,
    "CONFIG-003": """
        read(OLDER) -> older, None, 0
        read({**OLDER, **OWN, "seed": 7})
            -> Tiler(64, 16, remove_border_count=4, **OWN), None, 7
        read({**NEWER, **OWN, "seed": 7}) -> newer(**OWN), None, 7
        read({**OWN, <"apply"|"enable">: True, "tile_size": 64, "overlap": 12})
            -> Tiler(64, overlap=12, **OWN), None, 0
    """,
    "CONFIG-004": """
        read(<{}|None|{"tiling": None}>)[0] -> None
        read({"enable": False, "stride": "much"})[0] -> None
        read(<OFF|{"tiling": OFF}>)[0] -> None
        read(ON) -> Tiler(4), None, 0
    """,
    "CONFIG-005": """
        read({"tile_size": 64}) raises TilingError
        read({"tile_size": 4, "apply": <True|False>, "enable": <False|True>});
            read({"tile_size": 4, "apply": <True|False>, "enable": <True|False>})
            raises TilingError
    """,
    "CONFIG-006": """
        read({**OLDER, "random_tile_count": <16|-1>}) -> older, None, 0
        read({**ON, "random_tile_count": 16}) -> Tiler(4), None, 0
        read(RANDOM) -> older, 16, 0
        read({**RANDOM, "random_tile_count": <None|0>}) raises TilingError
        read({**ON, "use_random_tiling": True}) raises TilingError
    """,
    "CONFIG-007": """
        read({**<OLDER|NEWER|{"apply": False}|{"enable": False}>, "strid": 1})
            raises TilingError: stride
    """,
    "CONFIG-008": """
        read({**OLDER, "remove_border_count": 0}) -> Tiler(64, 16), None, 0
        read({**OLDER, <"stride": 65|"tile_size": 0|"remove_border_count": -1>});
            read({**OLDER, <"overlap": 8|"seed": -1|"mode": "clmap">});
            read({**OLDER, <"pad_mode": "mirror"|"pad_side": "begin">});
            read({**OLDER, <"window": "hamming"|"merge": "median">})
            raises TilingError
        read({**OLDER, <"stride": "32"|"tile_size": 64.0|"channels_last": 1>});
            read({**OLDER, "<pad_value|fill|seed>": "x"}) raises TypeError
    """,
    "CONFIG-009": """
        read({**ON, **dict.fromkeys((*OWN, "stride", "overlap", "seed"))});
            read({**ON, "<remove_border_count|use_random_tiling>": None});
            read({**ON, "random_tile_count": None}) -> Tiler(4), None, 0
        read({"<apply|enable>": <None|"yes"|1>, "tile_size": 4}) raises TypeError
    """,
    "CONFIG-010": """
        read({**ON, "mode": "<padding|interpolation|clamp|even|drop>"})[0]
            -> Tiler(4, mode="<padding|interpolation|clamp|even|drop>")
        read({**ON, "mode": "<padding|interpolation|clamp|even|drop>".upper()})[0]
            -> Tiler(4, mode="<padding|interpolation|clamp|even|drop>")
    """,
}
"""What sections of configuration files give: a tiler, a random count and a seed."""

read = TilingConfig.from_mapping


@api_clauses(SECTIONS)
def test_sections(api: Api, asked: str) -> None:
    """A section gives its tiler, random count and seed, or is refused."""

    def told(section: Any) -> tuple[Any, ...]:
        found = read(section)
        return found.tiler, found.random_count, found.seed

    known = {
        "read": told,
        "OLDER": OLDER,
        "NEWER": NEWER,
        "OWN": OWN,
        "RANDOM": {**OLDER, "use_random_tiling": True},
        "ON": {"apply": True, "tile_size": 4},
        "OFF": {"apply": False, "tile_size": -1},
        "older": api.Tiler(64, 16, remove_border_count=4),
        "newer": partial(api.Tiler, (64, 32), 16, remove_border_count=4),
    }
    judge(calls(asked), words(api) | known)
