"""Who takes part: each makes four JPEGs (1080, 640, 320, 150; quality 82, 4:2:0, optimised tables), upright, in sRGB,
without metadata. Only ours computes hashes, reads EXIF and refuses damaged photos.

Each module has one function, `make`, and is imported in a process of its own, because libvips is set up per process.
"""

from collections.abc import Mapping

__all__ = ["QUALITY", "SIZES", "Stages", "Unsupported"]

SIZES = (1080, 640, 320, 150)
QUALITY = 82
Stages = Mapping[str, float]
"""Seconds of each stage, where a contestant tells."""


class Unsupported(Exception):
    """The contestant cannot read this type."""
