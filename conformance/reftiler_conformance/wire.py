"""Requests and answers as bytes: a length, a line of JSON, then arrays as ``.npy``.

Nothing is pickled, so that two Pythons of different versions understand each other and
nothing that a subject sends is run here.
"""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.exchange import (
    Answer,
    HarnessError,
    Raised,
    Request,
    WrongType,
)
from reftiler_conformance.protocol import Unsupported

Array = npt.NDArray[Any]

HEAD = 8
"""Bytes of the length that leads every message."""

_FLAGS = ("changed", "shares", "contiguous", "writeable", "given_back", "printed")


def pack_request(request: Request) -> bytes:
    """Return a request as a message."""
    head = {
        "verb": request.verb,
        "text": request.text,
        "device": request.device,
        "arrays": [request.array is not None, request.out is not None],
    }
    return _pack(head, request.array, request.out)


def unpack_request(body: bytes) -> Request:
    """Return the request of a message without its length."""
    head, stream = _unpack(body)
    array, out = (_load(stream) if there else None for there in head["arrays"])
    return Request(head["verb"], head["text"], head["device"], array, out)


def pack_answer(answer: Answer) -> bytes:
    """Return an answer as a message."""
    head = {flag: getattr(answer, flag) for flag in _FLAGS}
    if isinstance(answer.value, np.ndarray):
        return _pack(head | {"array": True}, answer.value)
    return _pack(head | {"array": False, "value": answer.value})


def pack_error(error: Exception, printed: str = "") -> bytes:
    """Return the reason why there is no answer as a message."""
    head: dict[str, Any] = {"error": type(error).__name__, "words": str(error)}
    if isinstance(error, Raised):
        head |= {"kinds": error.kinds, "words": error.words}
    return _pack(head | {"printed": printed})


def unpack_answer(body: bytes) -> Answer:
    """
    Return the answer of a message without its length.

    Raises
    ------
    Unsupported, Raised, WrongType, HarnessError
        As the host did.
    """
    head, stream = _unpack(body)
    words = head.get("words", "")
    match head.get("error"):
        case None:
            value = _load(stream) if head["array"] else head["value"]
            return Answer(value, **{flag: head[flag] for flag in _FLAGS})
        case "Raised":
            raise Raised(tuple(head["kinds"]), words)
        case "WrongType":
            raise WrongType(words)
        case "Unsupported":
            raise Unsupported(words)
        case _:
            raise HarnessError(words)


def length_of(head: bytes) -> int:
    """Return how many bytes follow the first `HEAD`."""
    return int.from_bytes(head, "little")


def _pack(head: dict[str, Any], *arrays: Array | None) -> bytes:
    stream = io.BytesIO()
    stream.write(json.dumps(head).encode() + b"\n")
    for array in arrays:
        if array is not None:
            np.save(stream, array, allow_pickle=False)
    body = stream.getvalue()
    return len(body).to_bytes(HEAD, "little") + body


def _unpack(body: bytes) -> tuple[dict[str, Any], io.BytesIO]:
    stream = io.BytesIO(body)
    head: dict[str, Any] = json.loads(stream.readline())
    return head, stream


def _load(stream: io.BytesIO) -> Array:
    array: Array = np.load(stream, allow_pickle=False)
    return array
