"""The clauses of the specification, read from SPEC.md: there is no other list."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

PROFILES = ("core", "windows", "borders", "scales", "random", "api")
"""What a tiler may conform to, as the specification explains it."""

UNCHECKED = {
    "VERSION-001": "it is about this specification, and no tiler can break it",
}
"""The clauses that nothing asks about, each with the reason."""

_ANCHOR = re.compile(
    r"\*\*([A-Z]+-\d{3})\*\* \((MUST|SHOULD)(?:, since ([\d.]+))?(?:, (\w+))?\) (.*)",
    re.S,
)
_PROFILE = re.compile(r"Profile: (\w+)\.")
_FAMILY = re.compile(r"^## ([A-Z]+)(?:: (.+))?$", re.M)


@dataclass(frozen=True)
class Clause:
    """One requirement: ``level`` is MUST or SHOULD, ``since`` a version."""

    id: str
    level: str
    since: str
    profile: str
    text: str

    @property
    def family(self) -> str:
        """The letters of the id."""
        return self.id.partition("-")[0]

    @property
    def meaning(self) -> str:
        """The first sentence of the text."""
        return re.split(r"(?<=[.:])\s+(?=[A-Z`0-9])", self.text)[0].rstrip(":")


def spec_path() -> Path:
    """Return where SPEC.md lies."""
    return _page("SPEC.md")


def guide_path() -> Path:
    """Return where ADAPTERS.md lies, which says how a tiler is put to the kit."""
    return _page("ADAPTERS.md")


def _page(name: str) -> Path:
    """Return a page: beside this package in a checkout, within it when installed."""
    package = Path(str(resources.files("reftiler_conformance")))
    beside = package.parent / name
    return beside if beside.is_file() else package / name


@cache
def _text() -> str:
    return spec_path().read_text(encoding="utf-8")


def spec_version() -> str:
    """Return the version of the specification."""
    found = re.search(r"^Version (\d+\.\d+)$", _text(), re.M)
    if found is None:
        raise ValueError(f"{spec_path()} has no line 'Version MAJOR.MINOR'")
    return found[1]


def read_clauses(spec: str) -> dict[str, Clause]:
    """Return a specification's clauses by id; raise `ValueError` at a bad one."""
    found: dict[str, Clause] = {}
    usual = ""
    without_code = re.sub(r"^```.*?^```$", "", spec, flags=re.S | re.M)
    for paragraph in re.split(r"\n[ \t]*\n", without_code):
        if heading := _PROFILE.match(paragraph.strip()):
            usual = heading[1]
        if (anchor := _ANCHOR.fullmatch(paragraph.strip())) is None:
            continue
        name, level, since, profile, text = anchor.groups()
        profile = profile or usual
        if name in found:
            raise ValueError(f"{name} stands twice in the specification")
        if profile not in PROFILES:
            raise ValueError(
                f"{name} has the profile {profile!r}, not one of {', '.join(PROFILES)}"
            )
        text = " ".join(text.split())
        found[name] = Clause(name, level, since or "1.0", profile, text)
    return found


@cache
def families() -> dict[str, str]:
    """Return the families and their titles, in the order of the specification."""
    titles = dict(_FAMILY.findall(_text()))
    names = dict.fromkeys(clause.family for clause in all_clauses().values())
    return {name: titles[name] for name in names}


@cache
def all_clauses() -> dict[str, Clause]:
    """Return every clause by its id, in the order of the specification."""
    return read_clauses(_text())


@cache
def clauses(version: str = "") -> dict[str, Clause]:
    """Return the clauses of a version, by default the newest; or raise `ValueError`."""
    wanted = _numbers(version or spec_version())
    versions = {clause.since for clause in all_clauses().values()} | {spec_version()}
    if wanted not in {_numbers(known) for known in versions}:
        raise ValueError(
            f"there is no version {version} of the specification: "
            f"give one of {', '.join(sorted(versions, key=_numbers))}"
        )
    return {
        clause.id: clause
        for clause in all_clauses().values()
        if _numbers(clause.since) <= wanted
    }


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
