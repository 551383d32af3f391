"""Sizes and images as anomalib's helpers make them, by reftiler's rules."""

from collections.abc import Sequence
from enum import Enum
from typing import Any

import torch
from torch import Tensor

from reftiler.axis import fit_axis
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.torch import Tiler
from reftiler.validation import as_exact_ints


class ImageUpscaleMode(str, Enum):
    """How an image is enlarged to the size that its tiles fill."""

    PADDING = "padding"
    """By zeros behind its last row and column."""
    INTERPOLATION = "interpolation"
    """By repeating pixels, so that none is lost."""


class StrideSizeError(TilingError):
    """The stride is larger than the tile: pixels between tiles would be lost."""


def check_mode(mode: Any) -> ImageUpscaleMode:
    """Return a mode given as a text, or as the member of this enum or anomalib's."""
    value = mode.value if isinstance(mode, Enum) else mode
    for known in ImageUpscaleMode:
        if value == known.value:
            return known
    raise TilingError(f"mode must be 'padding' or 'interpolation', got {mode!r}")


def check_tensor(value: Any, name: str, axes: tuple[int, ...]) -> None:
    """Refuse what is no tensor or has other numbers of axes."""
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{name} must be a torch tensor, got {type(value).__name__}")
    if value.dim() not in axes:
        layouts = " or ".join("(N, C, H, W)" if n == 4 else "(C, H, W)" for n in axes)
        raise TilingError(f"{name} must be {layouts}, got {tuple(value.shape)}")


def check_image(image: Tensor, tile: tuple[int, int]) -> Tensor:
    """Return images (N, C, H, W) that are no smaller than a tile."""
    check_tensor(image, "image", (3, 4))
    size = tuple(image.shape[-2:])
    if any(s < t for s, t in zip(size, tile, strict=True)):
        raise TilingError(
            f"the tile {tile} is larger than the image {size}: use a smaller "
            "tile_size, or enlarge the image with upscale_image"
        )
    return image if image.dim() == 4 else image.unsqueeze(0)


def compute_new_image_size(
    image_size: Sequence[int], tile_size: Sequence[int], stride: Sequence[int]
) -> tuple[int, int]:
    """Return the height and width that tiles fill, at least those of the image.

    Parameters
    ----------
    image_size, tile_size, stride : sequence of 2 ints
        Height and width.
    """
    given = {"image_size": image_size, "tile_size": tile_size, "stride": stride}
    sizes = (as_exact_ints(s, name, rank=2, minimum=1) for name, s in given.items())
    height, width = (
        fit_axis(length, tile, step, "padding", both=False).padded_length
        for length, tile, step in zip(*sizes, strict=True)
    )
    return height, width


def upscale_image(
    image: Tensor,
    size: Sequence[int],
    mode: ImageUpscaleMode | str = ImageUpscaleMode.PADDING,
) -> Tensor:
    """Enlarge images to ``size``, by padding or by repeating pixels.

    Parameters
    ----------
    image : Tensor, shape (N, C, H, W)
        Of any dtype, which the result keeps.
    size : sequence of 2 ints
        Height and width, no smaller than the image's.
    mode : ImageUpscaleMode
        What fills the new pixels.
    """
    frame, inner = _two_sizes(image, size)
    if any(have > want for have, want in zip(inner, frame, strict=True)):
        raise TilingError(
            f"upscale_image makes images larger, and {inner} exceeds {frame}: use "
            "downscale_image"
        )
    # One tile of the new size: the tiler extends the image to it.
    return Tiler(frame, mode=check_mode(mode).value).tile(image)


def downscale_image(
    image: Tensor,
    size: Sequence[int],
    mode: ImageUpscaleMode | str = ImageUpscaleMode.PADDING,
) -> Tensor:
    """Undo `upscale_image`: give back images of ``size``, bit for bit.

    Parameters
    ----------
    image : Tensor, shape (N, C, H, W)
        What `upscale_image` returned, or what became of it.
    size : sequence of 2 ints
        Height and width, no larger than the image's.
    mode : ImageUpscaleMode
        How the image was enlarged.
    """
    inner, frame = _two_sizes(image, size)
    if any(want > have for want, have in zip(inner, frame, strict=True)):
        raise TilingError(
            f"downscale_image makes images smaller, and {inner} exceeds {frame}: use "
            "upscale_image"
        )
    tiler = Tiler(frame, mode=check_mode(mode).value)
    return untile_batch(tiler, image, image.shape[0], tiler.grid(inner))


def untile_batch(tiler: Tiler, tiles: Tensor, batch: int, grid: Grid) -> Tensor:
    """Merge the tiles of ``batch`` images, a symbol while a model is exported."""
    if type(batch) is int:
        return tiler.untile(tiles, (batch, 1, *grid.image_size), grid)
    # A shape takes numbers only, but the tiles may have any number of channels.
    planes = tiles.reshape(batch, len(grid), *tiles.shape[1:]).movedim(0, 1)
    whole = tiler.untile(planes.flatten(1, 2), (1, *grid.image_size), grid)
    return whole.reshape(batch, -1, *grid.image_size)


def _two_sizes(
    image: Tensor, size: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the size that is asked for and the one that the image has."""
    check_tensor(image, "image", (4,))
    return as_exact_ints(size, "size", rank=2, minimum=1), tuple(image.shape[2:])
