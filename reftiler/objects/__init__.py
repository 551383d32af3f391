"""Objects in images: boxes, polygons and masks, cut along with tiles and brought back.

Coordinates are those of pixel edges, as COCO and YOLO have them: the first pixel of an
image reaches from 0 to 1, and a box of all its pixels is ``(0, 0, width, height)``.
"""

from reftiler.objects.image_object import ImageObject
from reftiler.objects.tiling import TiledObjects, cut_objects, object_to_image

__all__ = ["ImageObject", "TiledObjects", "cut_objects", "object_to_image"]
