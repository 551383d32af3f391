"""The libraries that are timed, each set up once for a workload."""

import sys
import warnings
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np

from reftiler.tiler import Tiler
from reftiler_conformance.bench.workloads import Array, Workload
from reftiler_conformance.cases import Case
from reftiler_conformance.features import Features
from reftiler_conformance.needs import needs_to_tile, needs_to_untile
from reftiler_conformance.oracle import profile
from reftiler_conformance.oracle.layout import join
from reftiler_conformance.peers import BUILT_IN
from reftiler_conformance.peers.base import PeerLibrary
from reftiler_conformance.protocol import Unsupported

_PEERS = (
    *("reftiler.anomalib", "anomalib", "kornia", "tiler", "monai"),
    *("torch.fold", "patchify", "pytorch-toolbelt"),
)

LIBRARIES = {
    "reftiler": BUILT_IN["numpy"],
    "reftiler.torch": BUILT_IN["torch"],
    **{name: BUILT_IN[name] for name in _PEERS},
}
"""Where each library that is timed is, as ``module:class``."""

Libraries = dict[str, PeerLibrary]


def find(names: Iterable[str]) -> tuple[Libraries, dict[str, str]]:
    """Import libraries: return those that are installed, and why the others are not."""
    found: Libraries = {}
    missing: dict[str, str] = {}
    for name in names:
        module, _, kind = LIBRARIES[name].partition(":")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                library = getattr(import_module(module), kind)()
                library.info()
            found[name] = library
        except ImportError as error:
            missing[name] = f"not installed ({error})"
        except Exception as error:  # noqa: BLE001 - an import may fail in any way
            missing[name] = f"cannot be imported ({type(error).__name__}: {error})"
    return found, missing


def versions(libraries: Libraries) -> dict[str, str]:
    """Return the versions of the libraries' packages, and of what they stand on."""
    shared = ["numpy", *(["torch"] if "torch" in sys.modules else [])]
    own = {library.package: library.version() for library in libraries.values()}
    return {package: version(package) for package in shared} | own


class Implementation:
    """A library's tiler, set up for one workload.

    `tile` and `untile` are timed and make the library's own calls, on its own types;
    all else converts. Without batches it is called for one image after the other.
    """

    def __init__(
        self, name: str, library: PeerLibrary, work: Workload, device: str
    ) -> None:
        self.name, self.library, self.work, self.device = name, library, work, device
        claims = library.claims
        self.supports_out, self.exact = "out" in claims, "exact" in claims
        self.case = case_of(work, claims)
        if device == "cuda" and not library.timed_on_cuda:
            raise Unsupported("not on cuda")
        needed = needs_to_tile(self.case) | {
            word
            for word in needs_to_untile(self.case)
            if word.startswith(("window:", "border"))
        }
        # Where the mode is missing, how it would pad is of no interest.
        if missing := sorted(w for w in needed - claims if not w.startswith("pad")):
            raise Unsupported(", ".join(f"no {word}" for word in missing))
        kind = library.timed_session
        self.session: Any = (
            kind(self.case, device, claims) if kind else library.open(self.case, device)
        )

    @property
    def reference(self) -> Tiler:
        """The reference's tiler, with the tiles where the library has them."""
        case = self.case
        return self.work.tiler(mode=case.mode, pad_side=case.pad_side, fill=case.fill)

    def tile(self, images: list[Any], out: Any = None) -> list[Any]:
        """Cut images."""
        if out is not None:
            return [self.session.cut(images[0], out=out)]
        return [self.session.cut(image) for image in images]

    def untile(self, tiles: list[Any], out: Any = None) -> list[Any]:
        """Merge tiles."""
        if out is not None:
            return [self.session.merge(tiles[0], out=out)]
        return [self.session.merge(one) for one in tiles]

    def view(self, images: list[Any]) -> Any:
        """Show the windows."""
        return self.session.cut_view(images[0])

    def to_images(self, array: Array) -> list[Any]:
        """Return images (N, C, *S) as the library takes them."""
        shape = self.case.shape
        count = len(array) if self.case.batch is None else 1
        parts = array.reshape(count, *shape)
        return [self.session.to_image(part) for part in parts]

    def to_tiles(self, array: Array) -> list[Any]:
        """Return tiles (N·K, C, *T) as the library takes them."""
        case = self.case
        count = self.work.shape[0] if case.batch is None else 1
        shape = join(len(array) // count, case.channels, case.tile, False)
        return [self.session.to_tiles(part) for part in array.reshape(count, *shape)]

    def iter_tiles(self, results: list[Any]) -> Iterator[Array]:
        """Yield the tiles (C, *T) that were made, image-major."""
        shape = self.work.tiles_shape[1:]
        for result in results:
            for tile in self.session.iter_tiles(result):
                yield tile.reshape(shape)

    def from_images(self, results: list[Any]) -> Array:
        """Return the images (N, C, *S) that were merged."""
        images: list[Array] = [self.session.from_image(r) for r in results]
        if self.case.batch is not None:
            return images[0]
        stacked = np.stack(images)
        return stacked if stacked.ndim == len(self.work.shape) else stacked[:, None]

    def synchronize(self) -> None:
        """Wait until the device has done what it was told."""
        if self.device == "cuda":
            sys.modules["torch"].cuda.synchronize()


def case_of(work: Workload, claims: Features) -> Case:
    """Return a workload as a case, in the layout and the mode that are claimed."""
    rank, (images, channels) = work.rank, work.shape[:2]
    size, tile, stride = work.size, (work.tile,) * rank, (work.stride,) * rank
    depth: int | None = channels
    border = (work.border,) * rank if work.border else ()
    uncut: tuple[tuple[float, ...], ...] = ()
    if "channels" not in claims:
        depth = None
        if channels > 1:  # an axis that is not cut
            size, tile, stride = (
                (channels, *lengths) for lengths in (size, tile, stride)
            )
            border = (0, *border) if border else ()
            uncut = ((1.0,) * channels,)
    modes = [mode for mode in ("padding", "drop", "clamp") if f"mode:{mode}" in claims]
    mode = modes[0] if modes else "padding"
    window: Any = work.window
    if uncut or (f"window:{window}" not in claims and "window:custom" in claims):
        weights = tuple(map(float, profile(work.window, work.tile)))
        window = (*uncut, *(weights,) * rank)
    return Case(
        size,
        tile,
        stride,
        batch=images if "batch" in claims else None,
        channels=depth,
        mode=mode,
        pad_side="end" if "pad_side:end" in claims else "both",
        window="box" if work.window == "box" else window,
        border=border,
        fill=0 if mode == "drop" else None,
        dtype=work.dtype,
    )


def peak_memory(library: PeerLibrary, work: Workload) -> int:
    """Return about how many bytes a call of a library needs beyond its input."""
    return int(library.peak_memory_factor.get(work.dtype, 0) * work.bytes)
