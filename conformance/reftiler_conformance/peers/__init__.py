"""Libraries that tile, one module each: what they can do, and how they are called.

The conformance kit judges them and the benchmark times them, through the same calls.
"""
