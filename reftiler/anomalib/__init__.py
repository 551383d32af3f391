"""anomalib's tiler with reftiler's rules: change one import, and nothing else.

``from reftiler.anomalib import Tiler`` takes the place of ``from
anomalib.data.utils.tiler import Tiler``. Names, signatures and attributes are those of
anomalib 2.x (read and compared with 2.7.0), which need not be installed; all tiling is
done by `reftiler.torch.Tiler`. What a user of anomalib can notice:

============================ ============================ ============================
Row                          anomalib does                here
============================ ============================ ============================
dtype                        Tiles and merged images are  They keep the dtype of what
                             float32, whatever came in.   came in; means of integers
                                                          are rounded, and bool is
                                                          true where any tile says so.
NaN                          Becomes 0 in ``untile``.     Stays NaN.
``stride=None``              Raises AttributeError.       Means the tile size.
border at the image's rim    Is removed and becomes 0.    Is kept: only rims between
                                                          tiles are removed.
border that leaves gaps      The pixels between the       As much is removed as leaves
                             tiles become 0, or           tiles that meet, the rest is
                             ``untile`` fails.            kept; a warning says so.
border of maps               Counts pixels of the map,    Counts pixels of the image:
                             whatever its resolution.     times the scale, rounded up.
maps with padding            Keep it: with tiles of 16,   Are cropped to the image's
                             stride 8 and maps of 1/4,    size times the scale,
                             18 pixels come back as 6.    rounded up: 5.
maps in interpolation mode   Are enlarged to the image's  Come back at their own
                             own size.                    resolution.
fractional stride of maps    Is truncated: tiles are      Tiles are moved to the next
                             misplaced, the last pixels   whole pixel, and a warning
                             become 0, or it fails.       says so.
interpolation round trip     Loses pixels.                Is exact to the bit.
random tiles: where          Of the padded image, by      Of the image itself, by the
                             torch's global generator.    tiler's own ``seed``, alike
                                                          on every platform.
random tiles: order          All images' first tiles,     All tiles of the first image,
                             then all second ones.        then of the next, as always.
random tiles: merging        Fails, or merges by the      Works; ``fill`` (0) is shown
                             grid of an earlier call.     where there is no tile.
two calls of ``tile``        The second overwrites the    Each is remembered, for each
                             first: its tiles merge into  thread apart, until it is
                             a wrong image or none.       merged; see `Tiler.untile`.
``untile`` without ``tile``  Raises AttributeError.       Works with ``grid=``, such as
                                                          `Tiler.grid` or its JSON;
                                                          else raises ValueError.
``pad_h``, ``pad_w``         Are never set.               Tell how much is padding.
sizes                        Third numbers are ignored,   Only one or two positive ints
                             0 and True are taken.        are taken, numpy's too.
images smaller than a tile   ``compute_new_image_size``   It returns the tile size.
                             returns any size.            ``tile`` refuses the image
                             ``tile`` refuses the image   with ValueError likewise.
                             with ValueError.
rounding                     Sums are float32.            Sums are float64, rounded
                                                          once.
============================ ============================ ============================

Which call of ``tile`` belongs to the tiles that ``untile`` is given? anomalib's models
cut one batch and merge one or several maps of it before they cut the next. So: the
very tensor that one of the last calls returned is recognised. Other tiles belong to
the latest call in this thread that returned so many, be it the last call or one none
of whose tiles were merged when the next came; in a thread that never cut anything, to
the last call of all. Where two batches in hand have as many tiles and another size,
keep `Tiler.grid` and pass it to ``untile``.

`EnsembleTiler` takes the place of the tiler of anomalib's tiled ensemble.

`torch.export` takes models with this tiler for any batch size and one image size;
`torch.compile` takes them with a break in the graph where they tile.
"""

from typing import TYPE_CHECKING

import reftiler.torch  # noqa: F401 - first of all, for it says what to install
from reftiler.anomalib.ensemble import EnsembleTiler
from reftiler.anomalib.images import (
    ImageUpscaleMode,
    StrideSizeError,
    compute_new_image_size,
    downscale_image,
    upscale_image,
)
from reftiler.anomalib.tiler import Tiler
from reftiler.validation import Sizes

if TYPE_CHECKING:
    from reftiler.anomalib.callback import TilerConfigurationCallback

__all__ = [
    "EnsembleTiler",
    "ImageUpscaleMode",
    "StrideSizeError",
    "Tiler",
    "compute_new_image_size",
    "downscale_image",
    "tiler_configuration_callback",
    "upscale_image",
]


def tiler_configuration_callback(
    enable: bool = False,
    tile_size: Sizes = 256,
    stride: Sizes | None = None,
    remove_border_count: int = 0,
    mode: ImageUpscaleMode | str = ImageUpscaleMode.PADDING,
) -> "TilerConfigurationCallback":
    """Return anomalib's ``TilerConfigurationCallback``, but with this tiler.

    Parameters
    ----------
    enable : bool
        Whether models get a tiler.
    tile_size, stride, remove_border_count, mode
        As for `Tiler`.

    Raises
    ------
    ImportError
        If anomalib is not installed: nothing else here needs it.
    """
    from reftiler.anomalib.callback import TilerConfigurationCallback  # noqa: PLC0415

    return TilerConfigurationCallback(
        enable, tile_size, stride, remove_border_count, mode
    )
