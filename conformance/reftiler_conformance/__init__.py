"""The conformance kit: point it at any tiler, learn what is wrong with it."""

from reftiler_conformance.cases import Case
from reftiler_conformance.protocol import Info, Session, Subject, Unsupported

__all__ = ["Case", "Info", "Session", "Subject", "Unsupported"]
