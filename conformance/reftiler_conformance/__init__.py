"""The conformance kit: point it at any tiler, learn what is wrong with it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reftiler_conformance.adoption import parametrize_with_clauses, run
    from reftiler_conformance.cases import Case
    from reftiler_conformance.protocol import Info, Session, Subject, Unsupported
    from reftiler_conformance.results import Result

__all__ = [
    "Case",
    "Info",
    "Result",
    "Session",
    "Subject",
    "Unsupported",
    "parametrize_with_clauses",
    "run",
]

if not TYPE_CHECKING:
    _MODULES = {
        "Case": "cases",
        "Result": "results",
        "parametrize_with_clauses": "adoption",
        "run": "adoption",
    }

    # Loaded when first used: the help of the kit's commands needs none of them.
    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415

        module = _MODULES.get(name, "protocol")
        try:
            value = getattr(import_module(f"{__name__}.{module}"), name)
        except ImportError as error:
            from reftiler.errors import missing_extra  # noqa: PLC0415

            words = "the conformance kit needs its extra"
            raise missing_extra(words, "conformance", error) from error
        globals()[name] = value
        return value
