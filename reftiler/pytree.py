"""Trees of arrays: tuples, lists and dicts, nested as a model returns them."""

from collections.abc import Callable
from typing import Any


def tree_map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Call ``function`` on the leaves of trees of the same structure."""
    if isinstance(tree, dict):
        return {
            key: tree_map(function, branch, *(other[key] for other in others))
            for key, branch in tree.items()
        }
    if isinstance(tree, tuple | list):
        mapped = [
            tree_map(function, *branches)
            for branches in zip(tree, *others, strict=True)
        ]
        if isinstance(tree, list):
            return mapped
        return type(tree)(*mapped) if hasattr(tree, "_fields") else tuple(mapped)
    return function(tree, *others)


def tree_leaves(tree: Any, like: Any = None) -> list[Any]:
    """Return the leaves of a tree, in the order of the leaves of ``like``."""
    leaves: list[Any] = []
    tree_map(lambda _, leaf: leaves.append(leaf), tree if like is None else like, tree)
    return leaves


def tree_paths(tree: Any, path: str = "") -> list[str]:
    """Return how each leaf is reached, as ``['masks'][0]``, in `tree_leaves`' order."""
    if isinstance(tree, dict):
        pairs = [(repr(key), branch) for key, branch in tree.items()]
    elif isinstance(tree, tuple | list):
        pairs = [(str(number), branch) for number, branch in enumerate(tree)]
    else:
        return [path]
    return [
        leaf for key, branch in pairs for leaf in tree_paths(branch, f"{path}[{key}]")
    ]
