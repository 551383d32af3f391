"""A report as one page of HTML: no scripts, nothing to fetch, fit to be printed."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from reftiler import SPEC_VERSION, __version__
from reftiler_gui.model.defect_metrics import DefectMetrics
from reftiler_gui.model.render import data_uri
from reftiler_gui.model.report import Report
from reftiler_gui.model.report_figures import Figure, Ring
from reftiler_gui.model.texts import count, times

__all__ = ["page"]

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1d2125; --faint: #61676d;
  --line: #d8dcdf; --block: #f4f5f6; --accent: #0072b2; --warn: #a84300; }
@media (prefers-color-scheme: dark) { :root { --paper: #1b1e21; --ink: #e8eaec;
  --faint: #a0a6ac; --line: #3a4046; --block: #25292d; --accent: #56b4e9;
  --warn: #f0a25e; } }
@media print { :root { --paper: #fff; --ink: #000; --faint: #444; --line: #bbb;
  --block: #f6f6f6; --accent: #00527f; --warn: #8a3700; } body { font-size: 10pt; }
  main { padding: 0; } figure, tr, pre, .pair { break-inside: avoid; }
  h2 { break-after: avoid; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.5rem 3rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .8rem; padding-bottom: .3rem;
  border-bottom: 1px solid var(--line); }
h3 { font-size: .95rem; margin: 1.1rem 0 .3rem; }
.under { color: var(--faint); margin: .3rem 0 0; }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr));
  gap: .8rem 1.5rem; margin: 0; }
.numbers dt { color: var(--faint); font-size: .85rem; }
.numbers dd { margin: 0; font-size: 1.1rem; font-variant-numeric: tabular-nums; }
.warn { color: var(--warn); font-weight: 600; }
figure { margin: 0; } figcaption { color: var(--faint); font-size: .88rem;
  margin-top: .4rem; }
svg { display: block; width: 100%; height: auto; overflow: visible;
  outline: 1px solid var(--line); }
.sharp image { image-rendering: pixelated; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem;
  margin: 0 0 1.8rem; }
.pair p { grid-column: 1 / -1; margin: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem;
  font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .35rem .6rem; border-bottom: 1px solid
  var(--line); white-space: nowrap; }
th { color: var(--faint); font-weight: 600; vertical-align: bottom;
  white-space: normal; }
pre { margin: 0; padding: .7rem .9rem; background: var(--block); border: 1px solid
  var(--line); border-radius: 6px; overflow-x: auto; font: .86rem/1.45 ui-monospace,
  "SF Mono", Consolas, "DejaVu Sans Mono", monospace; white-space: pre-wrap; }
footer { margin-top: 2.5rem; color: var(--faint); font-size: .85rem; }
""".strip()


def page(report: Report) -> str:
    """Write a report as a page that needs no other file."""
    parts = [
        f"<h1>{escape(report.title)}</h1>",
        f'<p class="under">{escape(report.image)}</p>',
        "<h2>This tiling</h2>",
        _numbers(report),
        "<h2>The grid</h2>",
        _figure(report.grid),
        *_defects(report),
        *_merged(report),
        "<h2>The settings</h2>",
        *(f"<h3>{escape(k)}</h3><pre>{escape(v)}</pre>" for k, v in report.spelled),
    ]
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(report.title)}: how it is tiled</title>\n"
        f"<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<main>\n{body}\n"
        f"<footer>Written by reftiler {escape(__version__)}, specification "
        f"{escape(SPEC_VERSION)}.</footer>\n</main>\n</body>\n</html>\n"
    )


def _numbers(report: Report) -> str:
    rows = (
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in report.figures
    )
    warning = f'<p class="warn">⚠ {escape(report.warning)}</p>' * bool(report.warning)
    return f'<dl class="numbers">{"".join(rows)}</dl>{warning}'


def _defects(report: Report) -> Iterable[str]:
    yield "<h2>The defects</h2>"
    if not report.seen:
        yield "<p>No defect is marked in this image.</p>"
        return
    target = times(report.seen[0].target)
    told = len(report.seen)
    few = "" if told == report.defects else f" The first {told:,} of them are listed."
    yield (
        f"<p>{count(report.defects, 'defect')}. What resizing the whole image to one "
        f"tile, {target} px, leaves of each, and what the tile keeps that holds "
        f"most of it.{few}</p>"
    )
    for words, left, right in report.compared:
        yield _pair(words, left, right)
    yield _table(report.seen)


def _table(seen: Iterable[DefectMetrics]) -> str:
    heads = (
        *("", "Row, column", "Size", "Pixels", "Size resized", "Contrast left"),
        *("In tiles", "Best tile", "Of it there", "Contrast there"),
    )
    head = "".join(f"<th>{escape(words)}</th>" for words in heads)
    rows = (
        "<tr>" + "".join(f"<td>{escape(words)}</td>" for words in (str(n), *_row(one)))
        for n, one in enumerate(seen, start=1)
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>'
        f"{'</tr>'.join(rows)}</tr></tbody></table></div>"
    )


def _row(seen: DefectMetrics) -> tuple[str, ...]:
    (top, _), (left, _) = seen.region.box
    found = (
        f"{top}, {left}",
        f"{times(seen.region.size)} px",
        f"{seen.region.area:,}",
        f"{times(seen.resized.size)} px",
        f"{seen.resized.contrast:.0%}",
        f"{len(seen.tiles):,}",
    )
    if seen.best is None:
        return (*found, "none", "", "")
    share = "all" if seen.whole else f"{seen.tiled.area / seen.region.area:.0%}"
    return (*found, f"{seen.best}", share, f"{seen.tiled.contrast:.0%}")


def _merged(report: Report) -> Iterable[str]:
    if report.merged is not None:
        yield "<h2>Merged again</h2>"
        yield _pair(*report.merged)


def _pair(words: str, left: Figure, right: Figure) -> str:
    return (
        f'<div class="pair"><p>{escape(words)}</p>{_figure(left)}{_figure(right)}</div>'
    )


def _figure(figure: Figure) -> str:
    height, width = figure.pixels.shape[:2]
    sharp = ' class="sharp"' if figure.sharp else ""
    # A ring is as wide on the page however large the picture's pixels are.
    line = max(width, height) / (160 if figure.sharp else 520)
    return (
        f"<figure><svg{sharp} viewBox='0 0 {width} {height}' role='img' "
        f"aria-label='{escape(figure.words)}'>"
        f"<image width='{width}' height='{height}' href='{data_uri(figure.pixels)}'/>"
        f"{''.join(_ring(ring, line) for ring in figure.rings)}</svg>"
        f"<figcaption>{escape(figure.words)}</figcaption></figure>"
    )


def _ring(ring: Ring, line: float) -> str:
    x, y, radius, words = ring
    circle = f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{radius:.1f}' fill='none' "
    text = ""
    if words:
        text = (
            f"<text x='{x + radius + 2 * line:.1f}' y='{y + 3 * line:.1f}' "
            f"font-size='{10 * line:.1f}' font-family='sans-serif' font-weight='700' "
            f"fill='#fff' stroke='#14181c' stroke-width='{1.5 * line:.2f}' "
            f"paint-order='stroke'>{escape(words)}</text>"
        )
    return (
        f"{circle}stroke='#14181c' stroke-width='{2 * line:.2f}'/>"
        f"{circle}stroke='#e69f00' stroke-width='{line:.2f}'/>{text}"
    )
