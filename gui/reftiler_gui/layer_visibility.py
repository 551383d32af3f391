"""Which layers the canvas shows over the image, and how strong the mask is."""

from __future__ import annotations

from dataclasses import replace

from reftiler_gui.actions import ActionRegistry
from reftiler_gui.image_canvas import ImageCanvas, OverlaySettings
from reftiler_gui.model.colors import COLORS
from reftiler_gui.panes import PLAIN
from reftiler_gui.status import Status

__all__ = ["COMPARED", "LAYERS", "LayerVisibility"]

LAYERS = {
    "image": ("Image", "I", "The image itself"),
    "map": ("Anomaly map", "V", "The values of the anomaly map, as colours"),
    "outline": ("Outline at the threshold", "Shift+V", "Where the map reaches it"),
    "mask": ("Mask", "M", "Marked pixels, none too small to be seen"),
    "labels": ("Class colours", "Shift+M", "Each label of a mask in its own colour"),
    "marks": ("Rings around defects", "O", "Where defects are, and how large"),
    "grid": ("Grid", "G", "Tiles start at solid lines and end at dashed ones"),
    "padding": ("Padding", "B", "What tiles hold beyond the image"),
    "gaps": ("Uncovered pixels", "U", "Hatched: pixels in no tile"),
    "coverage": ("Coverage", "H", "How many tiles take part in each pixel"),
    "seams": ("Seams", "S", "How much the results of a pixel's tiles disagree"),
    "scale_bar": ("Scale bar", "Shift+B", "In µm where the file has a resolution"),
    "minimap": ("Minimap", "Shift+N", "Shown while the image is larger than the view"),
}
"""The layers of the canvas by name: what they are called, their key, what they show."""

COMPARED = ("mask", "labels", "marks", "scale_bar", "seams")
"""Those that other canvases show as well."""

_COLORS = ("orange", "vermillion", "purple", "green", "yellow")


class LayerVisibility:
    """What is shown on the window's canvas."""

    def __init__(
        self, canvas: ImageCanvas, registry: ActionRegistry, status: Status
    ) -> None:
        self._canvas, self._registry, self._status = canvas, registry, status
        # others, which show the same of `COMPARED`; the mask as an outline, for they
        # are about what it marks
        self.followers: list[ImageCanvas] = []

    def show(self, layers: OverlaySettings) -> None:
        """Show and hide all of them."""
        self._canvas.set_layers(layers)
        shown = {name: getattr(layers, name) for name in COMPARED}
        for canvas in self.followers:
            canvas.set_layers(replace(PLAIN, **shown, color=layers.color, alpha=0.0))
        for name in LAYERS:
            self._registry.actions[name].setChecked(getattr(layers, name))

    def put(self, name: str, value: object) -> None:
        """Change one thing about them."""
        layers = self._canvas.layers
        self.show(replace(layers, **{name: value}))  # type: ignore[arg-type]

    def recolor(self) -> None:
        """Show the mask in another colour."""
        colors = [COLORS[name] for name in _COLORS]
        now = self._canvas.layers.color
        place = colors.index(now) + 1 if now in colors else 0
        self.put("color", colors[place % len(colors)])
        self._status.inform(f"Mask: {_COLORS[place % len(colors)]}")

    def fade(self, by: float) -> None:
        """Make the mask fainter or stronger."""
        alpha = self._canvas.layers.alpha
        alpha = round(min(max(alpha + by, 0.0), 1.0), 2)
        self.put("alpha", alpha)
        self._status.inform(f"Mask: {alpha:.0%}")
