"""The ``reftiler`` command: grids in numbers, images to tiles and back, a demo."""

import sys

_INTERRUPTED = 130  # as shells have it: 128 and the number of the signal


def main() -> None:
    """Run the command; without its extra say what to install and exit with 2."""
    run_program("reftiler", "reftiler.cli.app", "cli")


def run_program(name: str, module: str, extra: str) -> None:
    """Run the ``app`` of a module as a program of a name, and exit.

    It is imported here and not before, so that Ctrl-C ends imports as quietly as work,
    and so that an extra is named that is missing.
    """
    try:
        sys.exit(_run(name, module, extra))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _run(name: str, module: str, extra: str) -> int:
    from importlib import import_module  # noqa: PLC0415 - Ctrl-C may come meanwhile

    from reftiler.cli import signals, streams  # noqa: PLC0415
    from reftiler.errors import missing_extra  # noqa: PLC0415

    signals.end_at_once()
    streams.make_safe()
    try:
        app = import_module(module).app
    except ImportError as error:
        sys.stderr.write(f"{missing_extra(f'{name} needs its extra', extra, error)}\n")
        return 2
    try:
        app(prog_name=name)
    except SystemExit as error:
        code = error.code
    else:
        code = 0
    return streams.flush(code if isinstance(code, int) else int(bool(code)))
