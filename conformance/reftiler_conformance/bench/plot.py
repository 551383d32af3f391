"""The figures: every library by the limit, and how cost grows."""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reftiler_conformance.bench.caveats import LESS_WORK
from reftiler_conformance.bench.results import LIMIT, OUT, VERBS, Outcome
from reftiler_conformance.bench.scaling import SweepResult

_COLOURS = {
    LIMIT: "#9a9a9a",
    "reftiler": "#1b6ca8",
    "reftiler.torch": "#d1495b",
    "reftiler.anomalib": "#8d5a97",
    "anomalib": "#e9a03b",
    "kornia": "#2a9d8f",
    "tiler": "#333333",
    "monai": "#7a9a3a",
    "torch.fold": "#a9714b",
    "patchify": "#d48fb5",
    "pytorch-toolbelt": "#5ab4cf",
}
_OTHER = "#000000"


def ratios(outcomes: Sequence[Outcome]) -> bytes:
    """Draw every library's time by the limit, a panel for each verb, as PNG."""
    figure = Figure(figsize=(11, 1.6 + 0.55 * len(outcomes)), layout="constrained")
    panels = figure.subplots(1, len(VERBS), sharey=True, squeeze=False)[0]
    names = dict.fromkeys(name for one in outcomes for _, name, _ in one.calls())
    for axes, verb in zip(panels, VERBS, strict=True):
        for name in (n for n in names if n != LIMIT):
            _points(axes, outcomes, verb, name)
        axes.axvline(1, color=_COLOURS[LIMIT], linewidth=1)
        axes.set_xscale("log")
        axes.set_title(verb)
        axes.set_xlabel("times the limit (cross: other work)")
        axes.grid(axis="x", alpha=0.3)
    panels[0].set_yticks(range(len(outcomes)), [o.work.title for o in outcomes])
    panels[0].invert_yaxis()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, fontsize=8)
    return _png(figure)


def _points(axes: Axes, outcomes: Sequence[Outcome], verb: str, name: str) -> None:
    """Draw one library: a cross where the work is another, a ring for ``out=``."""
    colour = _COLOURS.get(name.removesuffix(OUT), _OTHER)
    inside = "none" if name.endswith(OUT) else colour
    full: list[tuple[float, int]] = []
    less: list[tuple[float, int]] = []
    for row, outcome in enumerate(outcomes):
        timing = outcome.timings[verb].get(name)
        if timing is not None and timing.seconds:
            point = outcome.ratio(verb, name, LIMIT), row
            (less if timing.caveats & LESS_WORK else full).append(point)
    full_x, full_y = np.reshape(full, (-1, 2)).T
    less_x, less_y = np.reshape(less, (-1, 2)).T
    axes.scatter(full_x, full_y, c=inside, edgecolors=colour, label=name)
    axes.scatter(less_x, less_y, marker="x", c=colour)


def scaling(found: Sequence[SweepResult]) -> bytes:
    """Draw cost against what grows, a panel for each sweep and verb, as PNG."""
    figure = Figure(figsize=(3.4 * len(found), 6), layout="constrained")
    panels = figure.subplots(len(VERBS), len(found), squeeze=False)
    for row, verb in zip(panels, VERBS, strict=True):
        for axes, one in zip(row, found, strict=True):
            _lines(axes, one, verb)
            axes.set_title(f"{verb}: {one.sweep.name}", fontsize=10)
            axes.set_xlabel(one.sweep.axis, fontsize=8)
            axes.set_ylabel(f"{one.sweep.unit} per {one.sweep.per}", fontsize=8)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, fontsize=8)
    return _png(figure)


def _lines(axes: Axes, one: SweepResult, verb: str) -> None:
    for name in one.outcomes[0].timings[verb]:
        costs = one.costs(verb, name)
        if not costs:
            continue
        colour = _COLOURS.get(name.removesuffix(OUT), _OTHER)
        dash = "--" if name.endswith(OUT) else "-"
        axes.plot(*zip(*costs, strict=True), dash, marker=".", color=colour, label=name)
    if one.sweep.name != "overlap":  # overlaps begin at 0
        axes.set_xscale("log", base=2)
    axes.set_xticks(one.sweep.at, [f"{at:g}" for at in one.sweep.at], fontsize=7)
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=120)
    return file.getvalue()
