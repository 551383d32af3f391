"""``python -m reftiler`` is the ``reftiler`` command."""

from reftiler.cli import main

main()
