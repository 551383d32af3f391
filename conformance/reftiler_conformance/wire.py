"""Requests and answers as bytes: a length, a line of JSON, then the bytes of arrays.

Nothing is pickled, so that two Pythons of different versions understand each other and
nothing that a subject sends is run here. Arrays are neither copied into a message nor
out of one: what is read from a message lies in it, and can be written to.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.lib.format import descr_to_dtype, dtype_to_descr

from reftiler_conformance.exchange import (
    Answer,
    HarnessError,
    Raised,
    Request,
    WrongType,
)
from reftiler_conformance.protocol import Unsupported

Array = npt.NDArray[Any]
Message: TypeAlias = list[bytes | memoryview]
"""The parts of a message, to be written one after the other."""

HEAD = 8
"""Bytes of the length that leads every message."""

ALIGNED = 64
"""Arrays begin at multiples of so many bytes, counted from the end of the length."""

_FLAGS = ("changed", "shares", "contiguous", "writeable", "given_back", "printed")


def pack_request(request: Request) -> Message:
    """Return a request as a message."""
    head = {"verb": request.verb, "text": request.text, "device": request.device}
    return _pack(head, request.array, request.out)


def unpack_request(body: bytearray) -> Request:
    """Return the request of a message without its length."""
    head, arrays = _unpack(body)
    return Request(head["verb"], head["text"], head["device"], *arrays)


def pack_answer(answer: Answer) -> Message:
    """Return an answer as a message."""
    head = {flag: getattr(answer, flag) for flag in _FLAGS}
    if isinstance(answer.value, np.ndarray):
        return _pack(head, answer.value)
    return _pack(head | {"value": answer.value})


def pack_error(error: Exception, printed: str = "") -> Message:
    """Return the reason why there is no answer as a message."""
    head: dict[str, Any] = {"error": type(error).__name__, "words": str(error)}
    if isinstance(error, Raised):
        head |= {"kinds": error.kinds, "words": error.words}
    return _pack(head | {"printed": printed})


def unpack_answer(body: bytearray) -> Answer:
    """
    Return the answer of a message without its length.

    Raises
    ------
    Unsupported, Raised, WrongType, HarnessError
        As the host did.
    """
    head, arrays = _unpack(body)
    words = head.get("words", "")
    match head.get("error"):
        case None:
            value = arrays[0] if arrays else head["value"]
            return Answer(value, **{flag: head[flag] for flag in _FLAGS})
        case "Raised":
            raise Raised(tuple(head["kinds"]), words)
        case "WrongType":
            raise WrongType(words)
        case "Unsupported":
            raise Unsupported(words)
        case _:
            raise HarnessError(words)


def length_of(head: bytes | bytearray) -> int:
    """Return how many bytes follow the first `HEAD`."""
    return int.from_bytes(head, "little")


def _pack(head: dict[str, Any], *arrays: Array | None) -> Message:
    forms = [None if array is None else _form(array) for array in arrays]
    text = json.dumps(head | {"arrays": forms}).encode()
    parts: Message = [text, _gap(len(text) + 1) + b"\n"]
    for array in arrays:
        if array is not None:
            parts += [_bytes_of(array), _gap(array.nbytes)]
    length = sum(map(len, parts))
    return [length.to_bytes(HEAD, "little"), *parts]


def _unpack(body: bytearray) -> tuple[dict[str, Any], list[Array | None]]:
    end = body.index(b"\n") + 1
    head: dict[str, Any] = json.loads(body[:end])
    return head, list(_arrays(body, end, head["arrays"]))


def _arrays(
    body: bytearray, place: int, forms: Sequence[dict[str, Any] | None]
) -> Iterator[Array | None]:
    """Go over the arrays that lie in a message from a place on."""
    for form in forms:
        if form is None:
            yield None
            continue
        kind = _dtype(form["dtype"])
        yield np.ndarray(form["shape"], kind, body, place, order=form["order"])
        length = kind.itemsize * math.prod(form["shape"])
        place += length + len(_gap(length))


def _form(array: Array) -> dict[str, Any]:
    """Return what makes an array of its bytes."""
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    kind = repr(dtype_to_descr(array.dtype))
    return {"dtype": kind, "shape": array.shape, "order": order}


@lru_cache(maxsize=64)
def _dtype(text: str) -> np.dtype[Any]:
    """Return a dtype, which may be one of records, from its description."""
    return descr_to_dtype(ast.literal_eval(text))


def _bytes_of(array: Array) -> memoryview:
    """Return an array's bytes in the order of its form; a copy only if it has gaps."""
    if not array.nbytes:
        return memoryview(b"")
    flat: Any = array.ravel(order=_form(array)["order"]).view(np.uint8)
    return memoryview(flat)


def _gap(length: int) -> bytes:
    """Return the spaces that lead to the next multiple of `ALIGNED`."""
    return b" " * (-length % ALIGNED)
