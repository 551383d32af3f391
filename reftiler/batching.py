"""Batches of tiles, and the checks of what a model returns for them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from reftiler.errors import TilingError
from reftiler.plan import TilePlan
from reftiler.pytree import tree_map
from reftiler.validation import as_int

Progress: TypeAlias = Callable[[Sequence[range]], Iterable[range]]
"""Wraps the list of batches to show progress, as ``tqdm.tqdm`` does."""


def batched(count: int, batch_size: int) -> list[range]:
    """Split the indices of ``count`` tiles into batches."""
    step = as_int(batch_size, "batch_size", minimum=1)
    return [range(low, min(low + step, count)) for low in range(0, count, step)]


@contextmanager
def annotate_errors(indices: Sequence[int], call: TilePlan) -> Iterator[None]:
    """Add a note to an error: in which tiles it was raised, and where they lie."""
    try:
        yield
    except Exception as error:
        image, k = divmod(int(indices[0]), len(call.grid))
        box = ", ".join(f"{s.start}:{s.stop}" for s in call.grid.slices(k))
        of = f" of image {image}" if call.image.batch_size > 1 else ""
        note = f"in tile {indices[0]}, at [{box}]{of}"
        if len(indices) > 1:
            note = f"in tiles {indices[0]} to {indices[-1]}, the first at [{box}]{of}"
        error.add_note(note)
        raise


def validate_results(results: Any, count: int, kind: type[Any]) -> None:
    """Refuse what is no result for ``count`` tiles: a tree of arrays of ``kind``."""

    def validate(leaf: Any) -> None:
        if not isinstance(leaf, kind):
            raise TypeError(
                f"the model must return {kind.__name__}s, or a tuple, list or dict of "
                f"them, got {type(leaf).__name__}"
            )
        if leaf.ndim == 0 or len(leaf) != count:
            raise TilingError(
                f"the model was given {count:,} tiles and returned shape "
                f"{tuple(leaf.shape)}: its first axis must count the tiles"
            )

    tree_map(validate, results)


def validate_later(results: Any, first: Any) -> None:
    """Refuse a batch's results that are not like those of the first batch."""
    validate_same_tree(first, results, "the model's first result", "a later one")
    tree_map(_validate_alike, results, first)


def _validate_alike(leaf: Any, before: Any) -> None:
    if leaf.dtype != before.dtype or leaf.shape[1:] != before.shape[1:]:
        raise TilingError(
            f"the model returned {leaf.dtype} {tuple(leaf.shape[1:])} for a batch and "
            f"{before.dtype} {tuple(before.shape[1:])} before: results must be alike"
        )


def validate_same_tree(tree: Any, other: Any, name: str, other_name: str) -> None:
    """Refuse trees whose tuples, lists and dicts differ; names are for the message."""
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
            f"{name} is {_describe(tree)} and {other_name} is {_describe(other)}: "
            "they must be built alike"
        )
    for branch, other_branch in pairs:
        validate_same_tree(branch, other_branch, name, other_name)


def _describe(tree: Any) -> str:
    if isinstance(tree, dict):
        return f"a dict of {', '.join(map(repr, tree))}"
    if isinstance(tree, tuple | list):
        return f"a {type(tree).__name__} of {len(tree)}"
    return "one array"
