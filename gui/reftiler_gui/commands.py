"""The actions of the window, menu by menu."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from reftiler_gui.actions import ActionSpec
from reftiler_gui.canvas_control import COMPARED, LAYERS
from reftiler_gui.image_list import GROUPS
from reftiler_gui.theme import SCHEMES, current_scheme

if TYPE_CHECKING:
    from reftiler_gui.main_window import MainWindow


IMAGE_ACTIONS = ("open_mask", "show_in_folder", "copy_path", "reload")
"""The menu of an image in the list."""
LIST_OPTIONS = ("thumbnails", *(f"group_{kind}" for kind in GROUPS))
"""The menu of the button beside the filter of the list."""


def entries(window: MainWindow) -> Iterator[ActionSpec]:
    """Yield all actions but those of the docks and of the views."""
    yield from _file_menu(window)
    yield from _edit_menu(window)
    yield from _view_menu(window)
    yield from _layers_menu(window)
    yield from _go_menu(window)
    yield from _menu(
        "Help",
        ("keys", "Keys", "F1 ?", window.dialogs.show_keys),
        ("commands", "Find a command…", "Ctrl+K", window.dialogs.show_commands),
        None,
        ("documentation", "Documentation", "", window.dialogs.show_documentation),
        ("about", "About reftiler", "", window.dialogs.show_about),
    )


def _menu(title: str, *rows: tuple[Any, ...] | None) -> Iterator[ActionSpec]:
    """Yield actions: name, text, keys, what is done, more arguments; None is a line."""
    separator = False
    for row in rows:
        if row is not None:
            name, text, keys, do, *more = row
            others = {**(more[0] if more else {}), "separator": separator}
            yield ActionSpec(name, title, text, tuple(keys.split()), do, **others)
        separator = row is None


def _file_menu(window: MainWindow) -> Iterator[ActionSpec]:
    ask = window.dialogs
    mask = {"tip": "Choose the mask of this image, one file or several"}
    notes = {"tip": "What was not read of that which was opened, and all problems"}
    every = {"tip": "List what was opened again, and stay at this image"}
    again = {"tip": "Read the image, its mask and its map again"}
    this = {"tip": "The anomaly map of this image: .npy, .tif or .png, one channel"}
    all_ = {"tip": "Anomaly maps of all images, matched by name"}
    model = {"tip": "Run a model on the tiles in view, and merge its results"}
    tiles = {"tip": "Cut this image into a folder, as reftiler tile does"}
    figure = {"tip": "The image resized, a tile, both, the grid, or all tiles"}
    report = {"tip": "A page and a CSV file: settings, grid, and each defect"}
    return _menu(
        "File",
        ("open", "Open…", "Ctrl+O", ask.open_files),
        ("open_folder", "Open a folder or data set…", "Ctrl+Shift+O", ask.open_folder),
        ("open_map", "Open map…", "Ctrl+Shift+M", ask.open_map, this),
        ("open_maps", "Open maps folder…", "Ctrl+Alt+M", ask.open_maps, all_),
        ("sample", "Open the sample", "Ctrl+Shift+D", lambda: window.open(())),
        ("recent", "Open Recent…", "Ctrl+R", ask.open_recent),
        None,
        ("open_mask", "Open mask…", "Ctrl+M", ask.open_mask, mask),
        ("show_in_folder", "Show in folder", "", ask.show_in_folder),
        ("copy_path", "Copy path", "", ask.copy_path),
        ("passed_over", "Notes on what is open…", "", ask.show_passed_over, notes),
        None,
        ("reload", "Reload", "F5", window.viewer.reload, again),
        ("reload_all", "Reload all", "Shift+F5", window.viewer.reload_all, every),
        ("close", "Close", "Ctrl+W", window.viewer.close),
        None,
        ("open_results", "Open tiles' results…", "Ctrl+Alt+O", ask.open_results),
        (
            *("open_results_folder", "Open a folder of tiles' results…"),
            *("", ask.open_results_folder),
        ),
        ("open_model", "Open model…", "Ctrl+Alt+P", ask.open_model, model),
        None,
        ("load_settings", "Load settings (YAML)…", "Ctrl+L", ask.load_settings),
        ("save_settings", "Save settings (YAML)…", "Ctrl+S", ask.save_settings),
        None,
        ("export", "Export tiles…", "Ctrl+E", ask.export_tiles, tiles),
        ("save_picture", "Save picture of the view…", "Ctrl+Shift+E", ask.save_view),
        ("export_figure", "Export figure…", "Ctrl+Shift+F", ask.export_figure, figure),
        (
            *("report", "Export report on all images…", "Ctrl+Shift+R"),
            *(partial(ask.export_report, whole_set=True), report),
        ),
        (
            *("report_image", "Export report on this image…", "Ctrl+Alt+R"),
            *(partial(ask.export_report, whole_set=False), report),
        ),
        None,
        ("cancel", "Cancel", "Esc", window.cancel),
        None,
        ("quit", "Quit", "Ctrl+Q", window.close),
    )


def _edit_menu(window: MainWindow) -> Iterator[ActionSpec]:
    ask, stack, docks = window.dialogs, window.viewer.undo_stack, {"needs": "docks"}
    copy = "Copy settings as"
    seed = {"needs": "docks", "tip": "Other random tiles"}
    return _menu(
        "Edit",
        ("undo", "Undo", "Ctrl+Z", stack.undo, docks),
        ("redo", "Redo", "Ctrl+Shift+Z Ctrl+Y", stack.redo, docks),
        None,
        ("copy_picture", "Copy picture of the view", "Ctrl+C", ask.copy_picture),
        ("copy_python", f"{copy} Python", "Ctrl+Shift+P", partial(ask.copy, "python")),
        ("copy_yaml", f"{copy} YAML", "Ctrl+Shift+Y", partial(ask.copy, "yaml")),
        (
            *("copy_command", f"{copy} a command line", "Ctrl+Shift+C"),
            partial(ask.copy, "command"),
        ),
        None,
        ("form", "Edit settings", "Ctrl+T", window.go_to_form),
        ("seed", "Next seed", "R", window.form.roll, seed),
    )


def _view_menu(window: MainWindow) -> Iterator[ActionSpec]:
    navigator, canvas, zoom = window.navigator, {"needs": "canvas"}, {"needs": "zoom"}
    images = window.image_list
    automatic = window.display.set_automatic
    tip = "Images of the same size are shown at the same position and zoom"
    pans = (("Left", 0, -1), ("Right", 0, 1), ("Up", -1, 0), ("Down", 1, 0))
    return _menu(
        "View",
        ("full_screen", "Full screen", "F11", window.full_screen),
        (
            *("left_docks", "Left panels", "Ctrl+["),
            *(partial(window.collapse, "left"), {"on": True, "needs": "docks"}),
        ),
        (
            *("right_docks", "Right panels", "Ctrl+]"),
            *(partial(window.collapse, "right"), {"on": True, "needs": "docks"}),
        ),
        None,
        ("automatic_display", "Automatic contrast", "Ctrl+Shift+A", automatic),
        ("fit", "Fit", "F Ctrl+9", partial(navigator.set_zoom, 0), canvas),
        ("actual", "100 %", "1 Ctrl+0", partial(navigator.set_zoom, 1), canvas),
        ("larger", "Zoom in", "+ = Ctrl++ Ctrl+=", partial(navigator.zoom, 1), zoom),
        ("smaller", "Zoom out", "- Ctrl+-", partial(navigator.zoom, -1), zoom),
        *(
            (
                *(f"pan_{side.lower()}", f"Pan {side.lower()}", f"Ctrl+{side}"),
                *(partial(navigator.pan, down, across), canvas),
            )
            for side, down, across in pans
        ),
        (
            *("lock", "Keep position and zoom", "L", window.lock),
            {"on": True, "tip": tip},
        ),
        None,
        ("thumbnails", "Thumbnails", "", images.show_thumbnails, {"on": False}),
        *(
            (
                *(f"group_{kind}", f"Images {words}", ""),
                partial(_choose, images.group, kind),
                {"on": kind == images.grouping},
            )
            for kind, words in GROUPS.items()
        ),
        None,
        *(
            (
                *(f"theme_{scheme}", f"Theme: {scheme}", ""),
                partial(_choose, window.apply_theme, scheme),
                {"on": scheme == current_scheme()},
            )
            for scheme in SCHEMES
        ),
    )


def _choose(do: Callable[[str], object], choice: str, on: bool) -> None:
    if on:
        do(choice)


def _layers_menu(window: MainWindow) -> Iterator[ActionSpec]:
    layers, needs = window.layer_visibility, {"needs": "layers"}
    tip = "Drag from one place to another to measure; Esc removes it"
    ruler, over = {"on": False, "tip": tip, **needs}, {"needs": "overlays"}
    needed = dict.fromkeys(COMPARED, "overlays") | {"seams": "seams"}
    return _menu(
        "Layers",
        *(
            (
                *(name, text, key, partial(layers.put, name)),
                {
                    "on": getattr(window.canvas.layers, name),
                    "tip": tip,
                    "needs": needed.get(name, "layers"),
                },
            )
            for name, (text, key, tip) in LAYERS.items()
        ),
        ("ruler", "Ruler", "Shift+R", window.canvas.set_ruler, ruler),
        None,
        ("recolor", "Another colour for the mask", "C", layers.recolor, over),
        ("fainter", "Fainter mask", "[", partial(layers.fade, -0.1), needs),
        ("stronger", "Stronger mask", "]", partial(layers.fade, 0.1), needs),
    )


def _go_menu(window: MainWindow) -> Iterator[ActionSpec]:
    viewer, bar, navigator = window.viewer, window.defects_bar, window.navigator
    docks, image = {"needs": "docks"}, {"needs": "image"}
    next_page, last_page = partial(viewer.step_page, 1), partial(viewer.step_page, -1)
    step, back = partial(navigator.step_tile, 1), partial(navigator.step_tile, -1)
    return _menu(
        "Go",
        ("previous", "Previous image", "Left A", partial(viewer.step, -1), docks),
        ("next", "Next image", "Right D", partial(viewer.step, 1), docks),
        ("first", "First image", "Home", partial(viewer.step, -(10**9)), docks),
        ("last", "Last image", "End", partial(viewer.step, 10**9), docks),
        ("find_image", "Find an image…", "Ctrl+F", window.find_image),
        ("next_page", "Next image of a stack", "PgDown", next_page, docks),
        ("last_page", "Previous image of a stack", "PgUp", last_page, docks),
        None,
        ("next_defect", "Next defect", "N J", partial(bar.step, 1), image),
        ("last_defect", "Previous defect", "P Shift+J", partial(bar.step, -1), image),
        None,
        ("next_tile", "Next tile", "T", step, image),
        ("last_tile", "Previous tile", "Shift+T", back, image),
    )
