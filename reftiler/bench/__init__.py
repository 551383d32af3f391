"""The benchmark: every installed tiler on the same work, in one process, in turns.

``reftiler bench`` is its front end. Everything is timed against what the hardware
allows, and every result is compared with the reference while it is timed.
"""
