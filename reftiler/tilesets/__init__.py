"""Tiles in files: cutting images into a folder, and putting them together again."""
