"""Batches of tiles, and what models return for them.

A result is an array, or tuples, lists and dicts of arrays; of which library does not
matter here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from reftiler.errors import TilingError
from reftiler.plan import TilePlan
from reftiler.validation import as_int

Progress: TypeAlias = Callable[[Sequence[range]], Iterable[range]]
"""Wraps the list of batches to show how far the work is, as ``tqdm.tqdm`` does."""


def split(count: int, batch_size: int) -> list[range]:
    """Split ``count`` tiles into batches."""
    step = as_int(batch_size, "batch_size", minimum=1)
    return [range(low, min(low + step, count)) for low in range(0, count, step)]


def map_tree(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Call ``function`` on the leaves of like trees of tuples, lists and dicts."""
    if isinstance(tree, dict):
        return {
            key: map_tree(function, branch, *(other[key] for other in others))
            for key, branch in tree.items()
        }
    if isinstance(tree, tuple | list):
        leaves = [
            map_tree(function, *branch) for branch in zip(tree, *others, strict=True)
        ]
        if isinstance(tree, list):
            return leaves
        return type(tree)(*leaves) if hasattr(tree, "_fields") else tuple(leaves)
    return function(tree, *others)


def leaves(tree: Any, like: Any = None) -> list[Any]:
    """Return the leaves of a tree, in the order in which those of ``like`` come."""
    found: list[Any] = []
    map_tree(lambda _, leaf: found.append(leaf), tree if like is None else like, tree)
    return found


def names(tree: Any, name: str = "") -> list[str]:
    """Return how each leaf of a tree is reached, in the order of `leaves`."""
    if isinstance(tree, dict):
        pairs = [(repr(key), branch) for key, branch in tree.items()]
    elif isinstance(tree, tuple | list):
        pairs = [(str(place), branch) for place, branch in enumerate(tree)]
    else:
        return [name]
    return [leaf for key, branch in pairs for leaf in names(branch, f"{name}[{key}]")]


def check_same_tree(tree: Any, other: Any, one: str, another: str) -> None:
    """Refuse a tree that is not built like that of the model's results.

    Parameters
    ----------
    tree, other : tree
        What they are.
    one, another : str
        What the message calls them.

    Raises
    ------
    TilingError
        If their tuples, lists and dicts differ.
    """
    pairs: list[tuple[Any, Any]] = []
    if isinstance(tree, dict):
        alike = isinstance(other, dict) and tree.keys() == other.keys()
        pairs = [(tree[key], other[key]) for key in tree if alike]
    elif isinstance(tree, tuple | list):
        alike = isinstance(other, tuple | list) and len(tree) == len(other)
        pairs = list(zip(tree, other, strict=True)) if alike else []
    else:
        alike = not isinstance(other, dict | tuple | list)
    if not alike:
        raise TilingError(
            f"{one} is {_words(tree)} and {another} is {_words(other)}: they must be "
            "built alike"
        )
    for branch, twig in pairs:
        check_same_tree(branch, twig, one, another)


def _words(tree: Any) -> str:
    if isinstance(tree, dict):
        return f"a dict of {', '.join(map(repr, tree))}"
    if isinstance(tree, tuple | list):
        return f"a {type(tree).__name__} of {len(tree)}"
    return "one array"


def check_later(results: Any, first: Any) -> None:
    """Refuse a batch's results that are not like those of the first batch."""
    check_same_tree(first, results, "the model's first result", "a later one")
    map_tree(check_alike, results, first)


@contextmanager
def named(numbers: Sequence[int], call: TilePlan) -> Iterator[None]:
    """Let an error say in which tiles it came up, and where they lie."""
    try:
        yield
    except Exception as error:
        image, k = divmod(int(numbers[0]), len(call.grid))
        box = ", ".join(f"{s.start}:{s.stop}" for s in call.grid.slices(k))
        of = f" of image {image}" if call.image.batch_size > 1 else ""
        note = f"in tile {numbers[0]}, at [{box}]{of}"
        if len(numbers) > 1:
            note = f"in tiles {numbers[0]} to {numbers[-1]}, the first at [{box}]{of}"
        if hasattr(error, "add_note"):
            error.add_note(note)
        else:  # Python 3.10
            error.__notes__ = [note]
        raise


def check_results(results: Any, count: int, kind: type[Any]) -> None:
    """Refuse what is no result for ``count`` tiles.

    Raises
    ------
    TypeError
        If a leaf is not an array of ``kind``.
    TilingError
        If its first axis does not count the tiles.
    """

    def check(leaf: Any) -> None:
        if not isinstance(leaf, kind):
            raise TypeError(
                f"the model must return {kind.__name__}s, or a tuple, list or dict of "
                f"them, got {type(leaf).__name__}"
            )
        if leaf.ndim == 0 or len(leaf) != count:
            raise TilingError(
                f"the model was given {count} tiles and returned shape "
                f"{tuple(leaf.shape)}: its first axis must count the tiles"
            )

    map_tree(check, results)


def check_alike(leaf: Any, before: Any) -> None:
    """Refuse a batch's result that differs in kind from those of earlier batches."""
    if leaf.dtype != before.dtype or leaf.shape[1:] != before.shape[1:]:
        raise TilingError(
            f"the model returned {leaf.dtype} {tuple(leaf.shape[1:])} for a batch and "
            f"{before.dtype} {tuple(before.shape[1:])} before: results must be alike"
        )
