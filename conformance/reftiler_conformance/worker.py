"""The process of a subject: opens its sessions, makes its calls, watches its arrays.

Started by `reftiler_conformance.client.Remote`. Needs numpy, reftiler and the subject.
"""

from __future__ import annotations

import fcntl
import importlib
import inspect
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from json import dumps, loads
from typing import IO, Any
from zlib import crc32

from numpy import generic, may_share_memory, memmap, ndarray, uint8

from reftiler_conformance.api_checks import run_api_check
from reftiler_conformance.cases import Array, parse
from reftiler_conformance.memory_layouts import Subclass, arranged
from reftiler_conformance.peers import BUILT_IN
from reftiler_conformance.process_state import watching
from reftiler_conformance.protocol import Subject, Unsupported
from reftiler_conformance.rpc import (
    HEAD,
    Answer,
    Broken,
    HarnessError,
    Message,
    Raised,
    Request,
    WrongType,
    pack_answer,
    pack_error,
    refuse_optimized,
    unpack_request,
)
from reftiler_conformance.wrapped import Wrapped

_OUT_OF_REACH = 200
"""The least number of the kit's files, which subjects do not write to by guessing."""

_MOST_BYTES = 1 << 30
"""Of a result: some are broadcast, and take no memory before they are sent."""

_LONGEST = 2000  # characters of an error's message that are kept


class Server:
    """Answers requests to one subject, one session at a time."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._session: Any = None
        self._watch: Any = None
        self._apis: dict[str, Any] = {}

    def answer(self, request: Request) -> Answer:
        """Do what is asked; the subject is given the request's array itself."""
        try:
            match request.verb:
                case "info":
                    info = self.subject.info()
                    claims = {"features": sorted(info.claimed)}
                    return Answer(_plain(vars(info) | claims))
                case "open":
                    self._session = None
                    case = parse(request.text)
                    self._session = self.subject.open(case, request.device)
                    return Answer()
                case "api_check":
                    clause_id, name = request.text.split()
                    if request.device not in self._apis:
                        api = self.subject.api(request.device)  # type: ignore[attr-defined]
                        self._apis[request.device] = api
                    api = self._apis[request.device]
                    return Answer(run_api_check(clause_id, name, api))
                case "watch" | "changes":
                    return Answer(self._watched(request.verb))
                case "tile_another":
                    return Answer(self._tile_another(request))
                case _:
                    return self._call(request)
        except (Unsupported, WrongType, HarnessError):
            raise
        except BaseException as error:  # whatever a tiler may raise
            raise raised(error) from error

    def _watched(self, verb: str) -> list[str]:
        """Begin to watch the state of this process, or say what has changed."""
        if verb == "watch":
            self._watch = watching()
        changed: list[str] = next(self._watch)
        if verb == "changes":
            self._watch.close()
        return changed

    def _tile_another(self, request: Request) -> bool:
        given = request.array
        if (method := getattr(self._session, "tile_another", None)) is not None:
            method(given)
            return True
        if not request.text:
            return False
        with suppress(Exception):  # nobody said that it can
            self._session.tile(given)
        return True

    def _call(self, request: Request) -> Answer:
        method = getattr(self._session, request.verb, None)
        if method is None:
            raise WrongType(f"has no {request.verb}, though it claims what needs it")
        if request.array is None:
            return Answer(_plain(method()))
        given, options = request.array, {}
        if request.memory != "C":
            given = arranged(given, request.memory)
        before, spilled = crc32(_bytes(given)), None
        if request.out is not None:
            options["out"], spilled = request.out.make()
        result = _checked(request.verb, method(given, **options))
        return Answer(
            result,
            changed=crc32(_bytes(given)) != before,
            shares=bool(may_share_memory(given, result)),
            contiguous=result.flags.c_contiguous,
            writeable=result.flags.writeable,
            given_back=spilled is not None and _same(result, options["out"]),
            spilled=spilled is not None and spilled(),
        )


def _checked(verb: str, result: Any) -> Array:
    """Return a result that is an array of items of a fixed size."""
    if type(result) not in (ndarray, memmap, Subclass):
        raise WrongType(
            f"{verb} returned {type(result).__name__}, a numpy array is due"
        )
    if result.dtype.hasobject:
        raise WrongType(f"{verb} returned an array of Python objects")
    if result.dtype.kind not in "biufcmMSUV":
        raise WrongType(f"{verb} returned an array of {result.dtype}")
    if result.nbytes > _MOST_BYTES:
        raise WrongType(f"{verb} returned {result.nbytes:,} bytes")
    found: Array = result
    return found


def _bytes(array: Array) -> memoryview | bytes:
    """Return the bytes of an array, without a copy where it is contiguous."""
    if array.size and array.flags.c_contiguous:
        return array.reshape(-1).view(uint8).data
    return array.tobytes()


def _same(one: Array, other: Array) -> bool:
    left, right = one.__array_interface__, other.__array_interface__
    return left["data"] == right["data"] and one.strides == other.strides


def raised(error: BaseException) -> Raised:
    """Return what is known of an error that a subject raised."""
    kinds = tuple(kind.__name__ for kind in type(error).__mro__ if kind is not object)
    try:
        message = " ".join(str(error).split())[:_LONGEST]
    except BaseException as other:  # noqa: BLE001 - it cannot say what it is
        message = f"(its message raised {type(other).__name__})"
    return Raised(kinds, message)


def _plain(value: Any) -> Any:
    """Return what JSON can hold: arrays become lists."""

    def as_json(value: Any) -> Any:
        if isinstance(value, ndarray | generic):
            return value.tolist()
        if isinstance(value, Mapping):
            return dict(value)
        raise WrongType(f"returned {type(value).__name__}, which is no JSON")

    return loads(dumps(value, default=as_json))


def load(name: str) -> Subject:
    """Return the subject of a name or ``module:attribute``; or `HarnessError`."""
    module, _, attribute = BUILT_IN.get(name, name).partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # what lies in the working directory can be asked too
    try:
        found = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except BaseException as error:
        raise HarnessError(f"{name} cannot be imported: {raised(error)}") from error
    return as_subject(name, found)


def as_subject(name: str, found: Any) -> Subject:
    """Return an object or a class as a subject; raise `HarnessError` if it is none."""
    # A tiler may have a method open of its own.
    is_tiler = hasattr(found, "tile") and not (
        hasattr(found, "open") and hasattr(found, "info")
    )
    if inspect.isclass(found):
        if is_tiler:
            return Wrapped(found)
        if hasattr(found, "open"):
            found = found()
    if hasattr(found, "open") and hasattr(found, "info"):
        subject: Subject = found
        return subject
    raise HarnessError(
        f"{name} is neither an adapter (info and open) nor a class with tile and untile"
    )


def serve(name: str) -> None:
    """Answer requests, which come on standard input, until there are no more."""
    _end_with_parent()
    requests = os.fdopen(_out_of_reach(0), "rb")
    answers = os.fdopen(_out_of_reach(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what is printed is read there
    myself = os.getpid()
    try:
        refuse_optimized()
        server = Server(load(name))
    except HarnessError as error:
        _send(answers, pack_error(error), myself)
        return
    while head := requests.read(HEAD.size):
        _send(answers, _answered(server, requests, head), myself)


def _end_with_parent() -> None:
    """Let the kernel end this process when the kit's is killed, where it can."""
    with suppress(Exception):
        import ctypes  # noqa: PLC0415 - not every Python has it

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _out_of_reach(number: int) -> int:
    """Return a copy of a file's number that children do not inherit."""
    return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_REACH)


def _answered(server: Server, requests: IO[bytes], head: bytes) -> Message:
    body = bytearray(HEAD.unpack(head)[2])
    requests.readinto(body)  # type: ignore[attr-defined]
    try:
        return pack_answer(server.answer(unpack_request(body)))
    except (Unsupported, Broken, HarnessError) as error:
        return pack_error(error)
    except BaseException as error:  # noqa: BLE001 - what it returned may be anything
        return pack_error(WrongType(f"its answer cannot be sent: {raised(error)}"))


def _send(answers: IO[bytes], message: Message, myself: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # whatever the subject made of it
            stream.flush()
    if os.getpid() != myself:  # a child that the subject forked came back from the call
        os.write(answers.fileno(), b"".join(message)[: HEAD.size])
        os._exit(1)
    answers.writelines(message)
    answers.flush()
