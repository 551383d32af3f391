"""SIZE: tile, stride, overlap.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import gives, refused, refuses


class Pair(Sequence[int]):
    """Two ints: a sequence that is neither a list nor a tuple."""

    def __init__(self, first: int, second: int) -> None:
        self._items = (first, second)

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]


def each_size(api: Api) -> dict[str, Callable[[Any], Any]]:
    """Return calls that take an int for all axes, or one for each of two axes."""
    return {
        "stride": lambda n: api.Tiler((8, 9), n).stride,
        "overlap": lambda n: api.Tiler((8, 9), overlap=n).overlap,
        "remove_border_count": lambda n: (
            api.Tiler((8, 9), (1, 1), remove_border_count=n).remove_border_count
        ),
        "align": lambda n: api.Tiler((8, 9)).random((80, 90), 9, 0, n).starts,
    }


@api_clause("SIZE-001")
def test_tile_size(api: Api) -> None:
    """A tile size is a positive int, or one for each axis."""
    gives(
        api,
        """
    tuple(Tiler(4).tile_size) -> (4, 4);
    tuple(Tiler((4, 6)).tile_size) -> (4, 6);
    tuple(Tiler([5]).tile_size) -> (5,);
    tuple(Tiler((2, 3, 4)).tile_size) -> (2, 3, 4)
        """,
    )
    refuses(api, "Tiler(0); Tiler(-1); Tiler((4, 0)); Tiler((4, -2)); Tiler(())")


@api_clause("SIZE-002")
def test_one_or_each(api: Api) -> None:
    """An int stands for all axes; a sequence has one for each."""
    for name, call in each_size(api).items():
        assert np.array_equal(call(2), call((2, 2))), f"{name}=2 is not (2, 2)"
        ones, *others = (call(n) for n in ((1, 1), (1, 2), (2, 1), (2, 2)))
        for axis, other in enumerate(others):
            assert not np.array_equal(ones, other), f"{name} has no axis {1 - axis % 2}"
        assert not np.array_equal(*others[:2]), f"{name} has no order"
        for wrong in ((2,), (2, 2, 2), ()):
            refused(f"{name}={wrong} for two axes", call, wrong)


@api_clause("SIZE-003")
def test_any_integer(api: Api) -> None:
    """Any integer type is an int, any sequence is a sequence."""
    ints = [kind(2) for kind in (np.int8, np.uint8, np.int64, np.uint64)]
    for name, call in each_size(api).items():
        want = call((2, 2))
        for given in [*ints, [2, 2], Pair(2, 2), [np.uint16(2), 2]]:
            found = call(given)
            assert np.array_equal(found, want), f"{name}={given!r} became {found}"
    for size in ([4, 6], Pair(4, 6), (np.int32(4), np.uint8(6))):
        assert tuple(api.Tiler(size).tile_size) == (4, 6), f"tile_size={size!r}"
        assert tuple(api.Tiler(2).grid(size).image_size) == (4, 6), f"of {size!r}"
    for two in ints:
        gives(
            api,
            """
            len(Tiler([2]).random([9], two, 0)) -> 2
            Tiler([2]).random([9], 9, two) -> Tiler([2]).random([9], 9, 2)
            Tiler([2]).scatter([9], [[two]]) -> Tiler([2]).scatter([9], [[2]])
            """,
            two=two,
        )


@api_clause("SIZE-004")
def test_no_other_number(api: Api) -> None:
    """bool, float and str are no ints."""
    sizes = each_size(api) | {"tile_size": api.Tiler}
    calls = sizes | {
        "image_size": lambda n: api.Tiler([1]).grid([n]),
        "start": lambda n: api.Tiler([1]).scatter([9], [[n]]),
        "count": lambda n: api.Tiler([1]).random([9], n, 0),
        "seed": lambda n: api.Tiler([1]).random([9], 1, n),
    }
    for wrong in (True, np.bool_(True), 2.0, np.float32(2), "2"):
        for name, call in calls.items():
            refused(f"{name}={wrong!r}", call, wrong)
        for name, call in sizes.items():
            refused(f"{wrong!r} in {name}", call, (2, wrong))


@api_clause("SIZE-005")
def test_no_stride(api: Api) -> None:
    """The stride is the tile size if nothing is said."""
    gives(
        api,
        """
    tuple(Tiler((4, 6)).stride) -> (4, 6);
    tuple(Tiler((4, 6), None).stride) -> (4, 6);
    tuple(Tiler((4, 6), [4, 6]).stride) -> (4, 6)
        """,
    )


@api_clause("SIZE-006")
def test_overlap(api: Api) -> None:
    """An overlap is a stride of the tile size less so much."""
    gives(
        api,
        """
    tuple(Tiler((8, 6), overlap=0).stride) -> (8, 6);
    tuple(Tiler((8, 6), overlap=2).stride) -> (6, 4);
    tuple(Tiler((8, 6), overlap=(7, 5)).stride) -> (1, 1);
    tuple(Tiler((8, 6), overlap=(0, 1)).stride) -> (8, 5)
        """,
    )
    for wrong in (-1, 6, 8, (8, 0), (0, 6), (0, -1)):
        refused(f"overlap={wrong} of (8, 6)", api.Tiler, (8, 6), overlap=wrong)


@api_clause("SIZE-007")
def test_not_both(api: Api) -> None:
    """Stride and overlap are not given together."""
    refuses(
        api,
        """
    Tiler(4, 2, overlap=2); Tiler(4, 3, overlap=2); Tiler(4, 4, overlap=0);
    Tiler(4, (2, 2), overlap=(2, 2))
        """,
    )


@api_clause("SIZE-008")
def test_stride_within_the_tile(api: Api) -> None:
    """A stride is at least 1, and no larger than the tile."""
    for stride in (1, 4, (4, 6), (1, 6)):
        api.Tiler((4, 6), stride)
    for wrong in (0, -1, 5, (4, 7), (5, 6), (0, 6)):
        refused(f"stride={wrong} of (4, 6)", api.Tiler, (4, 6), wrong)


@api_clause("SIZE-009")
def test_image_size(api: Api) -> None:
    """An image size has an int of at least 1 for each axis."""
    gives(api, "len(Tiler((4, 6)).grid((1, 1))) -> 1")
    for wrong in ((8,), (8, 8, 8), (0, 8), (8, -1), 8):
        refused(f"image_size={wrong}", api.Tiler((4, 6)).grid, wrong)
    refuses(api, "Tiler((4, 6)).tile(zeros(0, 8)); Tiler((4, 6)).tile(zeros(3, 8, 0))")
