"""The switches of the layers: what lies over the image, and how strong the mask is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reftiler_gui.image_canvas import OverlaySettings
from reftiler_gui.model.colors import COLORS

if TYPE_CHECKING:
    from reftiler_gui.frame import Frame

__all__ = ["LAYERS", "LayerVisibility"]

LAYERS = {
    "image": ("Image", "I", "The image itself"),
    "mask": ("Mask", "M", "Marked pixels, none too small to be seen"),
    "marks": ("Rings around defects", "O", "Where defects are, and how large"),
    "grid": ("Grid", "G", "Tiles start at solid lines and end at dashed ones"),
    "padding": ("Padding", "B", "What tiles hold beyond the image"),
    "gaps": ("Uncovered pixels", "U", "Hatched: pixels in no tile"),
    "coverage": ("Coverage", "H", "How many tiles take part in each pixel"),
}
"""The layers of the canvas by name: what they are called, their key, what they show."""


_COLORS = ("orange", "vermillion", "purple", "green", "yellow")


class LayerVisibility:
    """
    What is shown on the window's canvas.

    Parameters
    ----------
    window : Frame
        Its table has an action for each of `LAYERS`.
    """

    def __init__(self, window: Frame) -> None:
        self._window = window

    def show(self, layers: OverlaySettings) -> None:
        """Show and hide all of them."""
        self._window.canvas.set_layers(layers)
        for name in LAYERS:
            self._window.table.actions[name].setChecked(getattr(layers, name))

    def put(self, name: str, value: object) -> None:
        """Change one thing about them."""
        layers = self._window.canvas.layers
        self.show(replace(layers, **{name: value}))  # type: ignore[arg-type]

    def recolor(self) -> None:
        """Show the mask in another colour."""
        colors = [COLORS[name] for name in _COLORS]
        now = self._window.canvas.layers.color
        place = colors.index(now) + 1 if now in colors else 0
        self.put("color", colors[place % len(colors)])
        self._window.status.tell(f"Mask: {_COLORS[place % len(colors)]}")

    def fade(self, by: float) -> None:
        """Make the mask fainter or stronger."""
        alpha = self._window.canvas.layers.alpha
        alpha = round(min(max(alpha + by, 0.0), 1.0), 2)
        self.put("alpha", alpha)
        self._window.status.tell(f"Mask: {alpha:.0%}")
