"""Keyword arguments that had another name in version 0.1."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

OLD_NAMES = {"memory": "max_memory", "work": "checkpoint"}


def accepts_old_names(
    function: Callable[Parameters, Result],
) -> Callable[Parameters, Result]:
    """Let a function take ``memory=`` and ``work=`` for what they are called now."""

    @wraps(function)
    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        for old in OLD_NAMES.keys() & kwargs.keys():
            if OLD_NAMES[old] in kwargs:
                raise TypeError(f"{old}= is the old name of {OLD_NAMES[old]}=: drop it")
            kwargs[OLD_NAMES[old]] = kwargs.pop(old)
        return function(*args, **kwargs)

    return call
