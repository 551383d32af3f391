"""The views beside the canvas, added to the window and tied to what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import Qt

from reftiler_gui.actions import ActionSpec
from reftiler_gui.advice_view import AdviceView
from reftiler_gui.cases_view import CasesView
from reftiler_gui.compare_view import CompareView
from reftiler_gui.contact_sheet_view import ContactSheetView
from reftiler_gui.merged_view import MergedView

if TYPE_CHECKING:
    from reftiler_gui.window import MainWindow

__all__ = ["ViewRegistry"]

Shown: TypeAlias = ContactSheetView | CompareView | MergedView | AdviceView | CasesView


@dataclass(frozen=True)
class ViewRegistry:
    """
    The views.

    Attributes
    ----------
    compare, sheet, merged, advice, cases
        Each in a tab of the window.
    """

    compare: CompareView
    sheet: ContactSheetView
    merged: MergedView
    advice: AdviceView
    cases: CasesView

    @classmethod
    def add_to(cls, window: MainWindow) -> ViewRegistry:
        """Add all views to a window."""
        jobs, state = window.jobs, window.state
        made = cls(
            CompareView(jobs, state),
            ContactSheetView(jobs),
            MergedView(jobs, state),
            AdviceView(jobs),
            CasesView(jobs),
        )
        for number, (name, title, view) in enumerate(made._titled(), start=2):
            window.add_view(name, title, view, f"Ctrl+{number}")
        made._connect(window)
        return made

    def _titled(self) -> Iterator[tuple[str, str, Shown]]:
        yield "compare", "Compare", self.compare
        yield "sheet", "Tiles", self.sheet
        yield "merged", "Merged", self.merged
        yield "advice", "Advice", self.advice
        yield "cases", "Cases", self.cases

    def _connect(self, window: MainWindow) -> None:
        sheet, merged, viewer = self.sheet, self.merged, window.viewer

        def go_worst() -> None:
            window.show_view("merged")
            merged.go_worst()

        def take_cases(paths: tuple[Path, ...]) -> None:
            self.cases.open(paths)
            window.show_view("cases")

        window.table.add(
            [
                ActionSpec(
                    "worst", "Go", "Worst place of the merged image", ("W",), go_worst
                )
            ]
        )
        window.fill_menus()
        window.bar.preview_of_defect.clicked.connect(
            lambda: window.show_view("compare")
        )
        sheet.tile_opened.connect(window.places.go_to_tile)
        # Queued: the merged view may not have been told yet what the sheet shows.
        queued = Qt.ConnectionType.QueuedConnection
        sheet.error_wanted.connect(merged.compute, queued)
        merged.merged.connect(sheet.show_merged)
        merged.failed.connect(sheet.show_trouble)
        self.advice.taken.connect(viewer.change)
        viewer.opened.connect(lambda: self.advice.show_items(viewer.document.items))
        viewer.cases_given.connect(take_cases)
