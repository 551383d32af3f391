"""Train on tiles: a data set of them, its order, and random tiles as a transform."""

from reftiler.torch.data.random_tiles import RandomTiles
from reftiler.torch.data.tile_dataset import TileDataset, TileSampler

__all__ = ["RandomTiles", "TileDataset", "TileSampler"]
