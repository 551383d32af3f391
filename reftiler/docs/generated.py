"""The pages that are made at each build: specification, API, command line, notebook.

They lie beside the written pages, as Sphinx reads one folder; git ignores them.
"""

from pathlib import Path
from typing import Any

from reftiler.docs import api_pages, command_pages, spec_pages

ROOT = Path(__file__).parents[2]
FOLDERS = ("api", "command", "spec")


def write_pages(app: Any) -> None:
    """Write the pages that changed, and remove those that are no longer made."""
    folder = Path(app.srcdir)
    notebook = ROOT / "reftiler" / "notebooks" / "tiling.ipynb"
    pages = {"tutorial.ipynb": notebook.read_text("utf-8")}
    for module in (spec_pages, api_pages, command_pages):
        pages.update(module.pages())
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
    for path in (old for name in FOLDERS for old in (folder / name).iterdir()):
        if f"{path.parent.name}/{path.name}" not in pages:
            path.unlink()


def setup(app: Any) -> dict[str, bool]:
    """Have the pages written before Sphinx looks which there are."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
