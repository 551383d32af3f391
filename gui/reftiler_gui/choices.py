"""What the words mean that one can choose in the form."""

from __future__ import annotations

from reftiler_gui.fields import ComboField

__all__ = ["STEPS", "explained"]

STEPS = (
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
}


def explained(name: str, words: tuple[str, ...]) -> ComboField:
    """Return a choice of words, each with what it means."""
    return ComboField(name, ((word, _MEANINGS.get(word, "")) for word in words))
