"""Which tests run, how far hypothesis searches, and what a skipped test would need."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, settings


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long", action="store_true", help="run the long tests too, and search further"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Search as far as asked; the same examples in CI, new ones elsewhere."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as shells do behind "&"
        signal.signal(signal.SIGINT, signal.default_int_handler)
    night = os.environ.get("HYPOTHESIS_PROFILE") == "night"
    examples = 5000 if night else 100 if config.getoption("long") else 15
    ci = bool(os.environ.get("CI")) and not night
    stored = {"database": None} if ci or night else {}
    settings.register_profile(
        "reftiler",
        max_examples=examples,
        deadline=None,
        derandomize=ci,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        **stored,
    )
    settings.load_profile("reftiler")


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out what takes long, unless it is asked for or named by its own id."""
    if config.getoption("long") or any("::" in name for name in config.args):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in set(long)]


# The tests of the viewer need Qt, and Qt needs libraries of the system: without them
# they are skipped, each file with the reason, and the others run.
QT_LIBRARIES = (
    "apt-get install libgl1 libegl1 libglib2.0-0 libxkbcommon0 libfontconfig1 "
    "libdbus-1-3"
)
NO_QT = ""
try:
    import PySide6.QtTest
    import PySide6.QtWidgets  # noqa: F401
    import pytestqt  # noqa: F401
except ModuleNotFoundError as error:
    NO_QT = f"needs Qt: {error}"
except ImportError as error:  # a library of the system
    NO_QT = f"needs Qt: {error}: {QT_LIBRARIES}"
else:
    pytest_plugins = ["pytestqt.plugin"]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, so that calls of the command are short lines."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def part(work: Path) -> Path:
    """Write ``part.png`` and its mask there."""
    from tests.folders import write_part  # noqa: PLC0415

    return write_part(work).relative_to(work)


@pytest.fixture(scope="session")
def made() -> dict[str, Any]:
    """Make all images of the bundled sample once: a list for each texture."""
    from reftiler.samples import TEXTURES, samples  # noqa: PLC0415

    return {texture: list(samples(texture)) for texture in TEXTURES}


class WithoutQt(pytest.Module):
    """A file of tests that cannot run here."""

    def collect(self) -> NoReturn:
        pytest.skip(NO_QT, allow_module_level=True)


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    if NO_QT and module_path.parent.name == "gui":
        return WithoutQt.from_parent(parent, path=module_path)
    return None


# In CI a test that does not run is a failure, but for what CI cannot have, or has in
# another step only.
EXCUSED = (
    "needs CUDA",
    "needs anomalib",
    "needs an X server",
    "needs cosmic-ray",
    "needs napari",
    "needs openvino",
    "needs torchvision",
    "needs albumentations",
    # Packages that a step of .ci/run goes without, by its own word.
    *(
        words.format(name)
        for name in os.environ.get("REFTILER_WITHOUT", "").split()
        for words in ("needs {}", "could not import '{}'")
    ),
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


def way_out(reason: str) -> str:
    """Return a reason for skipping with the command that brings what is missing."""
    if re.search(r"pip install|apt-get install|\.ci/run", reason):
        return reason
    if re.match(r"could not import|needs [\w-]+$|needs \w+: [nN]o module", reason):
        return f"{reason}: pip install -e '.[test-all]'"
    return reason


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how the tests that were skipped can be run."""
    reports = terminalreporter.stats.get("skipped", [])
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ") for report in reports
    )
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count} skipped: {way_out(reason)}")
    deselected = len(terminalreporter.stats.get("deselected", []))
    if deselected and not terminalreporter.config.getoption("long"):
        terminalreporter.write_line(f"{deselected} long tests left out: pytest --long")
