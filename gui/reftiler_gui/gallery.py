"""The views beside the canvas, added to the window and tied to what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reftiler_gui.advice_view import AdviceView
from reftiler_gui.cases_view import CasesView
from reftiler_gui.compare_view import CompareView
from reftiler_gui.merged_view import MergedView
from reftiler_gui.sheet_view import SheetView

if TYPE_CHECKING:
    from reftiler_gui.window import MainWindow

__all__ = ["Gallery"]


@dataclass(frozen=True)
class Gallery:
    """
    The views.

    Attributes
    ----------
    sheet, compare, merged, advice, cases
        Each in a tab of the window.
    """

    sheet: SheetView
    compare: CompareView
    merged: MergedView
    advice: AdviceView
    cases: CasesView

    @classmethod
    def add_to(cls, window: MainWindow) -> Gallery:
        """Add all views to a window."""
        jobs, state = window.jobs, window.state
        made = cls(
            SheetView(jobs),
            CompareView(jobs, state),
            MergedView(jobs, state),
            AdviceView(jobs),
            CasesView(jobs),
        )
        for number, (name, title, view) in enumerate(made._titled(), start=2):
            window.add_view(name, title, view, f"Ctrl+{number}")
        made._connect(window)
        return made

    def _titled(
        self,
    ) -> tuple[
        tuple[str, str, SheetView | CompareView | MergedView | AdviceView | CasesView],
        ...,
    ]:
        return (
            ("sheet", "Contact sheet", self.sheet),
            ("compare", "Resized or tiled", self.compare),
            ("merged", "Merged", self.merged),
            ("advice", "Advice", self.advice),
            ("cases", "Failed cases", self.cases),
        )

    def _connect(self, window: MainWindow) -> None:
        self.sheet.tile_opened.connect(window.go_to_tile)
        self.sheet.error_wanted.connect(self.merged.compute)
        self.merged.merged.connect(self.sheet.show_merged)
        self.advice.taken.connect(window.desk.change)
        window.desk.opened.connect(
            lambda: self.advice.show_items(window.desk.document.items)
        )
        window.desk.cases_given.connect(self.cases.open)
        window.desk.cases_given.connect(lambda _: window.show_view("cases"))
