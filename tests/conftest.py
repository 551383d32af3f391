"""How hypothesis searches: the same examples in CI, fresh ones on a desk."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "desk",
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile(
    "ci", settings.get_profile("desk"), derandomize=True, database=None
)
settings.register_profile(
    "night", settings.get_profile("desk"), max_examples=5000, database=None
)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "desk")
)

# In CI a test that does not run is a failure, but for what CI cannot have, or has in
# another step only.
EXCUSED = (
    "needs CUDA",
    "needs anomalib",
    "needs an X server",
    "needs cosmic-ray",
    "needs zarr 3",
)


def unexcused(reasons: Iterable[str]) -> list[str]:
    """Return the reasons for skipping that CI does not take."""
    bare = [reason.removeprefix("Skipped: ") for reason in reasons]
    return [reason for reason in bare if not reason.startswith(EXCUSED)]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:
        return
    skipped = [report.longrepr[2] for report in reporter.stats.get("skipped", [])]
    bad = unexcused(skipped)
    if bad:
        reporter.write_line(f"\n{len(bad)} tests did not run: {sorted(set(bad))}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
