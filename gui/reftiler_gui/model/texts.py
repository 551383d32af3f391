"""What there is to say of an image and its tiles, in words that need no manual."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reftiler.cli.grid_summary import GridSummary, bytes_words
from reftiler.errors import count
from reftiler_gui.model.anomaly_map import AnomalyMap
from reftiler_gui.model.defects import Defects
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import LoadedImage
from reftiler_gui.model.merged_pictures import MergedPictures, SeamSurvey

MARKED = 200  # defects in view from which those close together share a ring

_NOTHING = (
    "No image is open. Drop images or a folder here, press Ctrl+O, or take a look at "
    "the bundled sample with Ctrl+Shift+D."
)


def times(sizes: Sequence[float]) -> str:
    """Write a height and a width as width × height, whole numbers without decimals."""
    return " × ".join(
        f"{size:.0f}" if size >= 10 or size == int(size) else f"{size:.1f}"
        for size in reversed(sizes)
    )


def story(
    loaded: LoadedImage, defects: Defects, tiling: GridLookup | None, *, overlaps: bool
) -> str:
    """Say in a sentence or two what there is to see of an image, and what to do."""
    assert loaded.image is not None
    size, dtype = times(loaded.image.size), loaded.image.dtype.name
    kind = _kind_words(loaded.image)
    words = [f"{loaded.item.name}, {size} px, {dtype}{kind}."]
    if len(defects):
        words.append(
            f"{count(len(defects), 'defect')} ringed: click a ring to see what "
            "resizing leaves of it, and what a tile keeps."
        )
        if len(defects) > MARKED:
            words.append("Those that lie close together share a ring: zoom in.")
    elif loaded.mask is None:
        words.append("No mask, so no defect is known.")
    else:
        words.append("Nothing is marked in its mask.")
    if tiling is not None and overlaps and not tiling.scattered:
        words.append("Tiles start at solid lines and end at dashed ones.")
    return " ".join(words)


def _kind_words(image: ImagePyramid) -> str:
    """Say what the channels are, and which of them are shown."""
    colors, shown = image.channels - image.has_alpha, image.display.channels
    alpha = " with alpha" if image.has_alpha else ""
    stack = ""
    if image.info.pages > 1:
        last = image.info.pages - 1
        axes = f", axes {image.info.axes}" if image.info.axes else ""
        stack = f", image {image.page} of a stack (0 to {last}{axes})"
    if colors == 1:
        kind = f", grey{alpha}" if alpha else ""
    elif colors == 3 and shown == (0, 1, 2):
        kind = f", RGB{alpha}"
    else:
        how = "as RGB" if len(shown) == 3 else "grey"
        kind = f", {colors:,} channels{alpha}, {' '.join(map(str, shown))} shown {how}"
    return kind + stack


def nothing_words(problems: tuple[str, ...]) -> str:
    """Say that no image is open: why, and what to do."""
    return "\n".join([*problems, _NOTHING])


def facts_words(known: GridSummary, settings: FormSettings) -> list[tuple[str, str]]:
    """Return the numbers of a tiling by what they are, in words."""
    grid = known.grid
    tiles = f"{len(grid):,}"
    if not grid.is_irregular and len(grid) > 1:
        tiles += f"  ({times(grid.shape)})"
    rows = [("Tiles", tiles)]
    if settings.random is None:
        rows.append(("Overlap", f"{times(grid.tiler.overlap)} px"))
        rows.append(("Padding", _padding(known)))
    each = f"{known.least}"
    if known.least != known.most:
        mean = known.coverage["mean"]
        each = f"{known.least} to {known.most}, {mean:.2f} on average"
    rows.append(("Tiles per pixel", each))
    rows.append(("All tiles take", bytes_words(known.bytes)))
    return rows


def uncovered_words(known: GridSummary, settings: FormSettings) -> str:
    """Say how many pixels are in no tile, and what helps; nothing if all are."""
    if not known.uncovered:
        return ""
    advice = "padding, clamp or even cover all"
    if settings.random is not None:
        advice = "more tiles cover more"
    pixels = count(known.uncovered, "pixel")
    verb = "is" if known.uncovered == 1 else "are"
    return f"{pixels} ({known.share:.1%}) {verb} in no tile: {advice}."


def merged_words(found: MergedPictures, survey: SeamSurvey | None) -> str:
    """Say what is merged, what was noticed about it, and where tiles disagree most."""
    results, form = found.results, found.results.form
    number = len(found.grid if results.indices is None else results.indices)
    channels = f", {count(form.shape[2], 'channel')}" if len(form.shape) > 2 else ""
    words = f"{results.name}: {count(number, 'result')} of {times(form.shape[:2])} px"
    words += f"{channels}, {form.dtype.name}"
    if math.isfinite(results.low):
        words += f", {results.low:.4g} to {results.high:.4g} so far"
    if results.nan:
        words += f", {count(results.nan, 'value')} NaN"
    sentences = [f"{words}."]
    if found.is_map and results.kind == "map":
        low, high = found.range
        sentences.append(f"Colours from {low:.4g} to {high:.4g}.")
    sentences += [f"{note[0].upper()}{note[1:]}." for note in results.notes]
    if found.array.plan.num_uncovered:
        bare = count(found.array.plan.num_uncovered, "pixel")
        sentences.append(f"{bare} in no tile are shown as {found.array.plan.fill}.")
    if found.seam_limit:
        sentences.append(f"Seams have their full colour at {found.seam_limit:.4g}.")
    if survey and survey.worst:
        place = "row {}, column {}".format(*survey.worst)
        sentences.append(f"Tiles disagree most at {place}: by {survey.largest:.4g}.")
    elif survey and survey.overlap:
        sentences.append("Tiles agree in every pixel that they share.")
    elif survey:
        words = "No two tiles share a pixel: with an overlap they can be compared."
        sentences.append(words)
    return " ".join(sentences)


def place_words(
    loaded: LoadedImage,
    tiling: GridLookup | None,
    row: float,
    col: float,
    found: AnomalyMap | None = None,
) -> str:
    """Say what is at a place: the pixel, its value, that of its map, its tiles."""
    down, across = math.floor(row), math.floor(col)
    words = [f"row {down}, column {across}"]
    value = loaded.image.value(down, across) if loaded.image else None
    if value is None:
        words.append("outside the image")
    else:
        words.append(f"value {' '.join(f'{part:.6g}' for part in value)}")
        if loaded.mask is not None and loaded.mask.array[down, across]:
            label = loaded.mask.label_at(down, across)
            words.append("marked" if label is None else f"label {label}")
        mapped = found.value(down, across) if found else None
        if mapped is not None:
            words.append(f"map {mapped:.6g}")
    if tiling is not None:
        tile, others = tiling.nearest(row, col), len(tiling.at(row, col)) - 1
        where = "in no tile" if tile is None else f"tile {tile}"
        if tile is not None and not tiling.scattered:
            where += " (row {}, column {})".format(*divmod(tile, tiling.shape[1]))
        words.append(f"{where} and {others} more" if others > 0 else where)
        if value is not None:
            words.append(f"merged from {count(tiling.cover(down, across), 'tile')}")
    return "   ·   ".join(words)


def _padding(known: GridSummary) -> str:
    """Say what is added at each side; all four of them take two lines."""
    names = ("above", "below"), ("left", "right")
    axes = [
        [f"{px} px {side}" for px, side in zip(pair, sides, strict=True) if px]
        for pair, sides in zip(known.grid.padding, names, strict=True)
    ]
    between = ",\n" if max(map(len, axes)) > 1 else ", "
    return between.join(", ".join(axis) for axis in axes if axis) or "none"
