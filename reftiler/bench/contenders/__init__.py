"""The tilers that are measured: each where it is installed."""

import sys
import warnings
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from reftiler.bench.contenders.base import Contender

__all__ = ["CONTENDERS", "find", "versions"]

_HERE = "reftiler.bench.contenders"

CONTENDERS = {
    "reftiler": f"{_HERE}.reference:Reference",
    "reftiler.torch": f"{_HERE}.twin:Twin",
    "reftiler.anomalib": f"{_HERE}.dropin:DropIn",
    "anomalib": f"{_HERE}.anomalib:Anomalib",
    "kornia": f"{_HERE}.kornia:Kornia",
    "tiler": f"{_HERE}.thelay:TheLay",
    "monai": f"{_HERE}.monai:Monai",
    "torch.fold": f"{_HERE}.fold:Fold",
    "patchify": f"{_HERE}.patchify:Patchify",
    "pytorch-toolbelt": f"{_HERE}.toolbelt:Toolbelt",
}
"""Where the module of each contender is, as ``module:class``."""


def find(names: Iterable[str]) -> tuple[list[type[Contender]], dict[str, str]]:
    """
    Import contenders.

    Returns
    -------
    found : list of type
        Those that are installed.
    missing : dict of str to str
        Why the others are not here.
    """
    found, missing = [], {}
    for name in names:
        module, _, kind = CONTENDERS[name].partition(":")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found.append(getattr(import_module(module), kind))
        except ImportError as error:
            missing[name] = f"not installed ({error})"
        except Exception as error:  # noqa: BLE001 - a stranger's import may fail anyhow
            missing[name] = f"cannot be imported ({type(error).__name__}: {error})"
    return found, missing


def versions(kinds: Iterable[type[Contender]]) -> dict[str, str]:
    """Return the versions of the contenders' packages, and of what they stand on."""
    found = {}
    beside = ["numpy", *(["torch"] if "torch" in sys.modules else [])]
    for package in (*beside, *(kind.package for kind in kinds)):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not from a package"
    return found
