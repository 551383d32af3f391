"""The panel of the anomaly map: colours, threshold, and how well it finds defects."""

import math

import numpy as np
from PySide6.QtCore import QPointF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from reftiler.errors import count
from reftiler.regions import Region
from reftiler.validation import first_few
from reftiler_gui.display_panel import decimals_of, outline_of
from reftiler_gui.layouts import as_widget, hbox, vbox
from reftiler_gui.map_model import MapModel
from reftiler_gui.model.anomaly_map import COLORMAPS
from reftiler_gui.model.colors import COLORS
from reftiler_gui.model.map_scores import LIMITS, ImageScores
from reftiler_gui.model.texts import times
from reftiler_gui.widgets import (
    RealField,
    WrapLabel,
    button,
    filter_shortcuts,
    prepare_field,
    slider,
)

_STEPS = 1000  # of the slider
_RANGES = ("All images", "This image")
_ROWS = (
    "Defects hit",
    "Good pixels found",
    "Good images found",
    "Score, AUROC",
    "Pixel AUROC",
    *(f"AUPRO to {limit:.0%}" for limit in LIMITS),
)
_TIPS = (
    "Defects with a pixel at or above the threshold",
    "Good pixels at or above the threshold: the false positive rate",
    "Images without a defect whose map reaches the threshold",
    "An image's score is the largest value of its map; AUROC is over images",
    "Area under the ROC curve of all pixels",
    *("Area under the per-region overlap, to this share of good pixels found",) * 2,
)


class ThresholdHistogram(QWidget):
    """The values of good and of defective pixels, and the threshold as a line."""

    dragged = Signal(float)  # the threshold, while the line is moved

    def __init__(self) -> None:
        super().__init__()
        self._scores: ImageScores | None = None
        self._range, self._threshold = (0.0, 1.0), math.nan
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Values of good and defective pixels")
        self.setToolTip(
            "Values of good pixels (blue) and defective ones (orange), each to its own "
            "height, logarithmic; drag the line: what is right of it is found"
        )

    def show_scores(
        self, scores: ImageScores | None, span: tuple[float, float], threshold: float
    ) -> None:
        self._scores, self._range, self._threshold = scores, span, threshold
        self.update()

    def x_of(self, value: float) -> float:
        low, high = self._range
        return (value - low) / (high - low) * self.width() if high > low else 0.0

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        low, high = self._range
        if event.buttons() & Qt.MouseButton.LeftButton and high > low:
            share = min(max(event.position().x() / max(1, self.width()), 0.0), 1.0)
            self.dragged.emit(low + share * (high - low))

    def sizeHint(self) -> QSize:
        return QSize(200, 84)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), self.palette().base())
            low, high = self._range
            if self._scores is None or not 0 < high - low < math.inf:
                return
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            edges = np.linspace(*self._scores.span, len(self._scores.good) + 1)
            places = [self.x_of(edge) for edge in edges.tolist()]
            for counts, name in (
                (self._scores.good, "sky"),
                (self._scores.defective, "orange"),
            ):
                painter.setPen(QPen(QColor(*COLORS[name]), 1))
                painter.setBrush(QColor(*COLORS[name], 150))
                painter.drawPolygon(outline_of(counts, places, self.height()))
            x = self.x_of(self._threshold)
            for ink, width in ((self.palette().base(), 4), (self.palette().text(), 2)):
                painter.setPen(QPen(ink.color(), width))
                painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))


class MapPanel(QWidget):
    """What is set and known of the map of the image that is shown."""

    def __init__(self, model: MapModel, open_map: QAction, open_maps: QAction) -> None:
        super().__init__()
        self._model = model
        self._region: Region | None = None
        self.note = WrapLabel()
        self.which, self.colormap, self.span = (QComboBox() for _ in range(3))
        self.opacity = slider("Opacity of the map", 0, 100)
        self.histogram = ThresholdHistogram()
        self.slider = slider("Threshold, as a slider", 0, _STEPS)
        self.threshold = RealField(minimum=-1e300, maximum=1e300)
        self.catch = button(
            "Catch this defect",
            self._catch,
            "The largest threshold at which the chosen defect is hit",
        )
        self.score_all = button(
            "Score all images", model.score_set, "In the background; Esc cancels"
        )
        self.cells = [[QLabel(), QLabel()] for _ in _ROWS]
        self.left_out = WrapLabel()
        self._lay_out(open_map, open_maps)
        self.which.activated.connect(model.choose)
        self.colormap.textActivated.connect(lambda name: model.change(colormap=name))
        self.opacity.valueChanged.connect(lambda part: model.change(opacity=part / 100))
        self.span.activated.connect(lambda place: model.set_whole_set(place == 0))
        self.slider.valueChanged.connect(self._on_slider)
        for signal in (self.threshold.valueChanged, self.histogram.dragged):
            signal.connect(lambda value: model.change(threshold=value))
        model.changed.connect(self._show)
        model.scored.connect(self._show_scores)

    def show_defect(self, region: Region | None) -> None:
        self._region = region
        self._show_scores()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show()

    def _on_slider(self, place: int) -> None:
        low, high = self._model.range
        self._model.change(threshold=low + (high - low) * place / _STEPS)

    @property
    def _peak(self) -> float | None:
        """The largest threshold at which the defect is hit."""
        peak = self._model.peak(self._region.box) if self._region else None
        return None if peak is None or math.isnan(peak) else peak

    def _catch(self) -> None:
        if self._peak is not None:
            self._model.change(threshold=self._peak)

    def _show(self) -> None:
        model, found = self._model, self._model.map
        if not self.isVisible():
            return
        self.note.say(self._describe())
        self.buttons.setVisible(found is None)
        self.controls.setVisible(found is not None)
        settings, (low, high) = model.settings, model.range
        blocked = (self.which, self.colormap, self.opacity, self.slider, self.threshold)
        blockers = [QSignalBlocker(widget) for widget in blocked]
        self.which.clear()
        self.which.addItems(model.names)
        self.which.setCurrentIndex(min(model.number, self.which.count() - 1))
        self.which.setVisible(self.which.count() > 1)
        self.colormap.setCurrentText(settings.colormap)
        self.opacity.setValue(round(100 * settings.opacity))
        self.span.setCurrentIndex(0 if model.whole_set else 1)
        value, real = settings.threshold, 0 < high - low < math.inf
        for widget in (self.slider, self.threshold, self.histogram):
            widget.setEnabled(real)
        if value is not None and real:
            self.threshold.setDecimals(decimals_of(high - low, 5))
            self.threshold.setSingleStep((high - low) / 100)
            self.threshold.setValue(value)
            share = min(max((value - low) / (high - low), 0.0), 1.0)
            self.slider.setValue(round(share * _STEPS))
        del blockers
        self._show_scores()

    def _describe(self) -> str:
        model, found = self._model, self._model.map
        if found is None:
            if model.problem:
                return f"{model.problem}."
            others = f" {count(model.mapped, 'image')} of the set have one."
            return f"This image has no anomaly map.{others if model.mapped else ''}"
        notes = [f"{found.name}: {times(found.shape)} px, {found.array.dtype}"]
        if found.shape != found.size:
            height, width = map(float, found.scale)
            each = f"{width:.4g} × {height:.4g}"
            notes.append(f"each of its pixels covers {each} of the image's")
        return f"{'; '.join([*notes, *found.notes])}."

    def _show_scores(self) -> None:
        if not self.isVisible():
            return
        model, threshold = self._model, self._model.settings.threshold
        scores, of_set = model.scores, model.set_scores
        if model.map is None or threshold is None:
            threshold = math.nan
        self.histogram.show_scores(scores, model.range, threshold)
        self.catch.setEnabled(self._peak is not None)
        mine, whole = [""] * len(_ROWS), [""] * len(_ROWS)
        if scores is not None:
            hits = scores.defects.hits(threshold)
            mine[0] = f"{int(hits.sum())} of {hits.size}"
            if model.found is not None and scores.pixels:
                mine[1] = f"{model.found[0] / scores.pixels:.3%}"
            mine[3:] = [f"{scores.score:.5g}", *map(_area, scores.areas)]
        elif model.map is not None and model.found is not None:
            mine[1] = f"{model.found[0] / math.prod(model.map.size):.3%}"
        if of_set is not None:
            hit, defects = of_set.hits(threshold)
            whole[0] = f"{hit} of {defects}"
            whole[2] = f"{of_set.false_alarms(threshold)} of {len(of_set.good)}"
            whole[3:] = map(_area, of_set.areas)
        for cells, row in zip(self.cells, zip(mine, whole, strict=True), strict=True):
            for cell, text in zip(cells, row, strict=True):
                cell.setText(text)
        pixels = f"{model.found[0]:,} pixels" if model.found else ""
        self.cells[1][0].setToolTip(pixels)
        self.left_out.say(self._left_out())

    def _left_out(self) -> str:
        found = self._model.set_scores
        if found is None:
            return ""
        parts = [f"{count(len(found.good) + len(found.defective), 'image')} scored."]
        if found.left_out:
            first = next(iter(found.left_out.values()))
            parts.append(
                f"Left out: {count(len(found.left_out), 'image')}, "
                f"{first_few(list(found.left_out))} ({first})."
            )
        if found.ranking.left_out:
            parts.append(f"{count(found.ranking.left_out, 'NaN pixel')} left out.")
        return " ".join(parts)

    def _lay_out(self, open_map: QAction, open_maps: QAction) -> None:
        self.colormap.addItems(list(COLORMAPS))
        self.span.addItems(_RANGES)
        self.threshold.setKeyboardTracking(False)
        span = "Whose smallest and largest values the colours span"
        for widget, name, tip in (
            (self.which, "Map", ""),
            (self.colormap, "Colour map", ""),
            (self.span, "Range of the colours", span),
            (self.opacity, self.opacity.accessibleName(), ""),
            (self.slider, self.slider.accessibleName(), ""),
            (self.threshold, "Threshold", ""),
        ):
            prepare_field(widget, name, tip)
        filter_shortcuts(
            self.slider, self.opacity, self.which, self.colormap, self.span
        )
        buttons = QToolButton(), QToolButton()
        for one, action in zip(buttons, (open_map, open_maps), strict=True):
            one.setDefaultAction(action)
            one.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.buttons = as_widget(hbox(*buttons, margin=0))
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("Colours", self.colormap)
        form.addRow("Opacity", self.opacity)
        form.addRow("Range of", self.span)
        # the field's own hint has room for 300 digits
        form.addRow("Threshold", hbox(self.threshold))
        last = hbox(self.catch, self.score_all)
        parts = form, self.histogram, self.slider, last, self._table(), self.left_out
        self.controls = as_widget(vbox(*parts, margin=0))
        whole = self.which, self.note, self.buttons, self.controls, (None, 1)
        self.setLayout(vbox(*whole, margin=(10, 6, 10, 8)))

    def _table(self) -> QGridLayout:
        table = QGridLayout()
        table.setColumnStretch(0, 1)
        for column, title in ((1, "This image"), (2, "All images")):
            head = QLabel(title)
            head.setAlignment(Qt.AlignmentFlag.AlignRight)
            table.addWidget(head, 0, column)
        names = zip(_ROWS, _TIPS, self.cells, strict=True)
        for place, (name, tip, cells) in enumerate(names, start=1):
            label = QLabel(name)
            label.setToolTip(tip)
            table.addWidget(label, place, 0)
            for column, cell in enumerate(cells, start=1):
                cell.setAccessibleName(f"{name}, {_RANGES[2 - column].lower()}")
                cell.setAlignment(Qt.AlignmentFlag.AlignRight)
                wide = cell.fontMetrics().horizontalAdvance("999 of 9,999")
                cell.setMinimumWidth(wide)
                cell.setTextInteractionFlags(
                    Qt.TextInteractionFlag.TextSelectableByMouse
                )
                table.addWidget(cell, place, column)
        return table


def _area(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"
