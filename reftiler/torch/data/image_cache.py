"""Images that were decoded, as many as a number of bytes holds."""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from reftiler.io.lazy import size_of
from reftiler.streaming.stores import ReadableArray

__all__ = ["ImageCache", "ImagePair"]


class ImagePair(NamedTuple):
    """An image and its mask: in memory, or read by slices."""

    image: ReadableArray
    mask: ReadableArray | None

    @property
    def nbytes(self) -> int:
        """Bytes of both in memory."""
        arrays = [array for array in self if array is not None]
        return sum(size_of(array.shape, array.dtype) for array in arrays)


class ImageCache:
    """The images that were used last, in memory.

    Parameters
    ----------
    max_bytes : int
        Bytes of all images and masks; larger ones are read by slices each time.
    open_pair : callable
        Opens the image of a number.
    """

    def __init__(self, max_bytes: int, open_pair: Callable[[int], ImagePair]) -> None:
        self._max_bytes, self._open = max_bytes, open_pair
        self._held: OrderedDict[int, ImagePair] = OrderedDict()
        self._bytes = 0

    def __getitem__(self, number: int) -> ImagePair:
        """Return an image; room is made before it is read."""
        if number in self._held:
            self._held.move_to_end(number)
            return self._held[number]
        image, mask = pair = self._open(number)
        if pair.nbytes > self._max_bytes:
            return pair
        while self._bytes + pair.nbytes > self._max_bytes:
            self._bytes -= self._held.popitem(last=False)[1].nbytes
        pair = ImagePair(image[...], None if mask is None else mask[...])
        self._held[number] = pair
        self._bytes += pair.nbytes
        return pair
