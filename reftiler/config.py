"""Tiling as configuration files spell it: the sections that anomalib users have."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any

from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.random_starts import SEED_LIMIT
from reftiler.tiler import Tiler
from reftiler.validation import as_bool, as_int, reject_unknown_keys, shorten
from reftiler.yaml_io import load_yaml_support, read_yaml

__all__ = ["KEYS", "TilingConfig", "read_section", "unwrap_section"]

SECTION = "tiling"

_CALLBACK = "TilerConfigurationCallback"
_WHERE = f"the {SECTION} section"
_TILER = tuple(setting.name for setting in fields(Tiler) if setting.init)
_SETTINGS = (*_TILER, "overlap", "seed")
_RANDOM = ("use_random_tiling", "random_tile_count")
# CONFIG-001, CONFIG-002, CONFIG-003
_ENABLE_KEYS = {"apply": (*_SETTINGS, *_RANDOM), "enable": _SETTINGS}
"""The key that switches tiling on, old and new, and what may stand beside it."""

KEYS = (*_ENABLE_KEYS, *_SETTINGS, *_RANDOM)
"""The keys that a section may have."""


@dataclass(frozen=True)
class TilingConfig:
    """
    Whether and how to tile, as a section of a configuration file says it.

    Attributes
    ----------
    tiler : Tiler or None
        How to cut; None for no tiling.
    random_count : int or None
        How many random tiles to cut of each image; None for a grid of tiles.
    seed : int
        Of the random tiles.

    Raises
    ------
    TypeError
        If a value is of the wrong type.
    TilingError
        If a value breaks a rule.
    """

    tiler: Tiler | None = None
    random_count: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.tiler is not None and not isinstance(self.tiler, Tiler):
            raise TypeError(f"tiler must be a Tiler or None, got {shorten(self.tiler)}")
        if self.random_count is not None:
            count = as_int(self.random_count, "random_tile_count", minimum=1)
            object.__setattr__(self, "random_count", count)
            if self.tiler is None:
                raise TilingError(f"{count} random tiles need a tiler, got None")
        object.__setattr__(self, "seed", as_int(self.seed, "seed", minimum=0))
        if self.seed >= SEED_LIMIT:
            raise TilingError(f"seed must be below 2**128, got {shorten(self.seed)}")

    @classmethod
    def from_mapping(cls, content: Mapping[str, Any] | None) -> "TilingConfig":
        """
        Read a section, bare or under the one key ``tiling``.

        Parameters
        ----------
        content : mapping, optional
            The older section of anomalib with the switch ``apply``, or that of its
            callback with the switch ``enable``. The settings of `Tiler` and ``seed``
            may stand beside either. As everywhere in reftiler, a list of one number
            is the size of tiles with *one* axis: write 256 or [256, 256] for square
            tiles of images. Modes may be spelled as anomalib's enum has them.

        Returns
        -------
        TilingConfig
            Without a tiler if the section is missing, empty or switched off.

        Raises
        ------
        TypeError
            If a value is of the wrong type.
        TilingError
            If a key is unknown, a switch is missing or a value breaks a rule.
        """
        section = unwrap_section(content)
        if not section or not _switched_on(section):  # CONFIG-004
            return cls()
        if section.get("tile_size") is None:
            raise TilingError(f"{_WHERE} is switched on and lacks tile_size: give one")
        tiler = Tiler(**_arguments(section))  # CONFIG-008
        seed = 0 if section.get("seed") is None else section["seed"]
        return cls(tiler, _random_count(section), seed)

    @classmethod
    def from_yaml(cls, path: str | Path) -> "TilingConfig":
        """
        Read a YAML file: a section alone, or a whole configuration that has one.

        It may stand at the top or in ``dataset``, or be the arguments of anomalib's
        ``TilerConfigurationCallback`` among the callbacks of ``trainer``.

        Raises
        ------
        ImportError
            If PyYAML is not installed.
        TypeError, TilingError
            As `from_mapping`, and if the file cannot be read; the file is named.
        """
        section = read_section(path, KEYS)
        try:
            return cls.from_mapping(section)
        except (TilingError, TypeError) as error:
            raise type(error)(f"{path}: {error}") from error

    def plan(self, image_size: Sequence[int]) -> Grid:
        """
        Plan the tiles of an image of ``image_size``, its spatial sizes.

        Raises
        ------
        TilingError
            If tiling is switched off, or the size does not suit the tiler.
        """
        if self.tiler is None:
            raise TilingError("tiling is switched off: there is nothing to plan")
        if self.random_count is None:
            return self.tiler.grid(image_size)
        return self.tiler.random(image_size, self.random_count, self.seed)

    def to_yaml(self) -> str:
        """Write the older section, which says everything, under ``tiling``."""
        section: dict[str, Any] = {"apply": self.tiler is not None}
        if self.tiler is not None:
            section |= {name: _plain(getattr(self.tiler, name)) for name in _TILER}
            section["use_random_tiling"] = self.random_count is not None
            if self.random_count is not None:
                section["random_tile_count"] = self.random_count
            section["seed"] = self.seed
        text = load_yaml_support().safe_dump(
            {SECTION: section}, sort_keys=False, default_flow_style=None
        )
        return str(text)


def _switched_on(section: dict[str, Any]) -> bool:
    reject_unknown_keys(section, KEYS, _WHERE)  # CONFIG-007
    switches = [switch for switch in _ENABLE_KEYS if switch in section]
    if len(switches) != 1:  # CONFIG-005
        raise TilingError(
            f"{_WHERE} must have one of apply and enable, got "
            f"{' and '.join(switches) or 'none'}: write apply: true to tile"
        )
    (switch,) = switches
    reject_unknown_keys(
        section, [switch, *_ENABLE_KEYS[switch]], f"{_WHERE} with {switch}"
    )
    return as_bool(section[switch], switch)


def _arguments(section: dict[str, Any]) -> dict[str, Any]:
    """Return the tiler's arguments; a null means the default, as in anomalib."""
    # CONFIG-009
    given = {key: section[key] for key in _SETTINGS if section.get(key) is not None}
    given.pop("seed", None)
    mode = given.get("mode")
    if isinstance(mode, Enum):
        given["mode"] = mode = mode.value
    if isinstance(mode, str) and mode.isupper():  # CONFIG-010
        given["mode"] = mode.lower()  # Lightning writes enums by their names
    return given


def _random_count(section: dict[str, Any]) -> int | None:
    wanted = section.get("use_random_tiling")  # CONFIG-006
    if wanted is None or not as_bool(wanted, "use_random_tiling"):
        return None
    count = section.get("random_tile_count")
    if count is None:
        raise TilingError(
            f"{_WHERE} has use_random_tiling: true and lacks random_tile_count: say "
            "how many"
        )
    return as_int(count, "random_tile_count", minimum=1)


def _plain(value: Any) -> Any:
    """Return tuples as lists, which every YAML reader knows."""
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def read_section(path: str | Path, known: Collection[str]) -> dict[str, Any]:
    """
    Return the tiling section of a YAML file, its keys not yet checked.

    In a whole configuration it is the section ``tiling``, at the top or in
    ``dataset``, or the arguments of anomalib's ``TilerConfigurationCallback`` among
    the callbacks of ``trainer``; otherwise the file is the section. Keys may be
    dotted, as in ``trainer.callbacks:``.

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
    try:
        content = read_yaml(path)
    except OSError as error:
        raise TilingError(f"cannot read {path}: {error.strerror or error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise TilingError(f"{path} must hold keys and values, got {shorten(content)}")
    section = _find(content)
    if SECTION not in section and not any(key in known for key in section):
        keys = ", ".join(map(shorten, list(section)[:8]))
        raise TilingError(
            f"{path} has no section {SECTION!r}, only {keys}: put the settings under "
            f"{SECTION}:"
        )
    return section


def unwrap_section(content: Any) -> dict[str, Any]:
    """Return a section without the key ``tiling`` above it; empty if there is none."""
    if isinstance(content, Mapping) and SECTION in content:
        reject_unknown_keys(content, [SECTION], f"a mapping with a section {SECTION!r}")
        content = content[SECTION]
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise TypeError(f"the {SECTION} section must hold keys, got {shorten(content)}")
    return dict(content)


def _find(content: dict[str, Any]) -> dict[str, Any]:
    """Return what of a whole configuration is about tiling."""
    for path in ((SECTION,), ("dataset", SECTION)):
        found, section = _lookup(content, path)
        if found:
            return {SECTION: section}
    _, callbacks = _lookup(content, ("trainer", "callbacks"))
    for callback in callbacks if isinstance(callbacks, list) else [callbacks]:
        name = callback.get("class_path") if isinstance(callback, dict) else None
        if isinstance(name, str) and _CALLBACK in name:
            return {SECTION: callback.get("init_args")}
    return content


def _lookup(content: Any, path: tuple[str, ...]) -> tuple[bool, Any]:
    """Look a path of keys up, each alone or joined to the next by a dot."""
    if not path:
        return True, content
    for stop in range(1, len(path) + 1 if isinstance(content, dict) else 0):
        key = ".".join(path[:stop])
        if key in content:
            found, value = _lookup(content[key], path[stop:])
            if found:
                return True, value
    return False, None
