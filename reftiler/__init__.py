"""The reference for cutting images into tiles and putting them back.

A `Tiler` is what you asked for. With an image size it gives a `Grid`: where every
tile lies, in integers. `Tiler.tile` cuts by it and `Tiler.untile` merges by it; what
each does to every pixel is fixed by the specification, ``conformance/SPEC.md``.

This package needs numpy alone. It is not the fastest tiler: it is the one that the
fast ones are held to.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reftiler.axis import Axis
    from reftiler.errors import TilingError
    from reftiler.grid import Grid
    from reftiler.json_io import SPEC_VERSION
    from reftiler.parallel import get_num_threads, set_num_threads
    from reftiler.tiler import Tiler

__version__ = "0.2.0.dev0"

__all__ = [
    "SPEC_VERSION",
    "Axis",
    "Grid",
    "Tiler",
    "TilingError",
    "__version__",
    "get_num_threads",
    "set_num_threads",
]

if not TYPE_CHECKING:
    # Loaded when first used: the command's help and its refusals need none of them.
    _MODULES = {
        "SPEC_VERSION": "json_io",
        "Axis": "axis",
        "Grid": "grid",
        "Tiler": "tiler",
        "TilingError": "errors",
        "get_num_threads": "parallel",
        "set_num_threads": "parallel",
    }

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415

        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
