"""The benchmark: every installed tiler on the same work, in one process, interleaved.

``reftiler bench`` is its command. Everything is timed against the memory bandwidth of
the hardware, and every result is compared with the reference while it is timed.
"""
