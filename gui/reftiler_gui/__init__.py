"""The viewer: what tiling does to real images, on a desktop."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from reftiler.errors import missing_extra

if TYPE_CHECKING:
    from reftiler_gui.main_window import MainWindow

__all__ = ["view"]


def view(
    image: Any,
    mask: Any = None,
    maps: Any = None,
    tiler: Any = None,
    *,
    block: bool | None = None,
) -> "MainWindow":
    """
    Show images, their masks and anomaly maps, and how a tiler cuts them.

    Parameters
    ----------
    image : array-like, tensor, path, or sequence of these
        Arrays of shape (H, W), (H, W, C) or (C, H, W), or a batch of these; channels
        are found by their small number, as `reftiler.io.axes.guess_axes` does. Tensors
        of torch are (H, W), (C, H, W) or (N, C, H, W), on any device. A path may be a
        folder or a data set, as on the command line.
    mask : array-like, tensor, path, or sequence of these, optional
        What marks the defects; of several images one each, or None.
    maps : array-like, tensor, path, or sequence of these, optional
        Anomaly maps of the image's size, or of one that divides it: of one image one or
        several, of several images one each, or None. Of paths a folder, too.
    tiler : Tiler, TilingConfig or mapping, optional
        `reftiler.Tiler`, `reftiler.torch.Tiler`, or the settings of one by name.
    block : bool, optional
        Whether to return only when the window is closed. By default so in a script,
        but not in IPython and Jupyter, whose Qt event loop is started.

    Returns
    -------
    MainWindow
        The window, which lives until it is closed. It shows the arrays themselves:
        press F5 when they have changed.

    Raises
    ------
    ImportError
        If the extra ``gui`` is missing: ``pip install "reftiler[gui]"``.
    RuntimeError
        If there is no display, or this is not the main thread.
    TilingError, TypeError
        If an argument is nothing that can be shown, or masks or maps do not fit.

    Examples
    --------
    >>> import reftiler_gui
    >>> window = reftiler_gui.view(
    ...     image, mask=mask, maps=scores, tiler={"tile_size": 256, "overlap": 64}
    ... )  # doctest: +SKIP
    """
    try:
        from reftiler.cli.console import UsageError  # noqa: PLC0415 - it needs the extra
        from reftiler_gui import command  # noqa: PLC0415
    except ImportError as error:
        raise missing_extra("the viewer needs its extra", "gui", error) from error
    try:
        command.check_libraries(
            "give one, or write a picture: reftiler view IMAGE --screenshot FILE"
        )
    except UsageError as error:
        unusable = isinstance(error.__cause__, ImportError) or not find_spec("PySide6")
        raise (ImportError if unusable else RuntimeError)(str(error)) from error
    from reftiler_gui import app  # noqa: PLC0415 - it needs Qt

    return app.show(image, mask, maps, tiler, block)
