"""A badge for a project's page: what shields.io's endpoint reads."""

from __future__ import annotations

from typing import Any

from reftiler_conformance.report import verdict
from reftiler_conformance.results import Report


def badge(report: Report) -> dict[str, Any]:
    """
    Return the badge of a run, to be written as JSON.

    It is green for a clean run alone: red if anything fails or the run was cut short,
    yellow with known failures, or where not all was asked, or nothing judged.
    """
    found = verdict(report)
    judged = {p: score for p, score in report.scores().items() if score.applicable}
    parts = [f"{p} {score.passed}/{score.applicable}" for p, score in judged.items()]
    clean = all(score.passed == score.applicable for score in judged.values())
    message = ", ".join(parts) or "nothing judged"
    if not report.complete:
        message = "not complete"
    elif found.colour == "red" and clean:  # what is wrong is of no clause
        message = found.message
    return {
        "schemaVersion": 1,
        "label": f"tiling spec {report.spec_version}",
        "message": message,
        "color": "brightgreen" if found.colour == "green" else found.colour,
        "isError": found.colour == "red",
    }
