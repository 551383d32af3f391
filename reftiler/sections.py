"""Where a configuration file says how to tile: finding the section in YAML."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from reftiler.checks import keys
from reftiler.errors import TilingError

__all__ = ["SECTION", "bare_section", "load_yaml_support", "read_section"]

SECTION = "tiling"

_CALLBACK = "TilerConfigurationCallback"


def read_section(path: str | Path, known: Collection[str]) -> dict[str, Any]:
    """
    Return the tiling section of a YAML file, its keys not yet checked.

    In a whole configuration it is the section ``tiling``, at the top or in
    ``dataset``, or the arguments of anomalib's ``TilerConfigurationCallback`` among
    the callbacks of ``trainer``; otherwise the file is the section.

    Parameters
    ----------
    path : str or Path
        The file.
    known : collection of str
        Keys of a section, one of which tells a bare section from other files.

    Raises
    ------
    ImportError
        If PyYAML is not installed.
    TilingError
        If the file cannot be read, is not YAML or says nothing of tiling; the file
        is named, and the line if there is one.
    """
    yaml = load_yaml_support()
    try:
        content = yaml.safe_load(Path(path).read_bytes())
    except OSError as error:
        raise TilingError(f"cannot read {path}: {error.strerror or error}") from error
    except (yaml.YAMLError, ValueError) as error:  # a date such as 2020-13-45
        raise TilingError(_fault(path, error)) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise TilingError(f"{path} must hold keys and values, got {content!r}")
    section = _find(content)
    if SECTION not in section and not any(key in known for key in section):
        raise TilingError(
            f"{path} has no section {SECTION!r}, only {', '.join(map(str, section))}: "
            f"put the settings under {SECTION}:"
        )
    return section


def bare_section(content: Any) -> dict[str, Any]:
    """Return a section without the key ``tiling`` above it; empty if there is none."""
    if isinstance(content, Mapping) and SECTION in content:
        keys(content, [SECTION], f"a mapping with a section {SECTION!r}")
        content = content[SECTION]
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise TypeError(f"the {SECTION} section must hold keys, got {content!r}")
    return dict(content)


def load_yaml_support() -> Any:
    """Return PyYAML's module, which only those who read files need."""
    try:
        import yaml  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(
            'configuration files need PyYAML: pip install "reftiler[cli]"'
        ) from error
    return yaml


def _find(content: dict[str, Any]) -> dict[str, Any]:
    """Return what of a whole configuration is about tiling."""
    dataset, trainer = (content.get(key) for key in ("dataset", "trainer"))
    for place in (content, dataset):
        if isinstance(place, dict) and SECTION in place:
            return {SECTION: place[SECTION]}
    callbacks = trainer.get("callbacks") if isinstance(trainer, dict) else None
    for callback in callbacks if isinstance(callbacks, list) else [callbacks]:
        if isinstance(callback, dict) and _CALLBACK in str(callback.get("class_path")):
            return {SECTION: callback.get("init_args")}
    return content


def _fault(path: str | Path, error: Exception) -> str:
    """Say in one line what is wrong with a YAML file and where."""
    mark = getattr(error, "problem_mark", None)
    place = f", line {mark.line + 1}" if mark else ""
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{path}{place}: not YAML: {problem}"
