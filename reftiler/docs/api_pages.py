"""The API reference: a page for each public module, made from its docstrings."""

import importlib
from collections.abc import Iterator
from typing import Any

SECTIONS = {
    "The tiler": ("reftiler", "reftiler.config", "reftiler.testing"),
    "Tensors": (
        "reftiler.torch",
        "reftiler.torch.data",
        "reftiler.torch.numpy_bridge",
        "reftiler.anomalib",
    ),
    "Larger than memory": ("reftiler.streaming", "reftiler.dask"),
    "Files": (
        "reftiler.io",
        "reftiler.io.datasets",
        "reftiler.tilesets.manifest",
        "reftiler.tilesets.reassemble",
        "reftiler.objects",
        "reftiler.models",
    ),
    "Evaluation": (
        "reftiler.visibility",
        "reftiler.evaluation",
        "reftiler.map_scores",
        "reftiler.regions",
    ),
    "Pictures and samples": (
        "reftiler.figures",
        "reftiler.samples",
        "reftiler.samples.detector",
    ),
    "Conformance kit and viewer": (
        "reftiler_conformance",
        "reftiler_conformance.under_test",
        "reftiler_gui",
    ),
}
"""The modules whose names are public."""

SELECTED = {
    "reftiler.config": ("TilingConfig", "read_section"),
    "reftiler.torch.numpy_bridge": ("NumpyModel",),
    "reftiler.tilesets.manifest": ("Manifest", "NAME", "METADATA_NAME"),
    "reftiler.tilesets.reassemble": (
        "TiledImage",
        "TiledImageSet",
        "reassemble",
        "tiled_image",
    ),
    "reftiler.models": ("Model", "load_model", "select_map"),
    "reftiler_conformance.under_test": ("Asked", "SubjectError"),
}
"""What is public of modules that other modules of ours take more from."""

INDEX = """# API reference

What these pages show is public. All else may change without notice.

{sections}
"""
SECTION = """## {title}

```{{eval-rst}}
.. list-table::
   :widths: auto

{rows}
```

```{{toctree}}
:caption: {title}
:hidden:

{names}
```
"""
PAGE = """# {module}

```{{eval-rst}}
.. automodule:: {module}

.. autosummary::
   :nosignatures:

{summary}

.. currentmodule:: {module}

{entries}
```
"""
MEMBERS = """
   :members:
   :inherited-members: BaseException, Dataset, Enum, dict, Mapping, Module, ndarray, \
Protocol, Sampler, Sequence, str, tuple
"""
"""A class is shown with its members, but for those of classes of others."""


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each page."""
    sections = (_section(title, modules) for title, modules in SECTIONS.items())
    yield "api/index.md", INDEX.format(sections="\n".join(sections))
    for modules in SECTIONS.values():
        for module in modules:
            yield f"api/{module}.md", _page(module)


def _page(module: str) -> str:
    names = _names(module)
    # Classes and functions that are called by their own names.
    values = {name: _value(module, name) for name in names}
    summary = [
        name
        for name, value in values.items()
        if callable(value) and getattr(value, "__name__", name) == name
    ]
    return PAGE.format(
        module=module,
        summary="\n".join(f"   {name}" for name in summary),
        entries="\n".join(_entry(module, name) for name in names),
    )


def _entry(module: str, name: str) -> str:
    """Return what has Sphinx document a name."""
    value = _value(module, name)
    if isinstance(value, type) and issubclass(value, BaseException):
        return f".. autoexception:: {name}\n"
    if isinstance(value, type):
        return f".. autoclass:: {name}{MEMBERS}"
    kind = "function" if callable(value) else "data"
    return f".. auto{kind}:: {name}\n"


def _section(title: str, modules: tuple[str, ...]) -> str:
    rows = []
    for name in modules:
        text = importlib.import_module(name).__doc__ or ""
        first = text.strip().split("\n\n")[0].replace("\n", " ")
        rows.append(f"   * - :doc:`{name} <{name}>`\n     - {first}")
    return SECTION.format(title=title, rows="\n".join(rows), names="\n".join(modules))


def _names(module: str) -> list[str]:
    names = SELECTED.get(module) or importlib.import_module(module).__all__
    return [name for name in names if name != "__version__"]


def _value(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)
