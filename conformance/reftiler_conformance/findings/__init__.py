"""What was found in released versions of other tilers, told by a person.

A table says that a clause fails; these notes say what happens, on which smallest case,
and what would be right. Each was checked by a direct call of the library, unless it
says otherwise. A note is about one version: its first line names it, and it is shown
with that version alone.
"""

from __future__ import annotations

from importlib import resources

_HEAD = "<!-- version "


def note(subject: str, version: str) -> str:
    """Return the note on a version of a built-in subject, or nothing."""
    file = resources.files("reftiler_conformance") / "findings" / f"{subject}.md"
    if not file.is_file():
        return ""
    head, _, text = file.read_text(encoding="utf-8").partition("\n")
    about = head.removeprefix(_HEAD).removesuffix(" -->")
    return text.strip() if about == version else ""
