"""The conformance kit: point it at any tiler, learn what is wrong with it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reftiler_conformance.cases import Case
    from reftiler_conformance.protocol import Info, Session, Subject, Unsupported

__all__ = ["Case", "Info", "Session", "Subject", "Unsupported"]

if not TYPE_CHECKING:
    # Loaded when first used: the help of the kit's commands needs none of them.
    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415

        module = "cases" if name == "Case" else "protocol"
        value = getattr(import_module(f"{__name__}.{module}"), name)
        globals()[name] = value
        return value
