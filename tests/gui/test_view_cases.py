"""Failed cases: the table, the arrays, the clause, the command."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reftiler.errors import TilingError
from reftiler_conformance import counterexample
from reftiler_conformance.case_run import Evidence
from reftiler_conformance.results import Result, Status
from reftiler_gui import cases_view
from reftiler_gui.cases_view import CasesView
from reftiler_gui.jobs import Jobs
from reftiler_gui.model.image_pyramid import ImagePyramid
from tests.gui.windows import LEFT, known, settle
from tests.runs import CASE, report

RESULT = Result(
    "MERGE-001", "mean", "MUST", "cpu", Status.FAILED, "1 of 24 differ", CASE
)


def write(folder: Path, **arrays: np.ndarray) -> Path:
    """Write a counterexample."""
    failed = replace(RESULT, evidence=Evidence(**arrays))
    return counterexample.write(failed, report(), folder)


@pytest.fixture
def view(qtbot: QtBot, jobs: Jobs, tmp_path: Path) -> CasesView:
    made = CasesView(jobs)
    qtbot.addWidget(made)
    made.resize(1000, 800)
    made.show()
    assert made.title.text().startswith("Open a counterexample")
    assert made.split.isHidden()
    assert not made.copy.isEnabled()
    want = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    got = want.copy()
    got[1, 2, 0] = 99
    made.open([write(tmp_path, got=got, want=want, image=want + 1)])
    settle(jobs)
    return made


def test_a_failure_is_shown_with_its_first_difference(view: CasesView) -> None:
    model = view.table.model()
    cells = [model.index(0, n).data() for n in range(model.columnCount())]
    assert cells == ["MERGE-001", "mean", "MUST", "cpu", "failed", "1 of 24 differ"]
    assert view.clause.text().startswith("MERGE-001: ")
    assert "[1, 2, 0]: got 99.0, want 20.0" in view.words.text()
    assert view.title.text() == "kornia 0.8.1, specification 1.1"
    QTest.mouseClick(view.copy, LEFT)
    copied = QGuiApplication.clipboard().text()
    assert copied == view.replay.text()
    assert copied.startswith("reftiler conform kornia --clauses mean --replay")

    def shown() -> list[str]:
        return [pane.label.text() for pane in view.planes.panes if pane.isVisible()]

    assert shown() == [
        "Got: 2 × 3 × 4, float32",
        "Want: 2 × 3 × 4, float32",
        "Got − want: 2 × 3 × 4, float64",
    ]
    assert len({pane.width() for pane in view.planes.panes}) <= 2  # of rounding
    view.inputs.setChecked(True)
    assert shown() == ["Image: 2 × 3 × 4, float32", "Mask: 2 × 3 × 4, bool"]
    view.inputs.setChecked(False)
    planes, camera = view.planes, view.planes.state
    assert planes.plane.value() == 0
    camera.go(0.5, 3.5, 10)
    QTest.mouseClick(view.first, LEFT)
    assert planes.plane.value() == 1
    assert planes.label.text() == "Plane [1] of 2"
    assert (int(camera.row), int(camera.col), camera.zoom) == (2, 0, 24)
    canvas = planes.panes[0].canvas
    place = QPointF(canvas.transform().x(0) + 3, canvas.transform().y(2) + 3)
    canvas.hovered.emit(*canvas.place(place))
    want = "Row 2, column 0: got 99, want 20, difference 79"
    assert planes.value.text() == want


@pytest.mark.parametrize("value", [6e22, -1.7e308, 0.0])
def test_constants_are_shown_however_large(
    view: CasesView, jobs: Jobs, tmp_path: Path, value: float
) -> None:
    want = np.full((2, 3), value)
    view.open([write(tmp_path / "other", got=want.copy(), want=want, image=want)])
    settle(jobs)
    for pane in view.planes.panes[:2]:
        source = pane.canvas.source
        assert isinstance(source, ImagePyramid)
        assert source.value(1, 2) == (value,)


def test_nothing_is_shown_of_arrays_that_are_empty(
    view: CasesView, jobs: Jobs, tmp_path: Path
) -> None:
    nothing = np.zeros((2, 0))
    view.open([write(tmp_path / "other", got=nothing, want=nothing)])
    settle(jobs)
    assert not known(view.failure).arrays
    assert not any(pane.isVisible() for pane in view.planes.panes)


@pytest.mark.parametrize("content", [None, b"PK\x03\x04 no zip"])
def test_damaged_files_leave_what_is_shown(
    view: CasesView, jobs: Jobs, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "damaged.npz"
    if content is not None:
        path.write_bytes(content)
    view.open([path])
    settle(jobs)
    assert "damaged.npz" in view.title.text()
    assert len(view.failures) == 1
    known(view.failure)


def test_what_cannot_be_shown_is_cleared_with_a_sentence(
    view: CasesView, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not leave the plane, or the case, that was shown before."""

    def refuse(*_: object) -> ImagePyramid:
        raise TilingError("no picture")

    monkeypatch.setattr(cases_view, "ImagePyramid", refuse)
    view.planes.plane.setValue(0)
    view.planes.plane.setValue(1)
    got, want, _ = (pane.canvas for pane in view.planes.panes)
    assert got.source is None
    assert want.source is None
    assert got.message == "This plane cannot be shown: no picture"

    def fail(_: object) -> None:
        raise TilingError("it is gone")

    monkeypatch.setattr(type(view.failures[0]), "open", fail)
    view.table.setCurrentCell(-1, -1)
    view.table.setCurrentCell(0, 0)
    settle(jobs)
    assert view.words.text() == "it is gone"
    assert view.planes.isHidden()
