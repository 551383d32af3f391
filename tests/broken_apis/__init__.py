"""Broken APIs: for every API check some that break its clause.

Each is the reference but for one thing.
"""

from tests.broken_apis import results, saved, sections, values
from tests.broken_apis.table import said

BROKEN = [*values.BROKEN, *results.BROKEN, *saved.BROKEN, *sections.BROKEN]

__all__ = ["BROKEN", "said"]
