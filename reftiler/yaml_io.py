"""YAML of strangers: read only up to a size, a depth and what its aliases stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reftiler.errors import TilingError, missing_extra
from reftiler.json_io import read_bytes
from reftiler.validation import MAX_SHOWN

__all__ = ["load_yaml_support", "read_yaml"]

MAX_FILE = 2**17
"""Bytes of a file that is read: configurations take some thousands, and what takes more
may take minutes."""

_MAX_NODES = 100_000
"""Values that a file may stand for, each as often as aliases repeat it."""


def load_yaml_support() -> Any:
    """Return PyYAML's module, which only those who read files need."""
    try:
        import yaml  # noqa: PLC0415
    except ImportError as error:
        raise missing_extra("configuration files need PyYAML", "cli", error) from error
    return yaml


def read_yaml(path: str | Path, loader: Any = None) -> Any:
    """Read a YAML file of plain values; None if it holds nothing.

    ``loader`` is a kind of PyYAML's ``SafeLoader``. An error names file and line.
    """
    yaml = load_yaml_support()
    text = read_bytes(Path(path), MAX_FILE)
    try:
        reader = (loader or yaml.SafeLoader)(text)
        node = reader.get_single_node()
        if node is None:
            return None
        _check_size(yaml, node, str(path))
        return reader.construct_document(node)
    except RecursionError:
        raise TilingError(f"{path} is nested too deeply: write it flatter") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # 2020-13-45
        if isinstance(error, TilingError):
            raise
        raise TilingError(_fault(path, error)) from error


def _check_size(yaml: Any, root: Any, where: str) -> None:
    """Refuse aliases that stand for very much, or for what they are in."""
    sizes: dict[int, int | None] = {}

    def size(node: Any) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = None  # being counted
            inner = node.value if isinstance(node, yaml.CollectionNode) else []
            pairs = isinstance(node, yaml.MappingNode)
            every = [part for pair in inner for part in pair] if pairs else inner
            sizes[id(node)] = 1 + sum(map(size, every))
        found = sizes[id(node)]
        if found is None or found > _MAX_NODES:
            raise TilingError(
                f"{where} stands for more than {_MAX_NODES:,} values: write less, or "
                "fewer aliases (*name)"
            )
        return found

    size(root)


def _fault(path: str | Path, error: Exception) -> str:
    """Say in one line what is wrong with a YAML file and where."""
    mark = getattr(error, "problem_mark", None)
    place = f", line {mark.line + 1}" if mark else ""
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{path}{place}: not YAML: {problem[:MAX_SHOWN]}"
