"""Questions about reftiler's own classes, for subjects that have them.

A probe runs beside the subject, since classes do not cross between processes. It takes
the subject's `Api` and returns nothing, or raises `AssertionError` with words.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

from reftiler_conformance.protocol import Api

Probe = Callable[[Api], None]

PROBES: dict[str, Probe] = {}
"""Each probe by its clause."""


def asks(clause: str) -> Callable[[Probe], Probe]:
    """Make a function the probe of a clause."""

    def register(probe: Probe) -> Probe:
        if clause in PROBES:
            raise ValueError(f"{clause} has a probe already")
        PROBES[clause] = probe
        return probe

    return register


def probe(clause: str, api: Api) -> str:
    """Run a clause's probe; return what is wrong, or nothing."""
    try:
        PROBES[clause](api)
    except AssertionError as error:
        return str(error) or "an assertion failed"
    return ""


for _module in pkgutil.iter_modules(__path__, __name__ + "."):
    importlib.import_module(_module.name)
