"""The viewer: what tiling does to real images, on a desktop."""
