"""What is wrong with images and their masks, named at each of them.

What `reftiler.io.entry_checks` refuses is listed here, for a user who looks at images
and decides himself.
"""

from collections import defaultdict
from dataclasses import replace

from reftiler.errors import printable
from reftiler.io.entries import GOOD, ImageEntry
from reftiler.io.entry_checks import has_bad_name, twin_names
from reftiler.io.file_tree import FileTree, bare_path, fold
from reftiler.io.layouts import PLAIN, Layout
from reftiler.io.pairing import Pairing, pair_by_layout
from reftiler.validation import first_few

__all__ = ["flag_problems"]


def flag_problems(
    tree: FileTree,
    layout: Layout,
    found: Pairing,
    good: tuple[str, ...],
    *,
    ask: bool,
) -> None:
    """Give entries their problems, and make entries of what the layout leaves over.

    ``ask``: masks are known by the layout, and what may be one is flagged.
    """
    problems = defaultdict(list, found.problems)
    if found.strays:
        rest = pair_by_layout(
            replace(tree, images=found.strays), PLAIN, good, strict=False
        )
        for path, entry in rest.entries.items():
            found.entries[path] = entry
            problems[path].append(f"the layout {layout.name} has no place for it")
        found.orphans += rest.orphans
        found.strays = []
    if ask:
        for mask, image, _ in twin_names(found.entries):
            problems[mask].append(f"it may be the mask of {printable(image)}")
    for path in found.orphans:
        found.entries[path] = ImageEntry(tree.root / path, name=bare_path(path))
        problems[path].append("it has the name or place of a mask, and no image")
    orphans, found.orphans = set(found.orphans), []
    for path in _without_mask(found, orphans):
        problems[path].append("it has no mask, as others like it have")
    _distinguish(found, problems)
    for path, sentences in problems.items():
        entry = found.entries[path]
        found.entries[path] = replace(entry, problems=tuple(sentences))


def _without_mask(found: Pairing, orphans: set[str]) -> list[str]:
    """Return images that should have a mask: of defects, or where most have one."""
    entries = {p: entry for p, entry in found.entries.items() if p not in orphans}
    masked = [entry for entry in entries.values() if entry.masks]
    plain = [entry for entry in entries.values() if not entry.label]
    most = 2 * sum(not entry.label for entry in masked) > len(plain)
    return [
        path
        for path, entry in entries.items()
        if masked and not entry.masks and path not in found.problems
        if (entry.label != GOOD if entry.label else most) and entry.split != "train"
    ]


def _distinguish(found: Pairing, problems: dict[str, list[str]]) -> None:
    """Make ids unique; flag those that were not, and names that outputs cannot have."""
    by_id = defaultdict(list)
    for path, entry in found.entries.items():
        by_id[fold(entry.id)].append(path)
        if has_bad_name(entry):
            problems[path].append(
                "its name holds control characters, backslashes, a drive letter or "
                "bytes that are not UTF-8: an export refuses it"
            )
    for paths in by_id.values():
        for path in paths if len(paths) > 1 else ():
            entry = found.entries[path]
            others = [one for one in paths if one != path]
            problems[path].append(
                f"{first_few(others)} has the same name but for upper and lower case "
                "or suffix: rename one before an export"
            )
            name = entry.name + entry.image.suffix
            found.entries[path] = replace(entry, name=name)
