"""What Sphinx needs to read our docstrings and annotations."""

import importlib
import inspect
import re
from typing import Any, Generic, TypeVar

import numpy.typing
from docutils import nodes

_STARRED = re.compile(r"``[^`]*``|(?<=[(, ])\*(?=\w+'?[,)])")
"""A star before the name of several axes, as in (K, *T): it begins no emphasis. Or a
literal, in which it is one anyway."""

_MISSING = object()
_Scalar = TypeVar("_Scalar")


class _ArrayLike:
    """Stands for a union of a dozen private types of numpy."""


class _DTypeLike:
    """Stands for another."""


class _NDArray(Generic[_Scalar]):
    """Stands for ``ndarray`` of any shape and a dtype of any byte order."""


def shorten_types() -> None:
    """Have annotations show numpy's names for types, not what they stand for."""
    for kind in (_ArrayLike, _DTypeLike, _NDArray):
        kind.__name__ = kind.__qualname__ = kind.__name__[1:]
        kind.__module__ = "numpy.typing"
        setattr(numpy.typing, kind.__name__, kind)


def mend_docstring(
    app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Escape the stars of shapes, and leave a constant without the text of its type."""
    text = "\n".join(lines)
    if what == "data" and text.strip() == (inspect.getdoc(type(thing)) or "").strip():
        text = ""
    text = _STARRED.sub(lambda found: r"\*" if found[0] == "*" else found[0], text)
    lines[:] = text.split("\n")


def name_factories(app: Any, *called: Any) -> tuple[str, Any] | None:
    """Write a dataclass's default that is made anew as ``...``, which can be parsed."""
    _, _, _, _, arguments, result = called
    return (arguments.replace("<factory>", "..."), result) if arguments else None


def resolve(app: Any, env: Any, node: Any, content: Any) -> nodes.Node | None:
    """Link a name without its module, or leave it as code; Sphinx warns of the rest."""
    if node.get("refdomain") != "py":
        return None
    target, page = node["reftarget"], node["refdoc"]
    known = env.domains["py"].objects
    module, name = node.get("py:module"), target.rpartition(".")[2]
    ends = (f".{target}", f".{name}") if _exists(target, module) else (f".{target}",)
    for end in ends:
        found = [full for full in known if full.endswith(end)]
        if found and target.partition(".")[0] not in ("numpy", "torch"):
            best = min(found, key=lambda full: (known[full].docname != page, len(full)))
            place = known[best]
            uri = app.builder.get_relative_uri(page, place.docname)
            link = nodes.reference("", "", content, internal=True)
            link["refuri"] = f"{uri}#{place.node_id}"
            return link
    return content if _exists(target, module) else None


def _exists(target: str, module: str | None) -> bool:
    """Say whether a name can be imported, or is one of a module."""
    for name in filter(None, (target, f"{module}.{target}", f"builtins.{target}")):
        parts = name.split(".")
        for i in range(len(parts), 0, -1):
            try:
                thing: object = importlib.import_module(".".join(parts[:i]))
            except ImportError:
                continue
            for part in parts[i:]:
                thing = getattr(thing, part, _MISSING)
            if thing is not _MISSING:
                return True
            break
    return False


def setup(app: Any) -> dict[str, bool]:
    """Mend docstrings before numpydoc reads them, and resolve what they name."""
    shorten_types()
    app.connect("autodoc-process-docstring", mend_docstring, priority=100)
    app.connect("autodoc-process-signature", name_factories)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
