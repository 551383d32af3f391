"""A report on an image of what is opened, written without a window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reftiler import TilingError
from reftiler.config import TilingConfig
from reftiler_gui.model.form_settings import START, FormSettings
from reftiler_gui.model.html_report import page
from reftiler_gui.model.image_set import ImageSet, LoadedImage
from reftiler_gui.model.mock_models import MockModel
from reftiler_gui.model.report import report
from reftiler_gui.model.steps import Work, finish
from reftiler_gui.model.writing import write_file

__all__ = ["report_on", "write_report"]


def write_report(
    loaded: LoadedImage,
    settings: FormSettings,
    stand_in: MockModel | None,
    path: Path,
    *,
    overwrite: bool,
) -> Work[None]:
    """
    Write a report on an image.

    Raises
    ------
    TilingError, TypeError
        If reftiler refuses the settings or the image, or the file cannot be written.
    """
    if path.exists() and not overwrite:
        write_file(path, "", overwrite=False)  # refuses, before any work is done
    whole = yield from report(loaded, settings, stand_in)
    write_file(path, page(whole), overwrite=overwrite)


def report_on(
    paths: Sequence[Path],
    config: TilingConfig | None,
    stand_in: MockModel | None,
    path: Path,
    *,
    overwrite: bool,
) -> None:
    """
    Write a report on the first image that a window would show.

    Raises
    ------
    TilingError, TypeError, ImportError
        As `write_report`, and if there is no image in ``paths``.
    """
    document = ImageSet.open(paths)
    if not document.items:
        named = ", ".join(map(str, paths))
        raise TilingError("; ".join(document.problems) or f"no image in {named}")
    settings = START if config is None else FormSettings.of(config)
    for file in document.settings if config is None else ():
        settings = FormSettings.read(file)
    loaded = document.items[document.start].load()
    finish(write_report(loaded, settings, stand_in, path, overwrite=overwrite))
