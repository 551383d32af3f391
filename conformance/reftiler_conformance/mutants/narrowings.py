"""The settings beside which alone some mutants are wrong, by name."""

from __future__ import annotations

from collections.abc import Callable

from reftiler_conformance.cases import Case

When = Callable[[Case], bool]


def in_mode(mode: str) -> When:
    """Say of a case whether its tiles are fitted in a mode."""
    return lambda case: case.mode == mode


def of_dtype(dtype: str) -> When:
    """Say of a case whether its pixels are of a dtype."""
    return lambda case: case.dtype == dtype


def is_short(case: Case) -> bool:
    """Say of a case whether its image is shorter than its tiles."""
    return any(n < t for n, t in zip(case.size, case.tile, strict=True))


def has_fill(case: Case) -> bool:
    """Say of a case whether pixels of no tile are filled."""
    return case.fill is not None


def is_scaled(case: Case) -> bool:
    """Say of a case whether the tiles to be merged have another size."""
    return set(case.scales) != {1}


BORDER = ("BORDER-001", "BORDER-002", "BORDER-003", "BORDER-004")

WHERE: dict[str, tuple[When, tuple[str, ...]]] = {
    "in padding": (in_mode("padding"), ()),
    "in interpolation": (in_mode("interpolation"), ()),
    "in clamp": (in_mode("clamp"), ()),
    "in even": (in_mode("even"), ()),
    "in drop": (in_mode("drop"), ()),
    "in wrap": (lambda case: case.pad_mode == "wrap", ()),
    "of scattered tiles": (lambda case: case.starts is not None, ()),
    "of scaled tiles": (is_scaled, ("SCALE-008",)),
    "of volumes": (lambda case: case.rank == 3, ()),
    "of batches": (lambda case: (case.batch or 1) > 1, ("MERGE-022",)),
    "of channels last": (
        lambda case: case.channels_last and (case.channels or 1) > 1,
        ("MERGE-022",),
    ),
    "of uint8": (of_dtype("uint8"), ()),
    "of uint64": (of_dtype("uint64"), ()),
    "of int64": (of_dtype("int64"), ()),
    "of float16": (of_dtype("float16"), ()),
    "from float64 to float16": (
        lambda case: (case.dtype, case.result) == ("float64", "float16"),
        (),
    ),
    "of extremes": (lambda case: case.merge in ("max", "min"), ()),
    "with a window": (lambda case: case.window != "box", ("WINDOW-001",)),
    "beside a border": (lambda case: bool(case.border), BORDER),
}
"""In which cases, and the clauses that may name what is wrong there alone."""

NARROWED = {
    "last_wins": (
        *("in interpolation", "in clamp", "in even", "in drop", "of scattered tiles"),
        *("of volumes", "of batches", "of channels last", "with a window"),
        *("beside a border", "of uint8", "of uint64", "of int64", "of float16"),
    ),
    "epsilon": ("in interpolation", "in clamp", "of scattered tiles"),
    "window_ignored": ("in interpolation", "in clamp", "in drop", "beside a border"),
    "border_kept": ("in interpolation", "in clamp", "in even", "of extremes"),
    "border_one_side": ("with a window",),
    "border_thin": ("of volumes",),
    "low_rim_lost": ("in interpolation", "in drop"),
    "out_added": ("in interpolation", "in clamp", "with a window", "beside a border"),
    "lone_divided": ("with a window",),
    "fill_ignored": ("in drop", "of scattered tiles"),
    "padding_stays": ("of scaled tiles",),
    "stretch_kept": ("of scaled tiles",),
    "twice_rounded": ("from float64 to float16",),
    "half_turned": ("in interpolation", "in even"),
    "tile_major": ("of scattered tiles",),
    "first_axis_pads": ("in wrap",),
    "column_major": ("in padding", "in clamp", "in even", "in drop"),
    "frame_long": ("in interpolation",),
    "touches_beyond": ("in interpolation", "in clamp", "of scattered tiles"),
    "memory_order": ("of uint8",),
    "vote_ties_high": ("of scattered tiles",),
    "first_is_last": ("of scattered tiles",),
}
"""Where mutants are narrowed to, by their names."""
