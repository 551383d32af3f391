"""The plan: where every tile of an image lies, before any pixel is touched."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reftiler import coordinates, json_io
from reftiler.axis import Axis, IntArray, fit_axis
from reftiler.errors import TilingError
from reftiler.geometry import TileGeometry
from reftiler.settings import TilerSettings
from reftiler.validation import (
    MAX_SIZE,
    UNPADDED,
    as_exact_ints,
    as_int,
    is_sequence,
    marked_pixels,
    refuse_masked,
    shorten,
    shown,
    validate_aligned_image,
    validate_image_fits,
)

KEYS = ("tiler", "image_size", "starts", "selection")


@dataclass(frozen=True)
class Grid:
    """Where the tiles of one image size lie, for every backend.

    Made by `Tiler.grid`, `Tiler.random` or `Tiler.scatter`. A *regular* grid is the
    product of its axes; an *irregular* one is a list of starts, or some tiles of
    another grid (`select`). Its JSON is all that untiling needs, in another process,
    later (JSON-005).

    Parameters
    ----------
    tiler : TilerSettings
        The settings; ``Tiler.from_other(grid.tiler)`` tiles by it in any backend.
    image_size : sequence of int
        Pixels of the image on its R spatial axes.
    scatter : sequence of K sequences of R ints, optional
        The starts of an irregular grid's tiles, in the image.
    selection : sequence of int, optional
        Which tiles of the whole grid these are, in their order; see `select`.

    Raises
    ------
    TypeError
        If a size or a start is not an int.
    TilingError
        If the image is empty, has another rank than the tiles, is smaller than the
        tile where that cannot be mended, a start lies outside, or the selection is
        empty, names a tile twice or one that there is not.
    """

    tiler: TilerSettings
    image_size: tuple[int, ...]
    scatter: tuple[tuple[int, ...], ...] | None = None
    selection: tuple[int, ...] | None = None
    _json: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rank = self.tiler.rank
        # GRID-012: integers alone; SIZE-009; GRID-013: compared field by field
        size = as_exact_ints(self.image_size, "image_size", rank=rank, minimum=1)
        object.__setattr__(self, "image_size", size)
        tile = self.tiler.tile_size
        mode = self.tiler.mode
        if self.scatter is not None:
            validate_image_fits(size, tile, "scattered tiles", UNPADDED)
            object.__setattr__(self, "scatter", self._checked_starts(self.scatter))
        elif mode in ("clamp", "even", "drop"):
            validate_image_fits(size, tile, mode)
            if mode != "drop":
                validate_aligned_image(size, self.tiler.align, mode)
        shape = self.whole_geometry.shape
        if math.prod(shape) > MAX_SIZE:
            raise TilingError(
                f"{' × '.join(map(str, shape))} tiles are more than can be counted: "
                "use a larger stride"
            )
        if self.selection is not None:
            chosen = _checked_indices(self.selection, len(self.whole_geometry))
            object.__setattr__(self, "selection", chosen)
        # JSON-001, SELECT-005
        content = {
            "tiler": self.tiler.to_dict(),
            "image_size": self.image_size,
            "starts": self.scatter,
            "selection": self.selection,
        }
        given = {key: value for key, value in content.items() if value is not None}
        object.__setattr__(self, "_json", json_io.dump(given))

    def __len__(self) -> int:
        return len(self.geometry)

    @property
    def is_irregular(self) -> bool:
        """Whether this is a list of tiles rather than a product of axes."""
        return self.scatter is not None or self.selection is not None

    @property
    def axes(self) -> tuple[Axis, ...]:
        """One `Axis` for each spatial axis; scattered tiles have the k-th of each."""
        return self.geometry.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Tiles along each axis; (K,) for an irregular grid."""
        return self.geometry.shape

    @cached_property
    def geometry(self) -> TileGeometry:
        """The geometry that tiling and merging work from."""
        if self.selection is None:
            return self.whole_geometry
        return self.whole_geometry.select(self.selection)  # SELECT-001, SELECT-003

    @cached_property
    def input_geometry(self) -> TileGeometry:
        """The geometry of the tiles with their context, as they are cut."""
        # CONTEXT-001, CONTEXT-008: `geometry` is that of the tiles without it
        if not self.tiler.has_context:
            return self.geometry
        axes = zip(self.axes, self.tiler.context, strict=True)
        wider = tuple(axis.with_context(context) for axis, context in axes)
        return TileGeometry(wider, self.is_irregular)

    @cached_property
    def whole_geometry(self) -> TileGeometry:
        """The geometry of all tiles, of which some may be selected."""
        return TileGeometry(tuple(self._axes()), self.scatter is not None)

    @cached_property
    def starts(self) -> IntArray:
        """First padded pixel of each tile, shape (K, R); read-only (COORD-001)."""
        return self._combined([axis.start_array for axis in self.axes])

    @cached_property
    def boxes(self) -> IntArray:
        """First and one past last image pixel of each tile, shape (K, R, 2).

        Possibly beyond the image, where there is padding; read-only.
        """
        return self._combined([axis.boxes for axis in self.axes])

    @property
    def padding(self) -> tuple[tuple[int, int], ...]:
        """Pixels added before and after the image on each axis (COORD-010)."""
        return tuple((axis.pad_before, axis.pad_after) for axis in self.axes)

    @property
    def uncovered(self) -> int:
        """The number of image pixels in which no tile takes part (COORD-007)."""
        return self.geometry.num_uncovered

    def select(self, indices: ArrayLike) -> "Grid":
        """Return the grid of some of the tiles, in the order of their indices.

        They keep their places, their padding and, in the merge, the borders that they
        have in the whole grid. Pixels of none of them become the tiler's ``fill``.

        Parameters
        ----------
        indices : sequence of K' ints, ndarray or Tensor
            Tiles of this grid, 0 to K − 1, none of them twice: such as `touching`
            returns.

        Returns
        -------
        Grid
            Irregular, of K' tiles. Its ``selection`` are their indices in the whole
            grid; `select` of a selection counts the tiles of that.

        Raises
        ------
        TypeError
            If an index is not an int.
        TilingError
            If there is no index, one comes twice, or there is no such tile.

        Examples
        --------
        >>> import numpy as np
        >>> from reftiler import Tiler
        >>> tiler, image = Tiler([4], fill=-1), np.arange(10)
        >>> some = tiler.grid([10]).select([2, 0])
        >>> tiles = tiler.tile(image, grid=some)
        >>> tiles.tolist()
        [[8, 9, 0, 0], [0, 1, 2, 3]]
        >>> tiler.untile(tiles, image.shape, grid=some).tolist()
        [0, 1, 2, 3, -1, -1, -1, -1, 8, 9]
        """
        chosen = _checked_indices(indices, len(self))
        if self.selection is not None:  # SELECT-004
            chosen = tuple(self.selection[i] for i in chosen)
        return replace(self, selection=chosen)

    def slices(self, k: int) -> tuple[slice, ...]:
        """Return tile ``k``'s box clipped to the image, to index it with."""
        # COORD-004
        box = self.boxes[k].clip(0, np.array(self.image_size)[:, np.newaxis])
        return tuple(slice(low, high) for low, high in box.tolist())

    def coverage(self) -> IntArray:
        """Count the tiles that take part in each pixel of the image.

        Returns
        -------
        ndarray of int64, shape image_size
        """
        return self.geometry.coverage(tuple((0, length) for length in self.image_size))

    def touching(self, mask: ArrayLike) -> IntArray:
        """Return the indices of the tiles that hold a marked pixel.

        Parameters
        ----------
        mask : array_like or Tensor, shape image_size
            Pixels that are not zero are marked.

        Returns
        -------
        ndarray of int64
            Ascending. Border removal plays no part: the model sees the whole tile.

        Raises
        ------
        TilingError
            If the mask has another size than the image, or is not of numbers.
        """
        marked = marked_pixels(mask, self.image_size)  # COORD-008
        if self.is_irregular:
            found = [k for k in range(len(self)) if marked[self.slices(k)].any()]
            return np.array(found, dtype=np.int64)
        axes = zip(self.axes, self.image_size, strict=True)
        spans = [axis.boxes.clip(0, length) for axis, length in axes]
        return np.flatnonzero(_holds_marked(marked, spans)).astype(np.int64)

    def to_image(self, k: ArrayLike, points: ArrayLike) -> NDArray[np.float64]:
        """Return where points of a tile lie in the image.

        Parameters
        ----------
        k : int, or array_like of int, shape (…)
            The index of the tile; or one for each point.
        points : array_like, shape (…, R)
            Coordinates of pixel edges in the tile, in the order of the axes: pixel i
            reaches from i to i + 1. NaN stays NaN. They count from the first pixel
            that `Tiler.tile` gives, which is one of its context if it has any.

        Returns
        -------
        ndarray of float64, shape (…, R)
            Coordinates of pixel edges in the image; outside it where there is padding.

        Raises
        ------
        TypeError
            If ``k`` is no int or ``points`` are not real numbers.
        TilingError
            If there is no such tile, or shapes do not fit.

        Examples
        --------
        >>> from reftiler import Tiler
        >>> grid = Tiler([4], [3]).grid([10])
        >>> grid.to_image(1, [[0.0], [1.5]]).tolist()
        [[3.0], [4.5]]
        >>> grid.to_tile(1, [[4.5]]).tolist()
        [[1.5]]
        """
        return coordinates.to_image(self.input_geometry, k, points)

    def to_tile(self, k: ArrayLike, points: ArrayLike) -> NDArray[np.float64]:
        """Return where points of the image lie in a tile: the inverse of `to_image`.

        Parameters
        ----------
        k : int, or array_like of int, shape (…)
            The index of the tile; or one for each point.
        points : array_like, shape (…, R)
            Coordinates of pixel edges in the image.

        Returns
        -------
        ndarray of float64, shape (…, R)
            Below 0 or beyond the tile's size for points that it does not show.

        Raises
        ------
        TypeError, TilingError
            As `to_image` does.
        """
        return coordinates.to_tile(self.input_geometry, k, points)

    def clip(self, boxes: ArrayLike, k: ArrayLike | None = None) -> NDArray[np.float64]:
        """Clip boxes of the image to the image, or to what a tile shows of it.

        Parameters
        ----------
        boxes : array_like, shape (…, R, 2)
            Start and stop on each axis, in pixel edges of the image.
        k : int, or array_like of int, shape (…), optional
            The index of the tile, or one for each box.

        Returns
        -------
        ndarray of float64, shape (…, R, 2)
            A box of which nothing is left is empty: on some axis start equals stop.

        Raises
        ------
        TypeError
            If ``k`` is no int or ``boxes`` are not real numbers.
        TilingError
            If a box has start > stop or NaN, there is no such tile, or shapes do not
            fit.

        Examples
        --------
        >>> from reftiler import Tiler
        >>> grid = Tiler([4], [3]).grid([10])
        >>> grid.clip([[-2, 5.5]]).tolist(), grid.clip([[-2, 5.5]], k=1).tolist()
        ([[0.0, 5.5]], [[3.0, 5.5]])
        """
        return coordinates.clip_boxes(self.input_geometry, boxes, k)

    def _repr_html_(self) -> str:
        """Show the grid in a notebook."""
        from reftiler.grid_html import grid_html  # noqa: PLC0415 - it needs grids

        return grid_html(self)

    def to_json(self) -> str:
        """Write everything that untiling needs."""
        return self._json

    @classmethod
    def from_json(cls, text: str | bytes) -> "Grid":
        """Read what `to_json` wrote.

        Its tiler is the settings alone: `Tiler.from_other` makes a backend's of them.

        Raises
        ------
        TilingError
            If the text is damaged, has unknown keys or is of a newer version.
        """
        content = json_io.load(text, KEYS, "the grid's JSON")
        json_io.require(content, KEYS[:2], "the grid's JSON")
        tiler = TilerSettings.from_dict(content["tiler"])
        listed = content.get("starts"), content.get("selection")
        return cls(tiler, content["image_size"], *listed)

    def _axes(self) -> Iterator[Axis]:
        # GRID-001: each axis is fitted by itself
        tiler, both = self.tiler, self.tiler.pad_side == "both"
        for a, (length, tile) in enumerate(
            zip(self.image_size, tiler.tile_size, strict=True)
        ):
            if self.scatter is None:
                stride, align = tiler.stride[a], tiler.align[a]
                axis = fit_axis(
                    length, tile, stride, tiler.mode, both=both, align=align
                )
            else:
                # SCATTER-002, SCATTER-004: the image itself is the frame
                starts = tuple(start[a] for start in self.scatter)
                axis = Axis(length, tile, length, 0, starts)
            yield replace(axis, border=tiler.remove_border_count[a])

    def _combined(self, columns: list[NDArray[np.int64]]) -> IntArray:
        """Give each tile its row of the axes' columns, read-only."""
        if not self.is_irregular:
            numbers = np.indices(self.shape).reshape(len(columns), -1)
            columns = [c[n] for c, n in zip(columns, numbers, strict=True)]
        rows = np.stack(columns, axis=1).astype(np.int64, copy=False)
        rows.flags.writeable = False
        return rows

    def _checked_starts(self, starts: Any) -> tuple[tuple[int, ...], ...]:
        # SCATTER-001, SCATTER-003
        refuse_masked(starts, "starts")
        if isinstance(starts, np.ndarray):
            starts = starts.tolist()
        if not is_sequence(starts):
            raise TypeError(f"starts must be a list of (K, R) ints, got {starts!r}")
        if not starts:
            raise TilingError("starts must name at least one tile, got none")
        tile, align = self.tiler.tile_size, self.tiler.align
        last = tuple(s - t for s, t in zip(self.image_size, tile, strict=True))
        checked = []
        for k, start in enumerate(starts):
            one = as_exact_ints(start, f"starts[{k}]", rank=len(tile), minimum=0)
            if any(s > limit for s, limit in zip(one, last, strict=True)):
                raise TilingError(
                    f"starts[{k}]={one} puts the tile {tile} beyond the image "
                    f"{self.image_size}: starts go from 0 to {last}"
                )
            if any(s % a for s, a in zip(one, align, strict=True)):  # GRID-017
                raise TilingError(
                    f"starts[{k}]={one} is no multiple of the tiler's align {align}: "
                    "move it, or use a Tiler with align=1"
                )
            checked.append(one)
        return tuple(checked)


def _holds_marked(
    marked: NDArray[np.bool_], spans: list[IntArray]
) -> NDArray[np.bool_]:
    """Tell which products of spans, one an axis, hold a marked pixel."""
    (here, *rest) = spans
    if rest:
        bands = (np.any(marked[low:high], axis=0) for low, high in here.tolist())
        return np.stack([_holds_marked(band, rest) for band in bands])
    count = np.concatenate([[0], np.cumsum(marked)])
    return np.asarray(count[here[:, 1]] > count[here[:, 0]])


def _checked_indices(indices: Any, count: int) -> tuple[int, ...]:
    """Return the indices of some of ``count`` tiles, or refuse them (SELECT-002)."""
    refuse_masked(indices, "indices")
    if hasattr(indices, "detach"):  # a tensor
        indices = np.asarray(indices.detach().cpu())
    if isinstance(indices, np.ndarray):
        if indices.dtype == np.bool_:
            raise TypeError(
                "indices must be ints, got an array of bools: give numpy.flatnonzero "
                "of it"
            )
        indices = indices.tolist()
    if not is_sequence(indices):
        raise TypeError(
            f"indices must be a list of ints, got {shorten(indices)}: give a list or "
            "an array, as in [0, 3]"
        )
    if not len(indices):
        raise TilingError(
            "indices must name at least one tile, got none: without tiles there is "
            "nothing to do, so leave the call out"
        )
    checked = tuple(as_int(k, "an index", minimum=0) for k in indices)
    if max(checked) >= count:
        raise TilingError(
            f"there is no tile {shown(max(checked))}: the grid has the tiles 0 to "
            f"{count - 1}"
        )
    if len(set(checked)) < len(checked):
        twice = next(k for k, n in Counter(checked).items() if n > 1)
        raise TilingError(
            f"tile {twice} is selected {checked.count(twice)} times: name each tile "
            "once, as in dict.fromkeys(indices); scatter() takes a start twice"
        )
    return checked
