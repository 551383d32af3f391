"""What a merger saves, so that another process can continue it."""

import json
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from reftiler.atomic import atomic_write, clean_stale
from reftiler.errors import TilingError
from reftiler.streaming.stores import reraise

PARTS = ("tiles", "weights")


class Checkpoint:
    """A folder with the state of a merge and the tiles that wait.

    The state is JSON, on the line after its checksum. It is written once all that it
    refers to is on the disk, and replaces the state before completely or not at all.
    """

    def __init__(self, path: Any) -> None:
        self.path = Path(path)
        self._state = self.path / "merge.json"
        self._remedy = f"delete {self.path} to begin anew"
        with reraise(f"checkpoint={self.path} cannot be a folder", "give another"):
            self.path.mkdir(parents=True, exist_ok=True)

    def file(self, part: str) -> Path:
        """Return where tiles or their weights wait."""
        return self.path / f"{part}.bin"

    def save(self, fingerprint: dict[str, Any], state: dict[str, Any]) -> None:
        """Write the state of the merge that has a fingerprint."""
        body = json.dumps({"fingerprint": fingerprint, **state}).encode()
        checked = b"%08x\n%s" % (zlib.crc32(body), body)
        with reraise(
            f"cannot write {self._state}", "what was saved before still holds"
        ):
            atomic_write(self._state, checked, durable=True)

    def load(self, fingerprint: dict[str, Any]) -> dict[str, Any] | None:
        """Return the state that was saved; None if none was."""
        with reraise(f"cannot read {self._state}", self._remedy):
            if not self._state.exists():
                return None
            checksum, _, body = self._state.read_bytes().partition(b"\n")
        if checksum != b"%08x" % zlib.crc32(body):
            raise self.damaged(self._state, "its checksum differs")
        state: dict[str, Any] = json.loads(body)
        self.check_same(state.pop("fingerprint"), fingerprint)
        return state

    def check_same(self, saved: dict[str, Any], wanted: dict[str, Any]) -> None:
        """Refuse to continue a merge that differs from the one that was saved."""
        wanted = json.loads(json.dumps(wanted))
        differing = [key for key in wanted if saved.get(key) != wanted[key]]
        if differing:
            raise TilingError(
                f"{self.path} holds another merge, which differs in "
                f"{', '.join(differing)}: give another checkpoint=, or delete it"
            )

    def damaged(self, path: Path, reason: str) -> TilingError:
        """Return the error for a file that is not as it was saved."""
        return TilingError(f"{path} is damaged: {reason}; {self._remedy}")

    def clear(self) -> None:
        """Remove what a merge left, and the folder if nothing else is in it."""
        # Tiles and weights without a state are ignored.
        for path in (self._state, *map(self.file, PARTS)):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # there are other files in it
            clean_stale(self.path)
            self.path.rmdir()
