"""What is done to every page: ids of clauses become links, code ends with its text."""

import re
from functools import cache
from typing import Any

from docutils import nodes

from reftiler_conformance.clauses import all_clauses

_ID = re.compile(r"\b[A-Z]+-\d{3}\b")


def link_clauses(app: Any, doctree: nodes.document, page: str) -> None:
    """Replace the ids in a page's text, but for headings, links and longer code."""
    for text in list(doctree.findall(nodes.Text)):
        if _is_within(text, (nodes.reference, nodes.title, nodes.literal_block)):
            continue
        if isinstance(text.parent, nodes.literal):
            if uri := _place(app, text, page):
                link = nodes.reference("", "", internal=True, refuri=uri)
                text.parent.replace_self(link)
                link += nodes.literal("", text)
        elif _ID.search(text):
            text.parent.replace(text, _linked(app, text, page))


def _linked(app: Any, text: str, page: str) -> list[nodes.Node]:
    """Return a text as nodes, with links in place of the ids of clauses."""
    found: list[nodes.Node] = []
    end = 0
    for match in _ID.finditer(text):
        if uri := _place(app, match[0], page):
            found.append(nodes.Text(text[end : match.start()]))
            found.append(nodes.reference("", match[0], internal=True, refuri=uri))
            end = match.end()
    return [*found, nodes.Text(text[end:])]


def _place(app: Any, name: str, page: str) -> str:
    """Return where a clause or a family is, as seen from a page; "" if it is none."""
    family = name.partition("-")[0]
    if name not in all_clauses() and name not in _families():
        return ""
    uri: str = app.builder.get_relative_uri(page, f"spec/{family.lower()}")
    return uri if name == family else f"{uri}#{name.lower()}"


@cache
def _families() -> set[str]:
    return {clause.family for clause in all_clauses().values()}


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
    """Link clauses once all else on a page is resolved."""
    app.connect("doctree-read", trim_code)
    app.connect("doctree-resolved", link_clauses)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
