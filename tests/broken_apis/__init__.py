"""Wrong APIs: for every probe some that break its rule, and what it must say then.

Each is the reference but for one thing. What a probe does not say of its broken APIs
it would not say of a stranger's.
"""

from tests.broken_apis import (
    arrays,
    backends,
    plans,
    results,
    saved,
    sections,
    settings,
    sizes,
)
from tests.broken_apis.table import BROKEN, Broken, said

__all__ = [
    "BROKEN",
    "Broken",
    "arrays",
    "backends",
    "plans",
    "results",
    "said",
    "saved",
    "sections",
    "settings",
    "sizes",
]
