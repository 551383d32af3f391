"""The ``reftiler`` command: grids in numbers, images to tiles and back, a demo."""

import signal
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command; without its extra say what to install and exit with 2."""
    try:
        from reftiler.cli.app import app  # noqa: PLC0415 - it needs the extra
    except ImportError as error:
        sys.stderr.write(
            f'reftiler: the command needs its extra: pip install "reftiler[cli]" '
            f"({error})\n"
        )
        sys.exit(2)
    # Whoever is asked to end tidies up first, as after Ctrl-C; 143 is the shells' code.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    app(prog_name="reftiler")
