"""Masks: which pixels of an image are marked, and with which numbers.

What is not zero marks. A file may need a rule to tell what its zero is:

- Indices of a palette: 0 is background, whatever its colour; 255 is void (no verdict)
  beside other indices, as segmentation data sets have it, unless the palette is grey.
- Alpha, where the format says so: it marks if there is one colour everywhere and it is
  not opaque everywhere; else it does not count.
- Formats that keep values only nearly (JPEG): what reaches half of the range marks.
- A value that the file names as nodata, other than 0, is void.
- A threshold, given by the user: what reaches it in any colour marks.

Each rule that decided something is said in the notes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.io.info import DEFAULT_OPTIONS, ReadOptions
from reftiler.io.lazy import LazyImage, full_slices, size_of
from reftiler.io.read import WHOLE, open_image

Array = NDArray[Any]
OnePath: TypeAlias = str | os.PathLike[str]
Paths: TypeAlias = OnePath | Iterable[OnePath]

_VOID = 255
_BAND = 2**24  # bytes of a mask that are looked at together


@dataclass(frozen=True, eq=False)
class Mask:
    """
    A mask that is read by slices, as an array of bool ``(H, W)``.

    Attributes
    ----------
    labels : LazyImage
        The values as stored and meant: bool or integers ``(H, W)``, or ``(H, W, C)``
        with a channel for each class or colour.
    void : int or None
        The label of pixels that are neither marked nor background.
    notes : tuple of str
        Sentences for the user: which rules decided what marks.
    """

    labels: LazyImage
    void: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.labels.shape[:2]
        return height, width

    @property
    def dtype(self) -> Any:
        """Of what slices give."""
        return np.dtype(bool)

    def __getitem__(self, index: Any, /) -> NDArray[np.bool_]:
        """Return where pixels are marked in some slices."""
        return marked(self.labels[full_slices(index, 2)], self.void)

    def marks_everything(self) -> bool:
        """Tell whether there is no pixel that is not marked, reading by bands."""
        return all(marked(band, self.void).all() for band in _bands(self.labels))


def marked(labels: Array, void: int | None = None) -> NDArray[np.bool_]:
    """Return where labels mark, ``(H, W)``: not zero in any channel, and not void."""
    return _anywhere(np.asarray(labels != 0), labels, void)


def _anywhere(found: Array, labels: Array, void: int | None) -> NDArray[np.bool_]:
    """Return where any channel was found that is not void."""
    if void is not None:
        found &= labels != void
    return found if found.ndim == 2 else np.asarray(found.any(axis=-1))


def open_mask(
    paths: Paths,
    options: ReadOptions = DEFAULT_OPTIONS,
    threshold: float | None = None,
    whole: int = WHOLE,
) -> Mask:
    """
    Open a mask by the rules of this module.

    Parameters
    ----------
    paths : str, path-like or several
        Any files that `reftiler.io.open_image` opens. Of several, of one size, a
        pixel has the largest label.
    options : ReadOptions
        How the image is read. Its channels are the image's alone; a page, a level or
        axes that the mask cannot have are not asked of it.
    threshold : float, optional
        Pixels of which a colour reaches it are marked, whatever the format; a mask of
        one bit has no need of it.
    whole : int
        As for `reftiler.io.open_image`.

    Returns
    -------
    Mask
        Large files are not read whole, unless a rule demands it, and then by bands.

    Raises
    ------
    ImportError
        A package that reads this format is not installed.
    TilingError
        A file cannot be read, files differ in size, or a mask in a lossy format has
        values of which none is half of the range.
    """
    several = [paths] if isinstance(paths, str | os.PathLike) else paths
    given = [Path(path) for path in several]
    if not given:
        raise TilingError("a mask needs at least one file, got none")
    masks = [_open_one(path, options, threshold, whole) for path in given]
    return masks[0] if len(masks) == 1 else _joined(masks)


def read_mask(
    paths: Paths, options: ReadOptions = DEFAULT_OPTIONS, threshold: float | None = None
) -> NDArray[np.bool_]:
    """
    Read where a mask marks, as `open_mask` tells.

    Returns
    -------
    ndarray of bool
        Shape ``(H, W)``.

    Raises
    ------
    ImportError, TilingError
        As for `open_mask`.
    """
    return open_mask(paths, options, threshold)[...]


def _open_one(
    path: Path, options: ReadOptions, threshold: float | None, whole: int
) -> Mask:
    image = _opened(path, options, whole, indices=True)
    if threshold is not None and image.info.metadata.palette is not None:
        image = _without_nodata(_opened(path, options, whole, indices=False))
    notes = image.info.notes
    if image.info.alpha:
        image, own_notes = _without_alpha(image)
        notes += own_notes
    void = _nodata(image)
    if void is not None:
        notes += (f"nodata {void} of the file is void: these pixels do not count",)
        if len(image.shape) == 3:
            image, void = _without_void(image, void), None
    if image.dtype == bool:
        return Mask(image, void, notes)
    if threshold is not None:
        return Mask(_reaching(image, threshold, void), notes=notes)
    if image.info.metadata.palette is not None and void is None:
        void, own_notes = _palette_rules(image)
        return Mask(image, void, notes + own_notes)
    if image.info.lossy and image.dtype.kind in "iu":
        half, own_notes = _lossy_rules(image)
        return Mask(_reaching(image, half, void), notes=notes + own_notes)
    if image.dtype.kind == "f":
        own_notes = (
            "a mask of floats: what is not zero marks, the values are not kept",
        )
        derived = _derived(image, lambda part: marked(part, void))
        return Mask(derived, notes=notes + own_notes)
    return Mask(image, void, notes)


def _nodata(image: LazyImage) -> int | None:
    """Return the integer, other than 0, that a file names as nodata, if any can be."""
    try:
        value = float(image.info.metadata.nodata or 0)
        void = int(value)
    except (ValueError, OverflowError):  # no number, or no finite one
        return None
    if image.dtype == bool:
        fits = void == 1
    elif image.dtype.kind == "f":
        fits = True
    else:
        fits = np.iinfo(image.dtype).min <= void <= np.iinfo(image.dtype).max
    return void if fits and void == value and void else None


def _opened(
    path: Path, options: ReadOptions, whole: int, *, indices: bool
) -> LazyImage:
    """Open a mask's file; what settles its image's axes and pages may not fit it."""
    asked = replace(options, channels=None)
    own = replace(asked, page=None, level=0, axes=None)
    try:
        return open_image(path, asked, whole, indices=indices)
    except TilingError:
        if own == asked:
            raise
        try:
            return open_image(path, own, whole, indices=indices)
        except TilingError:
            pass
        raise


def _without_nodata(image: LazyImage) -> LazyImage:
    """Forget a nodata value that is not one of these numbers: an index, a colour."""
    info = image.info
    info = replace(info, metadata=replace(info.metadata, nodata=None))
    return LazyImage(image.path, image.shape, image.dtype, image.__getitem__, info)


def _without_void(image: LazyImage, void: int) -> LazyImage:
    """See pixels as 0 that are void in all channels; in some alone it is a colour."""

    def read(index: tuple[slice, ...]) -> Array:
        rows, columns, channels = index
        part = image[rows, columns]
        kept = (part != void).any(axis=-1, keepdims=True)
        return np.where(kept, part, np.zeros((), part.dtype))[..., channels]

    return LazyImage(image.path, image.shape, image.dtype, read, image.info)


def _without_alpha(image: LazyImage) -> tuple[LazyImage, tuple[str, ...]]:
    """Return what alpha marks where it decides, else the colours."""
    info = replace(image.info, alpha=False)
    last = image.shape[2] - 1
    if _alpha_decides(image):
        own_notes = ("the mask has one colour everywhere: its alpha marks",)
        alpha = _derived(image, lambda part: part[..., last], info, image.dtype)
        return _without_nodata(alpha), own_notes
    colours = (*image.shape[:2], last) if last > 1 else image.shape[:2]

    def read(index: tuple[slice, ...]) -> Array:
        rows, columns, *channels = index
        part = image[rows, columns, :last]
        return part[..., channels[0]] if channels else part[..., 0]

    return LazyImage(image.path, colours, image.dtype, read, info), ()


def _alpha_decides(image: LazyImage) -> bool:
    """Tell whether a mask has one colour, and alpha is not opaque everywhere."""
    first, varies = image[:1, :1], False
    for band in _bands(image):
        differs = (band != first).any((0, 1))
        if differs[:-1].any():
            return False
        varies = varies or bool(differs[-1])
    return varies or not first[0, 0, -1]


def _palette_rules(image: LazyImage) -> tuple[int | None, tuple[str, ...]]:
    """Return the void index, if there is one, and what the user should know."""
    counts = np.zeros(256, np.int64)
    for band in _bands(image):
        counts += np.bincount(band.ravel(), minlength=256)
    used = np.flatnonzero(counts)
    colours = np.zeros((256, 3), np.uint8)
    entries = np.frombuffer(image.info.metadata.palette or b"", np.uint8)
    entries = entries[: len(entries) // 3 * 3].reshape(-1, 3)[:256]
    colours[: len(entries)] = entries
    notes: tuple[str, ...] = ()
    black = [index for index in used if index and not colours[index].any()]
    if black and colours[0].any():
        notes += (f"index 0 of the palette is background, though {black[0]} is black",)
    if not counts[_VOID]:
        return None, notes
    grey = bool((entries == entries[:, :1]).all())
    if grey or not ((used > 0) & (used < _VOID)).any():
        return None, (*notes, "255 of the palette marks: it is no void here")
    return _VOID, (*notes, "255 of the palette is void: these pixels do not count")


def _lossy_rules(image: LazyImage) -> tuple[int, tuple[str, ...]]:
    """Return half of the range, which must mark something if anything is not zero."""
    half = int(np.iinfo(image.dtype).max) // 2 + 1
    highest = max(int(band.max()) for band in _bands(image))
    if 0 < highest < half:
        raise TilingError(
            f"{image.path} is a mask in {image.info.format}, which keeps values only "
            f"nearly: of up to {highest} none reaches {half}; give the value that "
            "marks by --mask-threshold (mask_threshold=)"
        )
    note = f"{image.info.format} keeps masks only nearly: {half} and above marks"
    return half, (f"{note} (--mask-threshold)",)


def _reaching(image: LazyImage, threshold: float, void: int | None) -> LazyImage:
    """See a mask as bool: where any colour reaches a value, and it is not void."""
    return _derived(
        image, lambda part: _anywhere(np.asarray(part >= threshold), part, void)
    )


def _derived(
    image: LazyImage,
    change: Callable[[Array], Array],
    info: Any = None,
    dtype: Any = bool,
) -> LazyImage:
    """See a mask of any channels as one of ``(H, W)``; NaN is refused."""
    rest = (slice(None),) * (len(image.shape) - 2)

    def read(index: tuple[slice, ...]) -> Array:
        part = image[(*index, *rest)]
        if part.dtype.kind == "f" and np.isnan(part).any():
            raise ValueError("a mask cannot hold NaN: write 0 where nothing is marked")
        return change(part)

    info = image.info if info is None else info
    return LazyImage(image.path, image.shape[:2], np.dtype(dtype), read, info)


def _joined(masks: list[Mask]) -> Mask:
    """See several masks as one: the largest label, void where nothing else is said."""
    first, *others = masks
    for other in others:
        if other.shape != first.shape:
            raise TilingError(
                "the masks of an image must have one size: "
                f"{first.labels.path} is {'x'.join(map(str, first.shape))}, "
                f"{other.labels.path} is {'x'.join(map(str, other.shape))} "
                "(height x width)"
            )
    notes = tuple(dict.fromkeys(note for mask in masks for note in mask.notes))
    kinds = {(mask.labels.shape, mask.void) for mask in masks}
    dtype = np.result_type(*(mask.labels.dtype for mask in masks))
    path, info = first.labels.path, first.labels.info
    if len(kinds) > 1 or dtype.kind == "f":  # labels that mean different things

        def read(index: tuple[slice, ...]) -> Array:
            return reduce(np.logical_or, (mask[index] for mask in masks))

        return Mask(
            LazyImage(path, first.shape, np.dtype(bool), read, info), None, notes
        )

    def largest(index: tuple[slice, ...]) -> Array:
        parts = [mask.labels[index].astype(dtype, copy=False) for mask in masks]
        if first.void is None:
            return reduce(np.maximum, parts)
        top = reduce(np.maximum, (part * (part != first.void) for part in parts))
        void = reduce(np.logical_or, (part == first.void for part in parts))
        return np.where(void & (top == 0), np.asarray(first.void, dtype), top)

    return Mask(
        LazyImage(path, first.labels.shape, dtype, largest, info), first.void, notes
    )


def _bands(image: LazyImage) -> Iterator[Array]:
    """Yield a mask by bands of rows."""
    height = max(1, _BAND // max(1, size_of(image.shape[1:], image.dtype)))
    for top in range(0, image.shape[0], height):
        yield image[top : top + height]
