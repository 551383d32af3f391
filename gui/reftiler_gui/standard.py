"""The window with all views that the program has, and what they say to each other."""

from __future__ import annotations

from pathlib import Path

from reftiler_gui.actions import Entry
from reftiler_gui.advice_view import AdviceView
from reftiler_gui.cases_view import CasesView
from reftiler_gui.compare_view import CompareView
from reftiler_gui.merged_view import MergedView
from reftiler_gui.prefs import Prefs
from reftiler_gui.sheet_view import SheetView
from reftiler_gui.window import MainWindow

__all__ = ["standard_window"]


def standard_window(prefs: Prefs | None = None) -> MainWindow:
    """Return a window with all views."""
    window = MainWindow(prefs)
    desk, jobs, state = window.desk, window.jobs, window.state
    compare = CompareView(jobs, state)
    sheet, merged = SheetView(jobs), MergedView(jobs, state)
    advice, cases = AdviceView(jobs), CasesView(jobs)
    for name, title, view, key in (
        ("compare", "Compare", compare, "Ctrl+2"),
        ("sheet", "Tiles", sheet, "Ctrl+3"),
        ("merged", "Merged", merged, "Ctrl+4"),
        ("advice", "Advice", advice, "Ctrl+5"),
        ("cases", "Cases", cases, "Ctrl+6"),
    ):
        window.add_view(name, title, view, key)

    def go_worst() -> None:
        window.show_view("merged")
        merged.go_worst()

    window.table.add(
        [Entry("worst", "Go", "Worst place of the merged image", ("W",), go_worst)]
    )
    window.fill_menus()

    def take_cases(paths: tuple[Path, ...]) -> None:
        cases.open(paths)
        window.show_view("cases")

    sheet.tile_opened.connect(window.go_to_tile)
    sheet.error_wanted.connect(merged.compute)
    merged.merged.connect(sheet.show_merged)
    advice.taken.connect(desk.change)
    desk.opened.connect(lambda: advice.show_items(desk.document.items))
    desk.cases_given.connect(take_cases)
    return window
