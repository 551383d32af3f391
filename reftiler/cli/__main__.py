"""``python -m reftiler.cli`` is the ``reftiler`` command."""

from reftiler.cli import main

main()
