"""The adapters ask what they say they ask, and their page does what it shows."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reftiler_conformance import Case, Info, Unsupported, run
from reftiler_conformance.features import features
from reftiler_conformance.peers import BUILT_IN
from reftiler_conformance.peers.base import Array, PeerLibrary, PeerSession, both
from reftiler_conformance.worker import load
from reftiler_conformance.wrapped import PLAIN, Wrapped
from tests.test_adoption import in_project

PAGE = Path(__file__).parents[1] / "conformance" / "ADAPTERS.md"
FILE = re.compile(r"^```python\n# (\w+)\.py\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OUTPUT = re.compile(r"<!-- output -->(.*)<!-- end -->", re.DOTALL)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_subject_is_there(name: str) -> None:
    module, _, attribute = BUILT_IN[name].partition(":")
    found = find_spec(module)  # imports the package alone, not the library it asks
    assert found is not None
    assert found.origin is not None
    tree = ast.parse(Path(found.origin).read_text(encoding="utf-8"))
    assert attribute in {n.name for n in tree.body if isinstance(n, ast.ClassDef)}


@pytest.mark.parametrize("name", ["reftiler.anomalib", "torch.fold", "scikit-image"])
def test_a_built_in_subject_does_what_it_claims(name: str) -> None:
    pytest.importorskip("torch")
    found = statuses(name, "TILE-001,MERGE-001", 4)
    assert "TILE-001" in found["passed"]
    merges = "unsupported" if name == "scikit-image" else "passed"
    assert "MERGE-001" in found[merges]
    assert set(found) == {"passed", merges}


@pytest.mark.parametrize("name", ["anomalib", "kornia", "monai", "patchify", "tiler"])
def test_a_library_that_is_missing_is_named(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, BUILT_IN[name].partition(":")[0], raising=False)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(Exception, match=f"^{name} cannot be imported.*{name}"):
        load(name)


class Halves(PeerSession):
    """Cuts an image of one axis into halves; merges as it likes."""

    def cut(self, image: Array) -> Array:
        return image.reshape(-1, *self.case.tile)

    def check_merge(self, tiles: Array) -> None:
        self.require_round_trip(tiles, "no mean")

    def merge(self, tiles: Array) -> Array:
        return tiles.reshape(self.case.size)


class Library(PeerLibrary):
    name, package = "halves", "numpy"
    claims = features(
        *("tile", "untile", "rank:1", "plain", "overlap", "merge:mean"), *both("int8")
    )
    session = Halves


def test_a_peer_says_who_it_is_and_is_asked_for_what_it_claims() -> None:
    release = metadata.version("numpy")
    want = Info("halves", release, Library.claims, ("cpu",), {"numpy": release})
    assert Library().info() == want
    plain = Case(size=(4,), tile=(2,), stride=(2,), dtype="int8")
    session = Library().open(plain, "cpu")
    assert session.untile(session.tile(plain.image())).tolist() == [0, 1, 2, 3]
    bordered = Case(size=(9,), tile=(3,), stride=(1,), border=(1,), dtype="int8")
    with pytest.raises(Unsupported, match=r"^border$"):
        Library().open(bordered, "cpu").untile(bordered.tiles())
    with pytest.raises(Unsupported, match=r"^border$"):  # though it changes no tile
        Library().open(bordered, "cpu").tile(bordered.image())
    overlapping = Case(size=(3,), tile=(2,), stride=(1,), dtype="int8")
    with pytest.raises(Unsupported, match="no mean"):  # it cut no such tiles
        Library().open(overlapping, "cpu").untile(overlapping.tiles())


def test_tensors_carry_bits() -> None:
    pytest.importorskip("torch")
    tensors = import_module("reftiler_conformance.peers.tensors")
    bits = np.array([0, 1, 0x7FC1, 0x8000, 0xFF80], "<u2")
    array = bits.view(Case((1,), (1,), (1,), dtype="bfloat16").numpy_dtype)
    tensor = tensors.to_tensor(array, "cpu")
    assert str(tensor.dtype) == "torch.bfloat16"
    assert tensors.to_array(tensor).tobytes() == array.tobytes()
    with pytest.raises(Unsupported, match="strides"):
        tensors.to_tensor(np.zeros(2)[::-1], "cpu")


class Recorder:
    """A class that notes how it is made and called."""

    features = (*PLAIN, "border")

    def __init__(self, size: Any, stride: Any, remove_border_count: Any) -> None:
        self.calls: list[Any] = [(size, stride, remove_border_count)]

    def tile(self, image: Array) -> Array:
        self.calls.append(image.shape)
        return image

    def untile(self, tiles: Array, shape: Any = None) -> Array:
        self.calls.append(shape)
        return tiles


class Overlapping(Recorder):
    """Its second argument is no shape, and it has an overlap."""

    def __init__(self, patch: Any, overlap: Any = 0) -> None:
        super().__init__(patch, overlap, None)

    def untile(self, tiles: Array, grid: Any = None) -> Array:
        return super().untile(tiles, grid)


def test_a_class_is_made_and_called_by_its_signatures() -> None:
    case, shape, other = Case((5, 7), (3, 3), (2, 2), channels=2), (2, 5, 7), (2, 9, 9)
    for kind, made, given in [
        (Recorder, ((3, 3), (2, 2), (0, 0)), shape),
        (Overlapping, ((3, 3), (1, 1), None), None),
    ]:
        session = Wrapped(kind).open(case, "cpu")
        session.untile(case.tiles())  # which it does not claim before it has cut
        session.tile_another(np.zeros(other))
        session.untile(case.tiles())
        assert session.tiler.calls == [made, shape, given, other, given]
    assert Wrapped(Recorder).info().claimed == features(*PLAIN, "border")
    cutter = a_class(lambda self, t: None, tile=Recorder.tile)
    assert Wrapped(cutter).info().claimed == features(
        *("tile", "rank:2", "channels", "tile:float32", "tile:float64"), "merge:mean"
    )


def a_class(made: Any, **named: Any) -> type:
    return type("Made", (), {"__init__": made, **named})


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (a_class(lambda self, t: None, features="untile"), "and has no method"),
        (a_class(lambda self, t: None, features="scale"), "scale, and has no adapter"),
        (a_class(lambda self, t: None, features="overlap"), "and has no stride"),
        (a_class(lambda self, t, color: None), "made with color, .* adapter"),
    ],
)
def test_a_class_that_cannot_be_asked_is_refused(kind: type, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Wrapped(kind).info()


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Write the page's files, where they can be imported until the test ends."""
    names = []
    for name, code in FILE.findall(PAGE.read_text(encoding="utf-8")):
        (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
        names.append(name)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in names:
        sys.modules.pop(name, None)


def statuses(name: str, clauses: str, examples: int) -> dict[str, set[str]]:
    """Return the clauses of each status."""
    found: dict[str, set[str]] = {}
    for result in run(name, clauses=clauses, examples=examples, isolated=False):
        found.setdefault(result.status.value, set()).add(result.clause)
    return found


@pytest.mark.long
def test_the_pages_class_conforms_in_the_pages_test_file(page: Path) -> None:
    code, text = in_project(page, "test_tiling.py", "-k", "TILE-001 or TRIP")
    assert code == 0, text
    assert " passed" in text


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of numpy, in quilt
def test_the_pages_adapter_finds_the_faults_that_it_names(page: Path) -> None:
    found = statuses("quilt_adapter:Quilt", "TILE,MERGE,ROUND,LAYOUT,TYPE", 40)
    shown = OUTPUT.search(PAGE.read_text(encoding="utf-8"))
    assert shown is not None
    assert found["failed"] == set(re.findall(r"^(\w+-\d+): ", shown[1], re.MULTILINE))
    assert set(found) == {"failed", "passed", "unsupported"}
    assert len((page / "quilt_adapter.py").read_text().splitlines()) <= 27


def test_the_pages_features_are_features() -> None:
    words = re.findall(r"^\| (`.*?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(words) == 13
    for word in re.findall(r"`([^`]+)`", " ".join(words)):
        features(re.sub("…|DTYPE", "*", word))
