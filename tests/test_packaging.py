"""What is installed: metadata, what the wheel holds, and the recipe for conda."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from reftiler import __version__

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[1]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT, EXTRAS = CONFIG["project"], CONFIG["project"]["optional-dependencies"]
CONDA_NAMES = {
    "torch": "pytorch",
    "pyside6-essentials": "pyside6",
    "matplotlib": "matplotlib-base",
}


@pytest.fixture(scope="module")
def recipe() -> Any:
    return yaml.safe_load((ROOT / ".ci/conda/recipe.yaml").read_text("utf-8"))


def split(requirement: str) -> tuple[str, frozenset[str]]:
    """Return the conda name of a requirement, and what its version must be."""
    parsed = Requirement(requirement)
    name = parsed.name.lower()
    return CONDA_NAMES.get(name, name), frozenset(map(str, parsed.specifier))


def test_the_conda_recipe_requires_what_the_package_does(recipe: Any) -> None:
    python = f"python {PROJECT['requires-python']}"
    requirements = {
        key: {split(one) for one in values}
        for key, values in recipe["requirements"].items()
    }
    assert requirements["run"] == set(map(split, [python, *PROJECT["dependencies"]]))
    build = CONFIG["build-system"]["requires"]
    assert requirements["host"] == set(map(split, [python, "pip", *build]))
    optional = {
        split(one)
        for extra, ones in EXTRAS.items()
        if extra not in ("test", "test-all")
        for one in ones
        if not one.startswith("reftiler[")
    }
    assert requirements["run_constraints"] == optional


def test_the_conda_recipe_is_of_this_version_and_these_commands(recipe: Any) -> None:
    assert recipe["context"]["version"] == __version__
    commands = PROJECT["scripts"] | PROJECT["gui-scripts"]
    assert recipe["build"]["python"]["entry_points"] == [
        f"{name} = {function}" for name, function in commands.items()
    ]
    about = recipe["about"]
    assert about["homepage"] == PROJECT["urls"]["Homepage"]
    assert about["summary"] == PROJECT["description"]
    assert (ROOT / about["license_file"]).is_file()


def test_the_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    latest = re.search(r"^## (\d+\.\d+\.\d+)(, not yet released)? \(", text, re.M)
    assert latest is not None
    version, pending = latest.groups()
    assert __version__ == (f"{version}.dev0" if pending else version)


def test_every_package_says_that_it_is_typed() -> None:
    for package in CONFIG["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        assert (ROOT / package / "py.typed").is_file(), package


def test_the_page_of_the_registry_has_no_links_of_its_own() -> None:
    """A link that leads somewhere in a clone leads nowhere from there."""
    text = (ROOT / "README.md").read_text("utf-8")
    hook = CONFIG["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    for one in hook["substitutions"]:
        text = re.sub(one["pattern"], one["replacement"], text)
    links = re.findall(r'(?:\]\(|src=")([^)"]+)', text)
    assert links
    assert [one for one in links if not re.match(r"https://|#", one)] == []
    base = re.escape("https://github.com/reftiler/reftiler/blob/main/")
    for place in re.findall(rf"{base}([^)#]+)", text):
        assert (ROOT / place).exists(), place
