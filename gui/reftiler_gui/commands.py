"""What the window can do: the entries of its table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from reftiler_gui.actions import ActionSpec
from reftiler_gui.layer_visibility import LAYERS
from reftiler_gui.theme import SCHEMES

if TYPE_CHECKING:
    from reftiler_gui.main_window import MainWindow

__all__ = ["LINES", "TOOLS", "entries"]

TOOLS = (
    *("open", "", "previous", "next", "", "fit", "actual", ""),
    *("mask", "grid", "coverage", "", "undo", "redo", "", "keys"),
)
"""What stands in the toolbar; an empty word is a line."""

LINES = (
    *("recent", "export", "cancel", "quit", "copy_python", "load_settings", "seed"),
    *("pan_left", "lock", "theme_system", "dock_images", "view_image", "recolor"),
    *("next_defect", "next_tile", "worst", "about"),
)
"""Before these a menu has a line."""


def entries(window: MainWindow) -> Iterator[ActionSpec]:
    """Yield all entries but those of the views, menu by menu."""
    yield from _files(window)
    yield from _edits(window)
    yield from _looks(window)
    yield from _layers(window)
    yield from _moves(window)
    help_ = window.dialogs
    yield ActionSpec("keys", "Help", "Keys", ("F1", "?"), help_.show_keys)
    yield ActionSpec(
        "commands", "Help", "Find a command…", ("Ctrl+K",), help_.find_command
    )
    yield ActionSpec("about", "Help", "About reftiler", (), help_.show_about)


def _files(window: MainWindow) -> Iterator[ActionSpec]:
    ask = window.dialogs
    entry = partial(ActionSpec, menu="File")
    yield entry(name="open", text="Open…", keys=("Ctrl+O",), do=ask.open_files)
    yield entry(
        name="open_folder",
        text="Open a folder or data set…",
        keys=("Ctrl+Shift+O",),
        do=ask.open_folder,
    )
    yield entry(
        name="sample",
        text="Open the bundled sample",
        keys=("Ctrl+Shift+D",),
        do=lambda: window.open(()),
    )
    yield entry(
        name="recent", text="Open Recent…", keys=("Ctrl+R",), do=ask.open_recent
    )
    yield entry(
        name="reload",
        text="Reload",
        keys=("F5",),
        do=window.viewer.reload,
        tip="Read the image and its mask again",
    )
    yield entry(
        name="reload_all",
        text="Reload all",
        keys=("Shift+F5",),
        do=window.viewer.reload_all,
        tip="List what was opened again, and stay at this image",
    )
    yield entry(
        name="export",
        text="Export tiles…",
        keys=("Ctrl+E",),
        do=ask.export_tiles,
        tip="Cut this image into a folder, as reftiler tile does",
    )
    yield entry(
        name="save_picture",
        text="Save picture of the view…",
        keys=("Ctrl+Shift+E",),
        do=ask.save_view,
    )
    yield entry(
        name="copy_picture",
        text="Copy picture of the view",
        keys=("Ctrl+C",),
        do=ask.copy_picture,
    )
    for name, which, key in (
        ("report", "all images", "Ctrl+Shift+R"),
        ("report_image", "this image", "Ctrl+Alt+R"),
    ):
        yield entry(
            name=name,
            text=f"Export report on {which}…",
            keys=(key,),
            do=partial(ask.export_report, whole_set=name == "report"),
            tip="A page and a CSV file: settings, grid, what is left of each defect",
        )
    yield entry(name="cancel", text="Cancel", keys=("Esc",), do=window.jobs.give_up)
    yield entry(name="quit", text="Quit", keys=("Ctrl+Q",), do=window.close)


def _edits(window: MainWindow) -> Iterator[ActionSpec]:
    ask, viewer = window.dialogs, window.viewer
    entry = partial(ActionSpec, menu="Settings")
    yield entry(name="undo", text="Undo", keys=("Ctrl+Z",), do=viewer.undo)
    yield entry(
        name="redo", text="Redo", keys=("Ctrl+Shift+Z", "Ctrl+Y"), do=viewer.redo
    )
    for kind, key in (("python", "P"), ("YAML", "Y"), ("command", "C")):
        words = "as a command line" if kind == "command" else f"as {kind.capitalize()}"
        yield entry(
            name=f"copy_{kind.lower()}",
            text=f"Copy {'as YAML' if kind == 'YAML' else words}",
            keys=(f"Ctrl+Shift+{key}",),
            do=partial(ask.copy, kind.lower()),
        )
    yield entry(
        name="load_settings", text="Load YAML…", keys=("Ctrl+L",), do=ask.load_settings
    )
    yield entry(
        name="save_settings", text="Save YAML…", keys=("Ctrl+S",), do=ask.save_settings
    )
    yield entry(
        name="seed",
        text="Next seed",
        keys=("R",),
        do=window.form.roll,
        tip="Other random tiles",
    )


def _looks(window: MainWindow) -> Iterator[ActionSpec]:
    places = window.navigator
    entry = partial(ActionSpec, menu="View")
    yield entry(
        name="full_screen", text="Full screen", keys=("F11",), do=window.full_screen
    )
    yield entry(
        name="automatic_display",
        text="Automatic contrast",
        keys=("Ctrl+Shift+A",),
        do=window.display.set_automatic,
    )
    yield entry(name="fit", text="Fit", keys=("F", "Ctrl+9"), do=places.fit)
    yield entry(name="actual", text="100 %", keys=("1", "Ctrl+0"), do=places.actual)
    larger, smaller = partial(places.zoom, 1), partial(places.zoom, -1)
    yield entry(
        name="larger", text="Zoom in", keys=("+", "=", "Ctrl++", "Ctrl+="), do=larger
    )
    yield entry(name="smaller", text="Zoom out", keys=("-", "Ctrl+-"), do=smaller)
    for side, down, across in (
        ("Left", 0, -1),
        ("Right", 0, 1),
        ("Up", -1, 0),
        ("Down", 1, 0),
    ):
        yield entry(
            name=f"pan_{side.lower()}",
            text=f"Move {side.lower()}",
            keys=(f"Ctrl+{side}",),
            do=partial(places.pan, down, across),
        )
    yield entry(
        name="lock",
        text="Keep the place for the next image",
        keys=("L",),
        do=window.lock,
        on=True,
        tip="Images of the same size are shown at the same place and zoom",
    )
    yield entry(
        name="form", text="Go to the settings", keys=("Ctrl+T",), do=window.go_to_form
    )
    for scheme in SCHEMES:
        yield entry(
            name=f"theme_{scheme}",
            text=f"Colours: {scheme}",
            keys=(),
            do=partial(window.apply_theme, scheme),
        )


def _layers(window: MainWindow) -> Iterator[ActionSpec]:
    entry = partial(ActionSpec, menu="Layers")
    for name, (text, key, tip) in LAYERS.items():
        yield entry(
            name=name,
            text=text,
            keys=(key,),
            do=_setter(window, name),
            on=getattr(window.canvas.layers, name),
            tip=tip,
        )
    switches = window.layer_visibility
    yield entry(
        name="recolor",
        text="Another colour for the mask",
        keys=("C",),
        do=switches.recolor,
    )
    yield entry(
        name="fainter",
        text="Fainter mask",
        keys=("[",),
        do=partial(switches.fade, -0.1),
    )
    yield entry(
        name="stronger",
        text="Stronger mask",
        keys=("]",),
        do=partial(switches.fade, 0.1),
    )


def _setter(window: MainWindow, name: str) -> Callable[[bool], None]:
    return lambda on: window.layer_visibility.put(name, on)


def _moves(window: MainWindow) -> Iterator[ActionSpec]:
    viewer, places = window.viewer, window.navigator
    last = partial(viewer.step, 10**9)
    for name, text, keys, do in (
        ("previous", "Previous image", ("Left", "A"), partial(viewer.step, -1)),
        ("next", "Next image", ("Right", "D"), partial(viewer.step, 1)),
        ("first", "First image", ("Home",), partial(viewer.step, -(10**9))),
        ("last", "Last image", ("End",), last),
        (
            "next_page",
            "Next image of a stack",
            ("PgDown",),
            partial(viewer.step_page, 1),
        ),
        (
            "last_page",
            "Previous image of a stack",
            ("PgUp",),
            partial(viewer.step_page, -1),
        ),
        ("next_defect", "Next defect", ("N", "J"), partial(window.defects_bar.step, 1)),
        (
            "last_defect",
            "Previous defect",
            ("P", "Shift+J"),
            partial(window.defects_bar.step, -1),
        ),
        ("next_tile", "Next tile", ("T",), partial(places.step_tile, 1)),
        (
            "last_tile",
            "Previous tile",
            ("Shift+T",),
            partial(places.step_tile, -1),
        ),
    ):
        yield ActionSpec(name, "Go", text, keys, do)
