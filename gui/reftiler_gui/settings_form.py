"""The form: how the image is tiled, and the numbers of the tiles."""

import math
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QFormLayout, QGroupBox, QWidget

from reftiler.axis import MODES, PAD_SIDES
from reftiler.cli.grid_summary import GridSummary
from reftiler.padding import PAD_MODES
from reftiler.settings import MERGES, NANS, WEIGHTED_MERGES
from reftiler.validation import Real
from reftiler.windows import NAMES
from reftiler_gui.layouts import as_widget, hbox, vbox
from reftiler_gui.model.form_settings import FormSettings, ValidationError
from reftiler_gui.model.texts import facts_words, uncovered_words
from reftiler_gui.widgets import (
    ComboField,
    RealField,
    SizeField,
    ValidatedField,
    WrapLabel,
    button,
    named,
    number_field,
    real_field,
)

_STEPS = (
    ("stride", "From the start of a tile to that of the next"),
    ("overlap", "Pixels that neighbouring tiles share"),
)
_MEANINGS = {
    "padding": "The image is extended until tiles fit",
    "interpolation": "The image is stretched a little until tiles fit",
    "clamp": "The last tile slides inward: no padding",
    "even": "Tiles are spread evenly: no padding",
    "drop": "The last pixels belong to no tile",
    "constant": "One value, that beside it",
    "edge": "The last pixel, again and again",
    "reflect": "Mirrored, the last pixel once",
    "symmetric": "Mirrored, the last pixel twice",
    "wrap": "The other side of the image",
    "end": "Below and right",
    "both": "On all sides",
    "box": "All pixels of a tile count alike",
    "triangle": "Pixels count less towards the rim",
    "hann": "Pixels hardly count at the rim",
    "gaussian": "Only the middle of a tile counts much",
    "mean": "The weighted mean of the tiles",
    "max": "The largest value",
    "min": "The smallest value",
    "first": "The value of the first tile",
    "last": "The value of the last tile",
    "center": "The value of the tile whose centre is nearest",
    "vote": "Class labels: the one that most tiles hold",
    "propagate": "The mean is NaN where a tile is",
    "omit": "The mean of the tiles that are numbers",
}
_ALIKE = (
    *("tile", "step", "align", "border"),
    *("mode", "pad_mode", "pad_side", "nan"),
)
"""Fields of the form that show a setting of the same name as it is."""
_SEVERAL = 16  # random tiles, until somebody says how many


class SettingsForm(QWidget):
    """The settings of the tiler; every change is emitted at once."""

    changed = Signal(object)  # the new FormSettings

    def __init__(self) -> None:
        super().__init__()
        self._settings = FormSettings()
        self.tile = SizeField("Tile size", 1)
        self.how = ComboField("Stride or overlap", _STEPS)
        self.step = SizeField("Stride or overlap in pixels")
        self.mode = _explained("Fit: where tiles do not fit", MODES)
        self.pad_mode = _explained("Padding: what it shows", PAD_MODES)
        self.pad_value = real_field("Pad value")
        self.pad_side = _explained("Pad side", PAD_SIDES)
        self.align = SizeField("Align: starts are multiples of this", 1, 1)
        self.border = SizeField("Border removed", 0, 4)
        self.window_ = _explained("Window", NAMES)
        self.merge = _explained("Merge", MERGES)
        self.nan = _explained("NaN in tiles", NANS)
        self.filled = named(QCheckBox(), "Fill pixels of no tile")
        self.fill = real_field("Value of pixels of no tile")
        scatter = "Random tiles instead of a grid"
        self.scatter = named(QCheckBox(scatter), scatter)
        self.random = number_field("Number of random tiles", 1)
        self.seed = number_field("Seed")
        self.dice = button("Next seed", self.roll, "Other random tiles")
        self.refusables: dict[str, ValidatedField] = {}
        self._labels: list[QWidget] = []
        self._fields: dict[str, SizeField | ComboField] = {
            name: getattr(self, name) for name in _ALIKE
        }
        self.random.setValue(_SEVERAL)
        self._lay_out()
        self._listen()
        self.show_settings(self._settings)

    def _lay_out(self) -> None:
        tiles = self._group(
            "Tiles",
            ("Tile size", "tile", self.tile),
            ("Stride/overlap", "", self.how),
            ("", "step", self.step),
            ("Align", "align", self.align),
            ("Fit", "mode", self.mode),
            ("Padding", "pad_mode", self.pad_mode),
            ("Pad value", "pad_value", self.pad_value),
            ("Pad side", "pad_side", self.pad_side),
        )
        merging = self._group(
            "Merging",
            ("Border removed", "border", self.border),
            ("Window", "window", self.window_),
            ("Merge", "merge", self.merge),
            ("NaN", "nan", self.nan),
            ("Fill", "fill", as_widget(hbox(self.filled, (self.fill, 1), margin=0))),
        )
        random = self._group(
            "Random tiles",
            ("", "", self.scatter),
            ("Number", "random", self.random),
            ("Seed", "seed", as_widget(hbox((self.seed, 1), self.dice, margin=0))),
        )
        self.setLayout(vbox(tiles, merging, random, margin=0))
        widest = max(label.sizeHint().width() for label in self._labels)
        for label in self._labels:
            label.setMinimumWidth(widest)  # the fields of all groups begin alike

    def _group(self, title: str, *rows: tuple[str, str, QWidget]) -> QGroupBox:
        group = QGroupBox(title)
        form = QFormLayout(group)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setContentsMargins(0, 4, 0, 2)
        form.setHorizontalSpacing(8)
        form.setVerticalSpacing(5)
        for label, key, field in rows:
            shown = field
            if key:
                shown = self.refusables[key] = ValidatedField(field)
            if label:
                form.addRow(label, shown)
                self._labels.append(form.labelForField(shown))
            elif field is self.scatter:
                form.addRow(shown)
            else:
                form.addRow("", shown)
        return group

    def _listen(self) -> None:
        for field in (*self._fields.values(), self.window_, self.merge):
            if isinstance(field, SizeField):
                field.changed.connect(self._on_change)
            else:
                field.currentIndexChanged.connect(self._on_change)
        for number in (self.random, self.seed, self.pad_value, self.fill):
            number.valueChanged.connect(self._on_change)
        self.filled.toggled.connect(self._on_change)
        self.how.currentIndexChanged.connect(self._on_how)
        self.scatter.toggled.connect(self._on_change)

    def roll(self) -> None:
        self.seed.setValue(self.seed.value() + 1)

    def show_settings(self, settings: FormSettings) -> None:
        """Show other settings, without a signal."""
        self._settings = settings
        numbers = self.pad_value, self.fill, self.random, self.seed
        quiet = self, *numbers, self.scatter, self.filled
        blockers = [QSignalBlocker(part) for part in quiet]
        for name, field in self._fields.items():
            field.set_value(getattr(settings, name))
        self.how.set_value("overlap" if settings.overlapping else "stride")
        is_named = isinstance(settings.window, str)
        self.window_.set_value(str(settings.window) if is_named else "custom")
        self.merge.set_value(settings.merge or "mean")
        _show_real(self.pad_value, settings.pad_value)
        self.filled.setChecked(settings.fill is not None)
        _show_real(self.fill, settings.fill or 0)
        self.random.setValue(settings.random or self.random.value())
        self.seed.setValue(min(settings.seed, 10**9))
        self.scatter.setChecked(settings.random is not None)
        del blockers
        self._enable()

    def show_refusal(self, refusal: ValidationError | None) -> None:
        where = refusal.field if refusal else ""
        if where not in self.refusables:
            where = "tile" if refusal else ""
        for key, place in self.refusables.items():
            place.refuse(refusal.words if refusal and key == where else "")

    def _on_how(self) -> None:
        step = zip(self.tile.value, self.step.value, strict=True)
        height, width = (max(0, tile - part) for tile, part in step)
        self.step.set_value((height, width))
        self._on_change()

    def _on_change(self) -> None:
        settings = self._read()
        self._enable()
        if settings != self._settings:
            self._settings = settings
            self.changed.emit(settings)

    def _read(self) -> FormSettings:
        old, merge = self._settings, self.merge.value
        fill = _read_real(self.fill, old.fill or 0)
        values: dict[str, Any] = {n: one.value for n, one in self._fields.items()}
        window = self.window_.value
        return replace(
            old,
            **values,
            overlapping=self.how.value == "overlap",
            pad_value=_read_real(self.pad_value, old.pad_value),
            fill=fill if self.filled.isChecked() else None,
            window=old.window if window == "custom" else window,
            merge=None if merge == "mean" and old.merge is None else merge,
            random=self.random.value() if self.scatter.isChecked() else None,
            seed=self.seed.value() if self.seed.value() < 10**9 else old.seed,
        )

    def _enable(self) -> None:
        scattered = self.scatter.isChecked()
        padded = self.mode.value == "padding" and not scattered
        for grid in (self.how, self.step, self.mode):
            grid.setEnabled(not scattered)
        for random in (self.random, self.seed, self.dice):
            random.setEnabled(scattered)
        for padding in (self.pad_mode, self.pad_side):
            padding.setEnabled(padded)
        self.pad_value.setEnabled(padded and self.pad_mode.value == "constant")
        self.window_.setEnabled(self.merge.value in WEIGHTED_MERGES)
        self.nan.setEnabled(self.merge.value == "mean" or self.nan.value == "omit")
        self.fill.setEnabled(self.filled.isChecked())


def _show_real(field: RealField, value: Real) -> None:
    """Show a number as far as the field can: it rounds, and has no NaN."""
    number = float(value)
    field.setValue(0 if math.isnan(number) else number)
    field.setProperty("shown", field.value())


def _read_real(field: RealField, old: Real) -> Real:
    """Return the number of a field; the old one if nobody has changed it."""
    number = field.value()
    if number == field.property("shown"):
        return old
    return int(number) if number.is_integer() else number


def _explained(name: str, words: tuple[str, ...]) -> ComboField:
    return ComboField(name, ((word, _MEANINGS.get(word, "")) for word in words))


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
