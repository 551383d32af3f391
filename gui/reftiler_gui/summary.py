"""The numbers of the tiles, in words, and what is wrong with them."""

from __future__ import annotations

from PySide6.QtWidgets import QFormLayout, QGroupBox

from reftiler.cli.grid_summary import GridSummary
from reftiler_gui.labels import WrapLabel
from reftiler_gui.layouts import vbox
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.texts import facts_words, uncovered_words

__all__ = ["Summary"]


class Summary(QGroupBox):
    """What there is to say of the tiles."""

    def __init__(self) -> None:
        super().__init__("This tiling")
        self.setAccessibleName("Numbers of this tiling")
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(10)
        self._form.setVerticalSpacing(3)
        self._values: dict[str, WrapLabel] = {}
        self.warning = WrapLabel()
        self.warning.setObjectName("warning")
        self.warning.hide()
        self.setLayout(vbox(self._form, self.warning, margin=(0, 4, 0, 2)))
        self.hide()  # there is nothing to say yet

    def show_facts(
        self,
        known: GridSummary | None,
        settings: FormSettings,
        *,
        refused: bool = False,
    ) -> None:
        """Show the numbers; where the settings are refused, those of the last."""
        self.setTitle("The last tiling that fits" if refused else "This tiling")
        rows = dict(facts_words(known, settings)) if known else {}
        self.setVisible(bool(rows))
        for name, value in rows.items():
            self._value(name).say(value)
        for name, label in self._values.items():
            self._form.setRowVisible(label, name in rows)
        words = uncovered_words(known, settings) if known else ""
        self.warning.setVisible(bool(words))
        self.warning.say(f"⚠ {words}")

    def text(self) -> str:
        """Return everything as it is read."""
        rows = (
            f"{name}: {label.text()}"
            for name, label in self._values.items()
            if self._form.isRowVisible(label)
        )
        warning = [self.warning.text()] if self.warning.isVisibleTo(self) else []
        return "\n".join([*rows, *warning])

    def _value(self, name: str) -> WrapLabel:
        if name not in self._values:
            label = self._values[name] = WrapLabel()
            label.setAccessibleName(name)
            self._form.addRow(name, label)
        return self._values[name]
