"""The plug-in of napari: images with masks and maps as layers, and their tiles."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import numpy as np
from napari.layers import Image
from napari.types import LayerDataTuple
from napari.utils.notifications import show_warning
from numpy.typing import NDArray

from reftiler import Tiler, TilingError
from reftiler.axis import MODES
from reftiler.io import IMAGE_SUFFIXES
from reftiler_gui.model.anomaly_map import AnomalyMap
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_set import ImageSet, LoadedImage

LayerData: TypeAlias = tuple[Any, dict[str, Any], str]
Pixels: TypeAlias = Annotated[int, {"min": 0, "max": 2**20}]
Placement: TypeAlias = dict[str, NDArray[np.float64]]


def get_reader(
    path: str | Sequence[str],
) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """Return `read_layers` for images that reftiler reads; None for anything else."""
    paths = [path] if isinstance(path, str) else path
    known = all(str(one).lower().endswith(IMAGE_SUFFIXES) for one in paths)
    return read_layers if known else None


def read_layers(path: str | Sequence[str]) -> list[LayerData]:
    """Read images, their masks as labels, and the anomaly maps beside them."""
    found = ImageSet.open([path] if isinstance(path, str) else path)
    if not found.items:
        raise TilingError("; ".join(found.problems) or f"there is no image in {path}")
    layers = []
    for item in found.items:
        loaded = item.load()
        if loaded.image is None:
            raise TilingError(loaded.words)
        if loaded.words:
            show_warning(loaded.words)
        layers += _layers(loaded)
    return layers


def _layers(loaded: LoadedImage) -> list[LayerData]:
    image, item = loaded.image, loaded.item
    assert image is not None
    channels: dict[str, Any] = {}
    if image.channels == 3 or image.has_alpha:
        channels = {"rgb": True}
    elif image.channels > 1:
        names = [f"{item.name} {number}" for number in range(image.channels)]
        channels = {"channel_axis": -1, "name": names}
    array = np.asarray(image.array)
    if image.channels == 1 and array.ndim == 3:
        array = array[..., 0]
    layers: list[LayerData] = [(array, {"name": item.name, **channels}, "image")]
    if loaded.mask is not None:
        marks = loaded.mask.array.astype(np.uint8)
        layers.append((marks, {"name": f"{item.name} mask"}, "labels"))
    if item.maps:
        whole = {"scale": np.ones(2), "translate": np.zeros(2)}
        try:
            scores = item.open_map(image.size)
        except (ImportError, TilingError) as error:
            show_warning(str(error))
        else:
            layers.append(_map_layer(scores, item.name, whole))
    return layers


def add_tiles(
    image: Image,
    tile_width: Pixels = 256,
    tile_height: Pixels = 256,
    overlap: Pixels = 0,
    mode: Annotated[str, {"choices": MODES}] = "padding",
    border: Annotated[int, {"min": 0, "max": 2**20, "label": "border removed"}] = 0,
    coverage: bool = False,
    anomaly_map: Path | None = None,
) -> list[LayerDataTuple]:
    """
    Return layers of the tiles of an image.

    Parameters
    ----------
    image : Image
        The layer.
    tile_width, tile_height, overlap : int
        In pixels of the image.
    mode : str
        How tiles fit the image, as `reftiler.Tiler` has it.
    border : int
        Pixels at the edges of a tile that do not count.
    coverage : bool
        Whether to add how many tiles contribute to each pixel.
    anomaly_map : path-like, optional
        A map of the image, of its size or of one that divides it.

    Raises
    ------
    TilingError
        If reftiler refuses the settings, or the map does not fit.
    """
    shape = image.data[0].shape if image.multiscale else image.data.shape
    height, width = (shape[:-1] if image.rgb else shape)[-2:]
    tiler = Tiler(
        (tile_height, tile_width),
        overlap=overlap,
        mode=mode,
        remove_border_count=border,
    )
    grid = GridLookup(tiler.grid((height, width)))
    place = {
        "scale": np.asarray(image.scale)[-2:],
        "translate": np.asarray(image.translate)[-2:],
    }
    lines = {
        "name": f"{image.name} tiles",
        "edge_color": "#56B4E9",
        "edge_width": max(1, max(height, width) // 1000),
        "vector_style": "line",
        "metadata": {"tiler": tiler.to_dict(), "tiles": len(grid)},
        **place,
    }
    layers: list[LayerData] = [(_lines(grid), lines, "vectors")]
    if coverage:
        counts = grid.coverage(np.arange(height), np.arange(width))
        shown = {
            "name": f"{image.name} coverage",
            "colormap": "viridis",
            "opacity": 0.5,
            "contrast_limits": (0, max(1, int(counts.max()))),
            **place,
        }
        layers.append((counts.astype(np.uint16), shown, "image"))
    if anomaly_map is not None:
        scores = AnomalyMap.open(anomaly_map, (height, width))
        layers.append(_map_layer(scores, image.name, place))
    if uncovered := grid.grid.uncovered:
        show_warning(f"{uncovered:,} pixels are in no tile: other modes cover all")
    return layers


def _lines(grid: GridLookup) -> NDArray[np.float64]:
    """Return where tiles begin and end, as vectors across the padded image."""
    (top, bottom), (left, right) = grid.frame
    rows, columns = (
        np.unique(np.concatenate(edges))
        for edges in zip(grid.starts, grid.ends, strict=True)
    )
    across = [[[row, left], [0, right - left]] for row in rows]
    down = [[[top, column], [bottom - top, 0]] for column in columns]
    lines = np.array(across + down, dtype=np.float64)
    lines[:, 0] -= 0.5  # in napari a pixel's middle is its coordinate
    return lines


def _map_layer(scores: AnomalyMap, name: str, place: Placement) -> LayerData:
    """Return a map over its image: its pixels may cover several of the image's."""
    steps = np.array([float(step) for step in scores.scale])
    shown = {
        "name": f"{name} map",
        "colormap": "inferno",
        "opacity": 0.6,
        "blending": "translucent",
        "scale": place["scale"] * steps,
        "translate": place["translate"] + place["scale"] * (steps - 1) / 2,
    }
    return np.asarray(scores.array), shown, "image"
