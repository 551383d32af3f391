"""The adapters ask what they say they ask, and their page does what it shows."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from reftiler_conformance import Case, Info, Unsupported
from reftiler_conformance.check import checks
from reftiler_conformance.client import Local
from reftiler_conformance.exchange import HarnessError
from reftiler_conformance.expected import expected_merge, expected_tiles
from reftiler_conformance.features import features
from reftiler_conformance.host import load
from reftiler_conformance.peers.base import (
    Array,
    PeerLibrary,
    PeerSession,
    both,
    require_claimed,
    tile_weights,
)
from reftiler_conformance.results import Status, overall
from reftiler_conformance.search import Search
from reftiler_conformance.subjects import BUILT_IN
from reftiler_conformance.wrapped import PLAIN, Wrapped

PAGE = Path(__file__).parents[1] / "conformance" / "ADAPTERS.md"
FILE = re.compile(r"^```python\n# (\w+)\.py\n(.*?)^```$", re.DOTALL | re.MULTILINE)

ONE = Case(size=(5, 7), tile=(3, 3), stride=(2, 2), channels=2)
TWO = Case(size=(4, 9), tile=(2, 3), stride=(2, 3), channels=3, batch=2)


def outcome(name: str, *asked: str, examples: int = 15) -> dict[str, Status]:
    """Return what becomes of clauses or families."""
    subject = load(name)
    client, claimed = Local(subject), subject.info().claimed
    found: dict[str, list[Status]] = {}
    for check in checks():
        if check.clause.startswith(asked):
            statuses = found.setdefault(check.clause, [])
            try:
                search = Search(check, client, claimed, "cpu")
                statuses.append(search.run(examples, 0).status)
            except Unsupported:
                statuses.append(Status.UNSUPPORTED)
    assert found
    return {clause: overall(statuses) for clause, statuses in found.items()}


def told(statuses: dict[str, Status], status: Status) -> set[str]:
    return {clause for clause, found in statuses.items() if found is status}


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


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_subject_is_there(name: str) -> None:
    module, _, attribute = BUILT_IN[name].partition(":")
    found = find_spec(module)  # imports the package alone, not the library it asks
    assert found is not None
    assert found.origin is not None
    tree = ast.parse(Path(found.origin).read_text(encoding="utf-8"))
    assert attribute in {n.name for n in tree.body if isinstance(n, ast.ClassDef)}


@pytest.mark.parametrize(
    "name", ["numpy", "torch", "reftiler.anomalib", "torch.fold", "scikit-image"]
)
def test_cuts_and_merges_what_fits(name: str) -> None:
    pytest.importorskip("torch")
    subject = load(name)
    claimed = subject.info().claimed
    for case in (ONE, TWO):
        session = subject.open(case, "cpu")
        tiles = session.tile(case.image().copy())
        np.testing.assert_array_equal(tiles, expected_tiles(case))
        if "untile" in claimed:
            merged = session.untile(case.tiles().copy())
            np.testing.assert_allclose(merged, expected_merge(case), rtol=1e-6)


@pytest.mark.parametrize("name", ["reftiler.anomalib", "scikit-image"])
def test_conforms_in_what_it_claims(name: str) -> None:
    pytest.importorskip("torch")
    families = ("TILE-", "VIEW", "GRID", "MERGE", "BORDER", "SCALE", "TRIP", "LAYOUT")
    found = outcome(name, *families, examples=3)
    assert set(found.values()) == {Status.PASSED, Status.UNSUPPORTED}
    assert {"TILE-001", "LAYOUT-008"} <= told(found, Status.PASSED)


def test_fold_starts_its_sums_from_zero() -> None:
    pytest.importorskip("torch")
    found = outcome("torch.fold", "TILE-001", "MERGE-001", "MERGE-007", examples=60)
    assert told(found, Status.FAILED) == {"MERGE-007"}
    assert told(found, Status.PASSED) == {"TILE-001", "MERGE-001"}


def test_scikit_image_only_cuts() -> None:
    session = load("scikit-image").open(ONE, "cpu")
    with pytest.raises(Unsupported, match="untile"):
        session.untile(ONE.tiles())


@pytest.mark.parametrize("name", ["anomalib", "kornia", "monai", "patchify", "tiler"])
def test_a_library_that_is_missing_is_named(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, BUILT_IN[name].partition(":")[0], raising=False)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(HarnessError, match=f"^{name} cannot be imported.*{name}"):
        load(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nobody", "'nobody' is no subject: give module:attribute, or one of numpy"),
        ("no_such_module:Tiler", "cannot be imported: ModuleNotFoundError"),
        ("reftiler:NoTiler", "cannot be imported: AttributeError"),
        ("reftiler:Axis", "is neither an adapter"),
    ],
)
def test_what_is_no_subject_is_refused(name: str, words: str) -> None:
    with pytest.raises(HarnessError, match=words):
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
    """What a subclass must tell."""

    name, package = "halves", "numpy"
    claims = features(
        *("tile", "untile", "rank:1", "plain", "overlap", "merge:mean"), *both("int8")
    )
    session = Halves


def test_a_peer_says_who_it_is() -> None:
    release = metadata.version("numpy")
    claims = Library.claims
    assert Library().info() == Info(
        "halves", release, claims, ("cpu",), {"numpy": release}
    )


def test_a_session_asks_only_for_what_is_claimed() -> None:
    plain = Case(size=(4,), tile=(2,), stride=(2,), dtype="int8")
    session = Library().open(plain, "cpu")
    assert session.untile(session.tile(plain.image())).tolist() == [0, 1, 2, 3]
    bordered = Case(size=(9,), tile=(3,), stride=(1,), border=(1,), dtype="int8")
    with pytest.raises(Unsupported, match=r"^border$"):
        Library().open(bordered, "cpu").untile(bordered.tiles())
    wide = Case(size=(4,), tile=(2,), stride=(2,))
    with pytest.raises(Unsupported, match=r"^tile:float32$"):
        Library().open(wide, "cpu").tile(wide.image())
    with pytest.raises(Unsupported, match=r"^border$"):  # though it changes no tile
        Library().open(bordered, "cpu").tile(bordered.image())


def test_only_tiles_that_were_cut_are_put_back() -> None:
    case = Case(size=(3,), tile=(2,), stride=(1,), dtype="int8")
    session = Library().open(case, "cpu")
    with pytest.raises(Unsupported, match="no mean"):
        session.untile(case.tiles())
    assert isinstance(session, Halves)
    session._cut = case.tiles()
    session.require_round_trip(case.tiles().copy(), "no mean")
    with pytest.raises(Unsupported, match="no mean"):
        session.require_round_trip(case.tiles() + np.int8(1), "no mean")


def test_missing_claims_are_named() -> None:
    require_claimed(frozenset({"tile"}), frozenset({"tile", "view"}))
    with pytest.raises(Unsupported, match=r"^tile, view$"):
        require_claimed(frozenset({"view", "tile"}), frozenset())


def test_custom_windows_are_products_of_profiles() -> None:
    case = Case(size=(2, 3), tile=(2, 3), stride=(2, 3))
    profiles = ((1e-300, 2e-300), (1.0, 4.0, 2.0))
    want = [[0.125, 0.5, 0.25], [0.25, 1.0, 0.5]]
    assert tile_weights(profiles, case).tolist() == want


@pytest.mark.parametrize("bits", [0, 1, 0x7FC1, 0x8000, 0xFF80])
def test_tensors_carry_bits(bits: int) -> None:
    pytest.importorskip("torch")
    tensors = import_module("reftiler_conformance.peers.tensors")
    case = Case(size=(1,), tile=(1,), stride=(1,), dtype="bfloat16")
    array = np.array([bits], "<u2").view(case.numpy_dtype)
    tensor = tensors.to_tensor(array, "cpu")
    assert str(tensor.dtype) == "torch.bfloat16"
    assert tensors.to_array(tensor).tobytes() == array.tobytes()


class Recorder:
    """A class that notes how it is made and called."""

    features = (*PLAIN, "border")
    calls: list[tuple[str, object]]

    def __init__(
        self, tile_size: object, stride: object, remove_border_count: object
    ) -> None:
        self.calls = [("made", (tile_size, stride, remove_border_count))]

    def tile(self, image: Array) -> Array:
        self.calls.append(("tile", image.shape))
        return image

    def untile(self, tiles: Array, shape: object = None) -> Array:
        self.calls.append(("untile", shape))
        return tiles


class Remembering(Recorder):
    """As anomalib's tiler: its second argument is no shape."""

    def untile(self, tiles: Array, grid: object = None) -> Array:
        return super().untile(tiles, grid)


@pytest.mark.parametrize(
    ("kind", "shape"), [(Recorder, (2, 5, 7)), (Remembering, None)]
)
def test_a_class_is_made_and_called_as_documented(
    kind: type[Recorder], shape: object
) -> None:
    session = Wrapped(kind).open(ONE, "cpu")
    session.untile(ONE.tiles())
    assert session.tiler.calls == [
        ("made", ((3, 3), (2, 2), (0, 0))),
        ("tile", (2, 5, 7)),  # it does not claim to merge without
        ("untile", shape),
    ]


def test_a_class_says_what_it_claims() -> None:
    assert Wrapped(Recorder).info().claimed == features(*PLAIN, "border")
    hann = Case((5, 7), (3, 3), (2, 2), channels=2, window="hann")
    session = Wrapped(Recorder).open(hann, "cpu")
    with pytest.raises(Unsupported, match=r"^window:hann$"):
        session.untile(hann.tiles())


def test_the_pages_class_conforms(page: Path) -> None:
    found = outcome("squares:Squares", "TILE-", "MERGE", "LAYOUT", "TRIP", "TYPE")
    assert not told(found, Status.FAILED) | told(found, Status.ERROR)
    assert {"TILE-001", "TRIP-001", "LAYOUT-008"} <= told(found, Status.PASSED)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of numpy, in quilt
def test_the_pages_adapter_finds_the_faults_that_it_names(page: Path) -> None:
    families = ("TILE-", "MERGE", "ROUND", "LAYOUT", "TYPE", "TRIP-001")
    found = outcome("quilt_adapter:Quilt", *families, examples=40)
    assert told(found, Status.FAILED) == {"ROUND-003", "MERGE-007"}
    assert not told(found, Status.ERROR)
    assert {"TILE-001", "MERGE-001"} <= told(found, Status.PASSED)
    assert len((page / "quilt_adapter.py").read_text().splitlines()) < 30


def test_the_pages_session_cuts_before_it_merges(page: Path) -> None:
    module = import_module("stateful_adapter")
    recorder = Recorder((3, 3), (2, 2), 0)
    session = module.Session(recorder, ONE)
    session.untile(ONE.tiles())
    assert [name for name, _ in recorder.calls] == ["made", "tile", "untile"]


def test_the_pages_features_are_features() -> None:
    words = re.findall(r"^\| (`.*?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    for word in re.findall(r"`([^`]+)`", " ".join(words)):
        features(re.sub("…|DTYPE", "*", word))
