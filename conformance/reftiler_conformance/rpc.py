"""Requests to the process of a subject and its answers, as bytes.

A message is a head, by which an answer is told from what the subject or a child of it
writes into the pipe, and a body: a line of JSON, then the bytes of an array. Nothing is
pickled: Pythons and numpys of different versions understand each other, and nothing
that a subject sends is run.
"""

from __future__ import annotations

import ast
import math
import os
import struct
from dataclasses import dataclass, field
from functools import lru_cache
from json import dumps, loads
from typing import Any, TypeAlias

from numpy import dtype as make_dtype
from numpy import ndarray, uint8
from numpy.lib.format import descr_to_dtype, dtype_to_descr

from reftiler_conformance.memory_layouts import Array, OutBuffer
from reftiler_conformance.protocol import Unsupported

Message: TypeAlias = list[bytes | memoryview]
"""The parts of a message, to be written one after the other."""

MAGIC = b"reftile3"  # begins every message; its last character is the version

HEAD = struct.Struct("<8sqq")
"""The magic word, the id of the sending process, the length of what follows."""

_ALIGNED = 64  # arrays begin at multiples of so many bytes
_FLAGS = ("changed", "shares", "contiguous", "writeable", "given_back", "spilled")


@dataclass(frozen=True)
class Request:
    """A call: ``info``, ``open``, ``api_check``, or a verb of the open session."""

    verb: str
    text: str = ""
    device: str = "cpu"
    array: Array | None = None
    memory: str = "C"  # one of `LAYOUTS`, in the subject's process
    out: OutBuffer | None = None


@dataclass(frozen=True)
class Answer:
    """What a call gave, an array or what JSON can hold, and what was seen meanwhile."""

    value: Any = None
    changed: bool = False  # the input was
    shares: bool = False  # memory with the input
    contiguous: bool = True
    writeable: bool = True
    given_back: bool = False  # it is the array that was given as ``out``
    spilled: bool = False  # memory beside or between the items of that was written
    printed: str = field(default="", compare=False)

    @property
    def array(self) -> Array:
        """The array that came back."""
        found: Array = self.value
        return found


class Broken(Exception):  # noqa: N818 - the base of what can go wrong
    """The subject gave no answer."""


class Raised(Broken):
    """The subject raised; ``kinds`` are the names of the error's class and bases."""

    def __init__(self, kinds: tuple[str, ...], message: str) -> None:
        super().__init__(f"raised {kinds[0]}: {message}".rstrip(": "))
        self.kinds, self.message = kinds, message


class WrongType(Broken):
    """The subject returned something else than is due."""


class Hung(Broken):
    """The subject did not answer in time; its process was ended."""


class Died(Broken):
    """The subject's process ended."""


class HarnessError(Exception):
    """The kit or the adapter is at fault, not the tiler: nothing was learnt."""


class NotAsked(HarnessError):  # noqa: N818 - it is a consequence
    """Nothing more is asked, since the subject hung too often."""


def refuse_optimized() -> None:
    """Raise `HarnessError` under ``python -O``: checks are assert statements."""
    if not __debug__:
        raise HarnessError(
            "Python runs with -O or PYTHONOPTIMIZE, which removes the assert "
            "statements that checks are made of: run it without"
        )


def pack_request(request: Request) -> Message:
    """Return a request as a message."""
    names = ("verb", "text", "device", "memory")
    head: dict[str, Any] = {name: getattr(request, name) for name in names}
    if (out := request.out) is not None:
        head["out"] = [out.shape, _name(out.dtype), out.memory, out.value]
    return _pack(head, request.array)


def unpack_request(body: bytearray) -> Request:
    """Return the request of a message without its head."""
    head, array = _unpack(body)
    if "out" in head:
        shape, name, *more = head["out"]
        head["out"] = OutBuffer(tuple(shape), _dtype(name), *more)
    return Request(**head, array=array)


def pack_answer(answer: Answer) -> Message:
    """Return an answer as a message."""
    head: dict[str, Any] = {flag: getattr(answer, flag) for flag in _FLAGS}
    array = answer.value if isinstance(answer.value, ndarray) else None
    return _pack(head | ({"value": answer.value} if array is None else {}), array)


def pack_error(error: Exception) -> Message:
    """Return the reason why there is no answer as a message."""
    head: dict[str, Any] = {"error": type(error).__name__, "message": str(error)}
    if isinstance(error, Raised):
        head |= {"kinds": error.kinds, "message": error.message}
    return _pack(head, None)


def unpack_answer(body: bytearray, printed: str = "") -> Answer:
    """Return the answer of a message without its head; raise as the subject did."""
    try:
        head, array = _unpack(body)
        message = head.get("message", "")
        error = head.pop("error", None)
        if error is None:
            value = head.pop("value", None) if array is None else array
            return Answer(value, **head, printed=printed)
    except (SyntaxError, TypeError, ValueError) as fault:
        raise HarnessError(f"its answer is malformed: {fault}") from fault
    if error == "Raised":
        raise Raised(tuple(head["kinds"]), message)
    kinds = {"WrongType": WrongType, "Unsupported": Unsupported}
    raise kinds.get(error, HarnessError)(message)


def _pack(head: dict[str, Any], array: Array | None) -> Message:
    if array is not None:
        head = head | {"dtype": _name(array.dtype), "shape": array.shape}
    text = dumps(head).encode()
    parts: Message = [text, b" " * (-(len(text) + 1) % _ALIGNED) + b"\n"]
    if array is not None and array.nbytes:
        parts.append(memoryview(array.ravel().view(uint8)))  # type: ignore[arg-type]
    length = sum(map(len, parts))
    return [HEAD.pack(MAGIC, os.getpid(), length), *parts]


def _unpack(body: bytearray) -> tuple[dict[str, Any], Array | None]:
    """Return what JSON holds, and the array, which lies in the body."""
    end = body.index(b"\n") + 1
    head: dict[str, Any] = loads(body[:end])
    if "shape" not in head:
        return head, None
    dtype, shape = _dtype(head.pop("dtype")), head.pop("shape")
    if not math.prod(shape):
        return head, ndarray(shape, dtype)
    return head, ndarray(shape, dtype, body, end)


def _name(dtype: Any) -> str:
    return repr(dtype_to_descr(make_dtype(dtype)))


@lru_cache(maxsize=64)
def _dtype(name: str) -> Any:
    """Return a dtype, which may be one of records, from its description."""
    return descr_to_dtype(ast.literal_eval(name))
