"""The specification: a page for each family of clauses of SPEC.md, and its companions.

Each clause has an anchor, as in ``spec/merge.html#merge-007``, and the names of the
checks by which the conformance kit asks for it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from reftiler_conformance.check import Check, checks
from reftiler_conformance.clauses import spec_path

CONFORMANCE = Path(__file__).parents[2] / "conformance"

_SECTION = re.compile(r"^## (.+)$", re.M)
_CLAUSE = re.compile(r"^\*\*([A-Z]+-\d{3})\*\* .+?(?=\n\n|\Z)", re.S | re.M)
_FENCE = re.compile(r"(^```.*?^```$)", re.S | re.M)

INDEX = """{text}

```{{toctree}}
:caption: Clauses
:hidden:

{names}
```

```{{toctree}}
:caption: Conformance kit
:hidden:

adapters
matrix
```
"""

WIDE = "---\nhtml_theme.sidebar_secondary.remove: true\n---\n\n"


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each page."""
    opening, *rest = _SECTION.split(spec_path().read_text("utf-8"))
    asked: dict[str, list[Check]] = {}
    for check in checks():
        asked.setdefault(check.clause, []).append(check)
    names, index = [], opening.strip()
    for title, text in zip(rest[::2], rest[1::2], strict=True):
        if title in ("How to read it", "Profiles"):
            index += f"\n\n## {title}\n\n{text.strip()}"
            continue
        name = title.partition(":")[0].lower().replace(" ", "-")  # of its family
        names.append(name)
        yield f"spec/{name}.md", f"# {title}\n\n{_with_anchors(text, asked)}\n"
    index += "\n\n## Clauses\n\n" + "\n".join(f"- [](./{name}.md)" for name in names)
    yield "spec/index.md", INDEX.format(text=index, names="\n".join(names))
    for name in ("ADAPTERS", "MATRIX"):
        text = (CONFORMANCE / f"{name}.md").read_text("utf-8")
        text = text.replace("(SPEC.md)", "(index.md)")
        text = text.replace("(MATRIX.md)", "(matrix.md)")
        yield f"spec/{name.lower()}.md", WIDE + text if name == "MATRIX" else text


def _with_anchors(text: str, asked: dict[str, list[Check]]) -> str:
    """Put an anchor before each clause, and its checks behind it."""

    def marked(match: re.Match[str]) -> str:
        names = ", ".join(f"`{check.name}`" for check in asked.get(match[1], []))
        line = f"\n\n{{.checks}}\nAsked by {names}" if names else ""
        return f"({match[1].lower()})=\n{match[0]}{line}"

    parts = _FENCE.split(re.sub(r"^###", "##", text.strip(), flags=re.M))
    return "".join(
        part if part.startswith("```") else _CLAUSE.sub(marked, part) for part in parts
    )
