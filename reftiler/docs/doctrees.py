"""What is done to every page: names that have a place become links to it."""

import re
from typing import Any

from docutils import nodes

from reftiler.docs import command_pages
from reftiler_conformance.clauses import all_clauses

_ID = re.compile(r"\b[A-Z]+-\d{3}\b")


def link_names(app: Any, doctree: nodes.document, page: str) -> None:
    """Link ids of clauses in the text, and in code names of all kinds."""
    for text in list(doctree.findall(nodes.Text)):
        if _is_within(text, (nodes.reference, nodes.title, nodes.literal_block)):
            continue
        if isinstance(text.parent, nodes.literal):
            place = _clause(text) or _command(text) or _object(app, text)
            if place:
                link = _link(app, page, place)
                text.parent.replace_self(link)
                link += nodes.literal("", text)
        elif _ID.search(text):
            text.parent.replace(text, _linked(app, text, page))


def _linked(app: Any, text: str, page: str) -> list[nodes.Node]:
    """Return a text as nodes, with links in place of the ids of clauses."""
    found: list[nodes.Node] = []
    end = 0
    for match in _ID.finditer(text):
        if place := _clause(match[0]):
            found.append(nodes.Text(text[end : match.start()]))
            link = _link(app, page, place)
            link.append(nodes.Text(match[0]))
            found.append(link)
            end = match.end()
    return [*found, nodes.Text(text[end:])]


def _link(app: Any, page: str, place: tuple[str, str]) -> nodes.reference:
    """Return an empty link to a page and an anchor in it."""
    uri = app.builder.get_relative_uri(page, place[0])
    anchor = f"#{place[1]}" if place[1] else ""
    return nodes.reference("", "", internal=True, refuri=f"{uri}{anchor}")


def _clause(name: str) -> tuple[str, str] | None:
    """Return the page and the anchor of a clause or of a family of clauses."""
    family = name.partition("-")[0]
    clauses = all_clauses()
    if name not in clauses and all(name != one.family for one in clauses.values()):
        return None
    return f"spec/{family.lower()}", "" if name == family else name.lower()


def _command(name: str) -> tuple[str, str] | None:
    """Return the page of a command that is written as one calls it."""
    program, _, arguments = name.partition(" ")
    command = arguments.partition(" ")[0]
    known = program == "reftiler" and command in command_pages.names()
    return (f"command/{command}", "") if known else None


def _object(app: Any, name: str) -> tuple[str, str] | None:
    """Return where the reference has a name, if it is clear which is meant."""
    known = app.env.domains["py"].objects
    found = [full for full in known if full == name or full.endswith(f".{name}")]
    is_unique = len(found) == 1 and known[found[0]].objtype in ("class", "function")
    is_word = name.isalpha() and name.islower()  # a plain one, such as view
    if not found or not ("." in name or (is_unique and not is_word)):
        return None
    place = known[min(found, key=len)]  # of two tilers numpy's
    return place.docname, place.node_id


def _is_within(node: nodes.Node, kinds: tuple[type[nodes.Node], ...]) -> bool:
    while (node := node.parent) is not None:
        if isinstance(node, kinds):
            return True
    return False


def trim_code(app: Any, doctree: nodes.document) -> None:
    """Remove the blank line that ends the last result of a doctest."""
    for block in doctree.findall(nodes.literal_block):
        if block.rawsource == block.astext():  # not yet in colours
            block.rawsource = block.rawsource.rstrip()
            block.clear()
            block.append(nodes.Text(block.rawsource))


def setup(app: Any) -> dict[str, bool]:
    """Link names once all else on a page is resolved."""
    app.connect("doctree-read", trim_code)
    app.connect("doctree-resolved", link_names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
