"""Names of the types of arrays, colours and places."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Ints: TypeAlias = NDArray[np.int64]
Pixels: TypeAlias = NDArray[np.uint32]
"""To paint, 0xAARRGGBB, premultiplied by alpha; see `reftiler_gui.model.colors`."""

Span: TypeAlias = tuple[int, int]  # the first row or column and one past the last
Size: TypeAlias = tuple[int, int]  # height and width
Box: TypeAlias = tuple[Span, Span]  # rows and columns
Rgb: TypeAlias = tuple[int, int, int]  # red, green and blue, 0 to 255
