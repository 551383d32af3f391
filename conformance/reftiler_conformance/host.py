"""Beside the subject: opens its sessions, makes its calls, watches what they touch."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.api_checks import run_api_check
from reftiler_conformance.cases import parse
from reftiler_conformance.exchange import (
    Answer,
    HarnessError,
    Raised,
    Request,
    WrongType,
)
from reftiler_conformance.protocol import Info, Subject, Unsupported
from reftiler_conformance.subjects import BUILT_IN
from reftiler_conformance.wrapped import Wrapped

Array = npt.NDArray[Any]


class Host:
    """Serves one subject, one session at a time."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._session: Any = None
        self._apis: dict[str, Any] = {}

    def answer(self, request: Request) -> Answer:
        """
        Do what is asked.

        Raises
        ------
        Unsupported
            As the adapter says.
        Raised, WrongType
            If the subject raises, or returns something else than is due.
        """
        try:
            if request.verb == "info":
                return Answer(_as_json(self.subject.info()))
            if request.verb == "open":
                self._session = None
                self._session = self.subject.open(parse(request.text), request.device)
                return Answer()
            if request.verb == "api_check":
                clause_id, name = request.text.split()
                return Answer(run_api_check(clause_id, name, self._api(request.device)))
            return self._call(request)
        except (Unsupported, WrongType, HarnessError):
            raise
        except BaseException as error:  # whatever a tiler may raise
            raise raised(error) from error

    def _api(self, device: str) -> Any:
        if device not in self._apis:
            self._apis[device] = self.subject.api(device)  # type: ignore[attr-defined]
        return self._apis[device]

    def _call(self, request: Request) -> Answer:
        method = getattr(self._session, request.verb, None)
        if method is None:
            raise WrongType(f"has no {request.verb}, though it claims what needs it")
        if request.array is None:
            return Answer(_plain(method()))
        given, before = request.array, request.array.tobytes()
        options = {} if request.out is None else {"out": request.out}
        result = method(given, **options)
        if not isinstance(result, np.ndarray):
            raise WrongType(
                f"{request.verb} returned {type(result).__name__}, a numpy array is due"
            )
        if result.dtype.hasobject:
            raise WrongType(f"{request.verb} returned an array of Python objects")
        return Answer(
            result,
            changed=given.tobytes() != before,
            shares=bool(np.may_share_memory(given, result)),
            contiguous=result.flags.c_contiguous,
            writeable=result.flags.writeable,
            given_back=request.out is not None and _same(result, request.out),
        )


def raised(error: BaseException) -> Raised:
    """Return what is known of an error that a subject raised."""
    kinds = tuple(kind.__name__ for kind in type(error).__mro__ if kind is not object)
    return Raised(kinds, " ".join(str(error).split()))


def _same(one: Array, other: Array) -> bool:
    same: bool = one.__array_interface__["data"] == other.__array_interface__["data"]
    return same


def _plain(value: Any) -> Any:
    """Return what JSON can hold: arrays become lists."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _as_json(info: Info) -> dict[str, Any]:
    return {
        "name": info.name,
        "version": info.version,
        "features": sorted(info.claimed),
        "devices": list(info.devices),
        "versions": dict(info.versions),
    }


def load(name: str) -> Subject:
    """
    Return the subject of a name: a built-in one, or ``module:attribute``.

    The attribute is a `Subject`, a class of subjects, or any class whose instances have
    ``tile`` and ``untile``.

    Raises
    ------
    HarnessError
        If it cannot be imported, or is no such thing.
    """
    module, _, attribute = BUILT_IN.get(name, name).partition(":")
    if not attribute:
        known = ", ".join(BUILT_IN)
        raise HarnessError(
            f"{name!r} is no subject: give module:attribute, or one of {known}"
        )
    if "" not in sys.path:
        sys.path.insert(0, "")  # what lies in the working directory can be asked too
    try:
        found = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise HarnessError(
            f"{name} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    return _subject(name, found)


def _subject(name: str, found: Any) -> Subject:
    made: Callable[[], Any] | None = found if inspect.isclass(found) else None
    if made is not None and hasattr(found, "open"):
        found = made()
    if hasattr(found, "open") and hasattr(found, "info"):
        subject: Subject = found
        return subject
    if made is not None and hasattr(found, "tile"):
        return Wrapped(found)
    raise HarnessError(
        f"{name} is neither an adapter (info and open) nor a class with tile and untile"
    )
