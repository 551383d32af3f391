"""What leaves the viewer: pictures, tiles and files."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PySide6.QtCore import QBuffer
from PySide6.QtGui import QImage, QImageWriter

from reftiler import TilingError
from reftiler.atomic import FolderLock, atomic_write
from reftiler.io import ReadOptions, open_image, write_image
from reftiler.io.datasets import ImageEntry
from reftiler.tilesets.export import Export
from reftiler.tilesets.job import ExportOptions
from reftiler.tilesets.plan import plan_export
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.image_set import ImageItem
from reftiler_gui.model.steps import Work

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp")


def save_picture(picture: QImage, path: Path) -> None:
    """Write a picture; TilingError if it cannot be written."""
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    suffix = path.suffix.lower()
    writer = QImageWriter(buffer, suffix.removeprefix(".").encode())
    if suffix not in _PICTURES or not writer.write(picture):
        raise TilingError(
            f"cannot write {path}: pictures are written as .png, .jpg or .bmp"
        )
    write_file(path, bytes(buffer.data().data()), overwrite=True)


def write_tiles(item: ImageItem, settings: FormSettings, folder: Path) -> Work[int]:
    """Cut an image into a folder; if that is refused or cancelled, nothing is left."""
    if folder.is_dir() and any(folder.iterdir()):
        raise TilingError(f"{folder} is not empty: choose a new or empty folder")
    with TemporaryDirectory() as temporary:
        sample, options = _on_disk(item, Path(temporary))
        export = plan_export(
            (sample,), settings.config(), source=sample.image, options=options
        )
        yield 0.0
        with FolderLock(folder):
            yield from _written(export, folder)
    return export.count


def _written(export: Export, folder: Path) -> Work[None]:
    """Write in a thread, so that one can stop between two tiles."""
    stop, written = threading.Event(), 0

    def advance(tiles: int, _: int) -> None:
        nonlocal written
        written += tiles
        if stop.is_set():
            raise TilingError("writing the tiles was cancelled")

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(export.write, folder, advance=advance)
        try:
            while not writing.done():
                wait([writing], timeout=0.05)
                yield written / max(1, export.count)
        finally:
            stop.set()
            if writing.exception() is not None:  # it waits for the end
                _clear(folder)
    writing.result()


def _clear(folder: Path) -> None:
    """Remove what a run that failed has left in a folder that was new or empty."""
    for path in list(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _on_disk(item: ImageItem, temporary: Path) -> tuple[ImageEntry, ExportOptions]:
    """Return an image's files, written if need be, and how they are exported."""
    if item.image is not None:
        image = open_image(item.image, item.reading)
        axes, page = item.reading.axes, item.reading.page
        if axes is None and image.info.format != "TIFF" and len(image.info.axes) > 2:
            axes = image.info.axes
        if page is None and image.info.pages > 1:
            page = 0
        entry = ImageEntry(item.image, item.masks, item.split, item.label)
        reading = replace(item.reading, axes=axes, page=page, guess=False)
        alpha, shape, dtype = image.info.alpha, image.shape, np.dtype(image.dtype)
    else:
        loaded = item.load()
        if loaded.image is None:
            raise TilingError(loaded.words)
        array = np.asarray(loaded.image.array)
        alpha, shape, dtype = False, array.shape, array.dtype
        path = temporary / f"{item.name.replace('/', '_')}.npy"
        write_image(path, array)
        masks: tuple[Path, ...] = ()
        if loaded.mask is not None:
            masks = (path.with_name(f"{path.stem}_mask.png"),)
            write_image(masks[0], loaded.mask.array)
        entry, reading = ImageEntry(path, masks), ReadOptions(axes="YXC"[: array.ndim])
    png = fits_png((*shape, 1)[2], dtype, alpha=alpha)
    return entry, ExportOptions(reading=reading, file_format="png" if png else "tiff")


def fits_png(channels: int, dtype: np.dtype[Any], *, alpha: bool) -> bool:
    """Tell whether PNG can hold pixels."""
    known = channels in ((2, 4) if alpha else (1, 3))
    return known and dtype.name in ("bool", "uint8", "uint16")


def write_file(path: Path, data: bytes | str, *, overwrite: bool) -> None:
    """Write a file; TilingError if it is there already, or cannot be written."""
    if path.is_dir():
        raise TilingError(f"cannot write {path}: it is a folder")
    if not overwrite and path.exists():
        raise TilingError(
            f"{path} is there already: give another name, or ask to overwrite it"
        )
    try:
        atomic_write(path, data.encode() if isinstance(data, str) else data)
    except OSError as error:
        cause = error.strerror or str(error)
        raise TilingError(f"cannot write {path}: {cause}") from error
