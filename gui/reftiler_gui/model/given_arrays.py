"""Images, masks and maps that are given in Python: arrays, tensors and paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from reftiler import Tiler, TilingError
from reftiler.config import TilingConfig
from reftiler.io import read_image, read_mask
from reftiler.io.axes import guess_axes
from reftiler.settings import TilerSettings
from reftiler.validation import shorten
from reftiler_gui.model.array_types import Array
from reftiler_gui.model.file_pixels import FilePixels, mapped_file
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.image_pyramid import GUESS
from reftiler_gui.model.image_set import ImageItem, ImageSet


def given_settings(tiler: Any) -> FormSettings | None:
    """Return the settings of a tiler of any backend, a configuration or a mapping."""
    if tiler is None:
        return None
    if isinstance(tiler, Mapping):
        tiler = Tiler(**tiler)
    if isinstance(tiler, TilerSettings):
        tiler = TilingConfig(Tiler.from_other(tiler))
    if not isinstance(tiler, TilingConfig):
        raise TypeError(
            "tiler is a Tiler, a TilingConfig or a mapping of settings, got "
            f"{shorten(tiler)}"
        )
    return FormSettings.of(tiler)


def given_images(
    image: Any, mask: Any, maps: Any, settings: FormSettings | None
) -> tuple[ImageSet | list[Path], list[Path]]:
    """Return what to open: an image set, or the paths of images and of their maps."""
    images, several = _images(image, settings)
    paths = [one for one in images if isinstance(one, Path)]
    map_paths = _paths(maps)
    if len(paths) == len(images) and mask is None and map_paths is not None:
        return paths, map_paths
    masks = _each(mask, len(images), several, "mask")
    scores = _each(maps, len(images), several, "maps")
    items = []
    for number, one in enumerate(images):
        found = scores[number]
        name = one.name if isinstance(one, Path) else f"image {number}"
        made = None if masks[number] is None else _mask(masks[number])
        if made is not None and not isinstance(one, Path):
            sizes = [f"{array.shape[1]} × {array.shape[0]}" for array in (made, one)]
            if sizes[0] != sizes[1]:
                raise TilingError(
                    f"the mask is {sizes[0]} (width × height), "
                    f"{name if several else 'the image'} {sizes[1]}: give a mask of "
                    "the image's size"
                )
        sources = found if isinstance(found, (list, tuple)) else [found]
        items.append(
            ImageItem(
                name if several or isinstance(one, Path) else "image",
                make=partial(_read, one, made),
                maps=tuple(_map(score) for score in sources if score is not None),
            )
        )
    return ImageSet(tuple(items), title="from Python"), []


def _images(image: Any, settings: FormSettings | None) -> tuple[list[Any], bool]:
    """Return paths, and arrays with channels last; and whether several were given."""
    if isinstance(image, (list, tuple)):
        if not image:
            raise TilingError("there is no image to show: the list is empty")
        found = [one for given in image for one in _images(given, settings)[0]]
        return found, True
    if isinstance(image, (str, Path)):
        return [Path(image)], False
    array = _array(image, "image")
    shape, tensor = array.shape, hasattr(image, "detach")
    axes = {2: "YX", 3: "CYX", 4: "KCYX"}.get(array.ndim, "") if tensor else ""
    axes = axes or guess_axes(shape)
    if axes == "KYX" and settings is not None:  # as the tiler would take it
        axes = "YXC" if settings.channels_last else "CYX"
    if "C" in axes:
        array = np.moveaxis(array, axes.index("C"), -1)
        array = array[..., 0] if array.shape[-1] == 1 else array
    if axes[0] != "K":
        return [array], False
    return list(array), len(array) > 1


def _each(value: Any, count: int, several: bool, what: str) -> list[Any]:
    """Return one value for each image."""
    if value is None:
        return [None] * count
    if not several:
        return [value]
    if not isinstance(value, (list, tuple)):
        value = value if isinstance(value, (str, Path)) else list(_array(value, what))
    if isinstance(value, (str, Path)) or len(value) != count:
        number = 1 if isinstance(value, (str, Path)) else len(value)
        raise TilingError(
            f"{what}: there are {count} images and {number} of these: give one for "
            "each, or None"
        )
    return list(value)


def _mask(value: Any) -> Array:
    if isinstance(value, (str, Path)):
        return np.asarray(read_mask(value))
    array = _array(value, "mask")
    while array.ndim > 2 and 1 in (array.shape[0], array.shape[-1]):
        array = array[0] if array.shape[0] == 1 else array[..., 0]
    if array.ndim != 2:
        raise TilingError(f"a mask has the shape (H, W), got {array.shape}")
    return array


def _map(value: Any) -> Path | Callable[[], Array]:
    if isinstance(value, (str, Path)):
        return Path(value)
    array = _array(value, "maps")
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    return lambda: _unmapped(array)


def _read(image: Path | Array, mask: Array | None) -> tuple[Array, Array | None]:
    if isinstance(image, Path):
        image = np.asarray(read_image(image, GUESS))
    if mask is not None and mapped_file(mask) is not None:
        mask = mask.copy()
    return _unmapped(image), mask


def _unmapped(array: Array) -> Any:
    """Return what does not end the process when a mapped file is cut short."""
    file = mapped_file(array)
    if file is None or file.mode == "c" or not array.flags.c_contiguous:
        return array
    return FilePixels(array, file)


def _paths(value: Any) -> list[Path] | None:
    """Return paths, if that is all there is; none of None."""
    values = value if isinstance(value, (list, tuple)) else [value]
    if value is None:
        return []
    only = all(isinstance(one, (str, Path)) for one in values)
    return [Path(one) for one in values] if only else None


def _array(value: Any, what: str) -> Array:
    """Return an array of real numbers, of a tensor on any device too."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if str(value.dtype) == "torch.bfloat16" else value
        value = value.numpy()
    array = np.asarray(value)
    if array.ndim < 2 or array.dtype.kind not in "biuf":
        raise TypeError(
            f"{what}: an array, a tensor or a path is shown, got {shorten(value)}"
        )
    return array
