"""The views beside the canvas, added to the window and tied to what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import Qt

from reftiler_gui.actions import Entry
from reftiler_gui.advice_view import AdviceView
from reftiler_gui.cases_view import CasesView
from reftiler_gui.compare_view import CompareView
from reftiler_gui.merged_view import MergedView
from reftiler_gui.sheet_view import SheetView

if TYPE_CHECKING:
    from reftiler_gui.window import MainWindow

__all__ = ["Gallery"]

Shown: TypeAlias = SheetView | CompareView | MergedView | AdviceView | CasesView


@dataclass(frozen=True)
class Gallery:
    """
    The views.

    Attributes
    ----------
    compare, sheet, merged, advice, cases
        Each in a tab of the window.
    """

    compare: CompareView
    sheet: SheetView
    merged: MergedView
    advice: AdviceView
    cases: CasesView

    @classmethod
    def add_to(cls, window: MainWindow) -> Gallery:
        """Add all views to a window."""
        jobs, state = window.jobs, window.state
        made = cls(
            CompareView(jobs, state),
            SheetView(jobs),
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
        sheet, merged, desk = self.sheet, self.merged, window.desk

        def go_worst() -> None:
            window.show_view("merged")
            merged.go_worst()

        def take_cases(paths: tuple[Path, ...]) -> None:
            self.cases.open(paths)
            window.show_view("cases")

        window.table.add(
            [Entry("worst", "Go", "Worst place of the merged image", ("W",), go_worst)]
        )
        window.fill_menus()
        window.bar.glimpse.clicked.connect(lambda: window.show_view("compare"))
        sheet.tile_opened.connect(window.places.go_to_tile)
        # Queued: the merged view may not have been told yet what the sheet shows.
        queued = Qt.ConnectionType.QueuedConnection
        sheet.error_wanted.connect(merged.compute, queued)
        merged.merged.connect(sheet.show_merged)
        merged.failed.connect(sheet.show_trouble)
        self.advice.taken.connect(desk.change)
        desk.opened.connect(lambda: self.advice.show_items(desk.document.items))
        desk.cases_given.connect(take_cases)
