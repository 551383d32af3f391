"""What is on the contact sheet: the tiles of an image, in an order, with numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler_gui.model.contact_sheet import ContactSheet, sheet
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_set import LoadedImage
from reftiler_gui.thumbnails import Thumbnails

__all__ = ["ContactSheetContent"]


@dataclass(eq=False)
class ContactSheetContent:
    """
    The tiles and what is known of them.

    Attributes
    ----------
    loaded : LoadedImage
        The image; it has pixels.
    view : GridLookup
        Its tiles.
    marks : ndarray or None
        The number of defect pixels of each tile, once it is known.
    order : ndarray or None
        Numbers, the largest first; None puts tiles as they lie in the image.
    only : bool
        Leave out tiles without a defect pixel, or whose number is zero.
    numbered : bool
        Tell the numbers of the order, instead of the defect pixels.
    """

    loaded: LoadedImage
    view: GridLookup
    marks: NDArray[np.int64] | None = None
    order: NDArray[Any] | None = None
    only: bool = False
    numbered: bool = False
    _thumbs: Thumbnails | None = None

    def columns(self, fitting: int) -> int:
        """Return how many tiles stand in a row: as in the image, if they can."""
        if self.view.scattered or self.order is not None or self.only:
            return fitting
        return min(self.view.shape[1], fitting)

    def sheet(self, fitting: int) -> ContactSheet:
        """Return which tile stands where."""
        columns = self.columns(fitting)
        if self.order is None and self.only and self.marks is not None:
            return ContactSheet(self.view, np.flatnonzero(self.marks), columns)
        return sheet(self.view, columns, self.order, only=self.only)

    def marked(self, tile: int) -> bool:
        """Say whether a tile is known to hold a defect pixel."""
        return self.marks is not None and bool(self.marks[tile])

    def told(self, tile: int) -> str:
        """Return what is said of a tile beside its number."""
        if self.numbered and self.order is not None:
            return f" · {self.order[tile]:.3g}"
        if self.marks is not None and self.marks[tile]:
            return f" · {self.marks[tile]} px"
        return ""

    def thumbnails(self, side: int) -> Thumbnails:
        """Return the pictures of tiles; finer ones once the image has them."""
        found, source = self._thumbs, self.loaded.image
        assert source is not None
        if (
            found is None
            or found.side != side
            or (not found.complete and source.ready(found.level))
        ):
            found = self._thumbs = Thumbnails(self.loaded, self.view, side)
        return found
