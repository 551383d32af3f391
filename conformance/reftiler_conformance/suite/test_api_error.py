"""ERROR: refusals.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import (
    error_of,
    lines,
    names,
    refused,
    refuses,
    result_of,
)

WRONG_VALUES = """
    Tiler(0); Tiler(4, 5); Tiler(4, overlap=4); Tiler(4, 2, overlap=2);
    Tiler(4, mode="clmap"); Tiler(4, 2, remove_border_count=3);
    Tiler([2], window=[[1, 0]]); Tiler(4, window="hann", merge="max");
    Tiler(4, mode="drop").grid((3, 9)); Tiler(4).grid((0, 4));
    Tiler(4).scatter((8, 8), [(-1, 0)]); Tiler(4).scatter((8, 8), []);
    Tiler(4).random((8, 8), 0, 7); Tiler(4).random((8, 8), 1, 2**128);
    Tiler(4).random((8, 8), 1, 7, align=0);
    Tiler(4).grid((8, 8)).touching(np.zeros((8, 9), bool));
    Tiler(4).view(zeros(9, 8)); Tiler(4, pad_value=0.5).tile(zeros(8, 8));
    Tiler(4, fill=0.5).untile(zeros(4, 4, 4), (8, 8));
    Tiler(4, mode="drop").untile(zeros(1, 4, 4), (5, 5));
    Tiler(4).untile(array(np.full((4, 4, 4), nan)), (8, 8), dtype=dtype("uint8"));
    Tiler(4).untile(zeros(4, 2, 2), (8, 8), scale=0.3);
    Tiler(4).tile(zeros(8, 8), grid=Tiler(4, 2).grid((8, 8)));
    Tiler.from_json("{"); type(Tiler(4).grid((8, 8))).from_json("{")
"""
"""A wrong value raises TilingError, which is a ValueError (ERROR-001)."""

WRONG_TYPES = """
    Tiler(4.0); Tiler(True); Tiler("4"); Tiler(4, (2.0, 2));
    Tiler(4, remove_border_count=False); Tiler(4, mode=3);
    Tiler(4, pad_value="x"); Tiler(4, channels_last=1); Tiler(4).grid((8.0, 8));
    Tiler(4).random((8, 8), 1, 1.0); Tiler(4).random((8, 8), 1.0, 1);
    Tiler(4).scatter((8, 8), [(0.0, 0)]); Tiler(4).tile([[1, 2], [3, 4]]);
    Tiler(4).view([[1, 2], [3, 4]]);
    Tiler(4).untile([[[1, 2], [3, 4]]], (2, 2));
    Tiler(4).tile(zeros(8, 8), grid=4);
    Tiler(4).untile(zeros(4, 4, 4), (8, 8), grid=4);
    Tiler(4).untile(zeros(4, 4, 4), (8, 8), scale="1");
    Tiler(4).tile(zeros(8, 8), out=[[1, 2], [3, 4]]);
    Tiler(4).untile(zeros(4, 4, 4), (8, 8), out=[[1, 2], [3, 4]])
"""
"""A wrong type raises TypeError (ERROR-002)."""

WRONG_ARRAYS = """
    Tiler(4).tile(zeros(8)); Tiler(4).tile(zeros(1, 1, 1, 8, 8));
    Tiler(4).tile(zeros(0, 8, 8)); Tiler(4).untile(zeros(4, 4), (8, 8));
    Tiler(4).untile(zeros(3, 4, 4), (8, 8));
    Tiler(4).untile(zeros(4, 4, 4, dtype="complex64"), (8, 8));
    Tiler(4).untile(zeros(4, 4, 4), (8, 8), dtype=dtype("complex64"));
    Tiler(4).untile(zeros(4, 4, 4), (8, 8), dtype=dtype("bool"));
    Tiler(4).untile(zeros(4, 4, 4), (8, 8), out=zeros(8, 9));
    Tiler(4).untile(zeros(4, 4, 4), (8, 8), out=zeros(8, 8, dtype="int8"));
    Tiler(4).tile(zeros(8, 8), out=zeros(4, 4, 5)); Tiler(4, (2, 2, 2));
    Tiler(4).grid((8,)); Tiler(4).scatter((8, 8), [(0,)]);
    Tiler(4, window=[[1] * 4, [1] * 3])
"""
"""Arrays and dtypes that are refused, and wrong lengths, are wrong values."""

MESSAGES = """
    Tiler(4, 5) -> "stride", "5", "4"; Tiler(4, overlap=7) -> "overlap", "7";
    Tiler(4, mode="clmap") -> "mode", "clmap", "clamp";
    Tiler(8, 6, remove_border_count=3) -> "border", "3";
    Tiler(4).scatter((8, 8), [(6, 0)]) -> "start", "6";
    Tiler(4).untile(zeros(3, 4, 4), (8, 8)) -> "3", "4";
    Tiler(4).tile(zeros(7)) -> "7", "2";
    Tiler(4, mode="clamp").grid((3, 9)) -> "clamp", "3", "4";
    Tiler(4).random((8, 8), 0, 7) -> "count", "0", "1"
"""
"""What a message names (ERROR-004)."""

WRONG_SETTINGS = """
    Tiler(4, stride=0); Tiler(4, stride=5); Tiler(4, stride=(1, 2, 3));
    Tiler(4, overlap=-1); Tiler(4, overlap=4); Tiler(4, stride=2, overlap=2);
    Tiler(4, remove_border_count=1); Tiler(4, stride=2, remove_border_count=-1);
    Tiler(4, stride=2, remove_border_count=2); Tiler(4, window=[[1] * 4]);
    Tiler(4, window=[[1] * 4, [1, 2, 3]]);
    Tiler(4, window=[[1] * 4, [1, 2, 3, -1]]);
    Tiler(4, window=[[1] * 4, [1, 2, 3, nan]]);
    Tiler(4, window=[[1] * 4, [1, 1, 1, 2.0**33]]);
    Tiler(4, window="hann", merge="max"); Tiler(4, pad_value="x");
    Tiler(4, fill="x"); Tiler(4, channels_last=1); Tiler(0); Tiler(-1);
    Tiler((4, 0)); Tiler(())
"""
"""Settings are checked as far as they can be without an image (ERROR-006)."""


def raises_tiling_error(api: Api, table: str) -> None:
    """Fail unless every line raises TilingError, which must be a ValueError."""
    words = names(api)
    for code in lines(table):
        error = error_of(code, result_of, code, words)
        kind = type(error).__name__
        assert kind == "TilingError", f"{code} raised {kind}, should be TilingError"
        assert isinstance(error, ValueError), "TilingError is no ValueError"


@api_clause("ERROR-001")
def test_wrong_values(api: Api) -> None:
    """A wrong value raises TilingError, which is a ValueError."""
    raises_tiling_error(api, WRONG_VALUES)


@api_clause("ERROR-002")
def test_wrong_types(api: Api) -> None:
    """A wrong type raises TypeError."""
    words = names(api)
    for code in lines(WRONG_TYPES):
        error = error_of(code, result_of, code, words)
        kind = type(error).__name__
        assert isinstance(error, TypeError), f"{code} raised {kind}, not TypeError"


@api_clause("ERROR-003")
def test_wrong_arrays(api: Api) -> None:
    """Arrays and dtypes that are refused, and wrong lengths, are wrong values."""
    raises_tiling_error(api, WRONG_ARRAYS)


@api_clause("ERROR-004")
def test_messages(api: Api) -> None:
    """A message states the values that break a rule, in a sentence that helps."""
    words = names(api)
    for line in lines(MESSAGES):
        code, _, said = line.partition(" -> ")
        message = refused(code, result_of, code, words)
        missing = [word for word in result_of(said, words) if word not in message]
        assert not missing, f"{missing} not in what {code} says: {message}"
        assert len(message.split()) > 4, f"no sentence: {message}"


@api_clause("ERROR-005")
def test_unknown_names(api: Api) -> None:
    """Unknown names are refused at construction, even where they have no effect."""
    for name in ("mode", "pad_mode", "pad_side", "window", "merge"):
        refuses(api, f"Tiler(4, {name}='None')")
        for wrong in ("nothing", ""):
            # None but padding pads, and a mean of one tile needs no window.
            mode = "" if name == "mode" else ", mode='drop'"
            refuses(api, f"Tiler(4, {name}={wrong!r}{mode})")


@api_clause("ERROR-006")
def test_settings_are_checked_at_once(api: Api) -> None:
    """Settings are checked at construction as far as they can be."""
    refuses(api, WRONG_SETTINGS)
