"""``reftiler-gui`` and ``python -m reftiler_gui``: the viewer as a program."""

from reftiler.cli import run_program


def main() -> None:
    """Show the viewer; without its extra say what to install and exit with 2."""
    run_program("reftiler-gui", "reftiler_gui.command", "gui")


if __name__ == "__main__":
    main()
