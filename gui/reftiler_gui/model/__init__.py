"""What the viewer knows, without Qt: windows show it, tests ask it.

Everything about tiles comes from `reftiler`; nothing is tiled or paired here.
"""
