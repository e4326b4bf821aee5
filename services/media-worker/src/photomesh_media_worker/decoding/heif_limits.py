"""Lowers libheif's own security limits for this process.

libheif lets 1,073 megapixels and 4 GB through before it says no, and pillow-heif offers no way to say less; its C API
hands out the global limits, so they are set where they lie. The leading fields of the structure never change
(libheif/heif_security.h: new ones are appended, and `version` counts them).
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import pillow_heif

__all__ = ["SecurityLimits", "current", "lower"]

_MAX_TILES = 4_096  # a 48-megapixel photo of a phone has 192
_MAX_BLOCK_BYTES = 256 * 1024 * 1024


class SecurityLimits(ctypes.Structure):
    """`heif_security_limits`, version 1."""

    _fields_ = (
        ("version", ctypes.c_uint8),
        ("max_image_size_pixels", ctypes.c_uint64),
        ("max_number_of_tiles", ctypes.c_uint64),
        ("max_bayer_pattern_pixels", ctypes.c_uint32),
        ("max_items", ctypes.c_uint32),
        ("max_color_profile_size", ctypes.c_uint32),
        ("max_memory_block_size", ctypes.c_uint64),
    )


def current() -> SecurityLimits:
    """The limits that are in force, in libheif's own memory."""
    library = ctypes.CDLL(str(_library()))
    library.heif_get_global_security_limits.restype = ctypes.POINTER(SecurityLimits)
    limits: SecurityLimits = library.heif_get_global_security_limits().contents
    if limits.version < 1 or limits.max_image_size_pixels == 0:
        raise RuntimeError("this libheif has other limits than were expected")
    return limits


def lower(*, max_pixels: int) -> None:
    limits = current()
    limits.max_image_size_pixels = max_pixels
    limits.max_number_of_tiles = _MAX_TILES
    limits.max_memory_block_size = _MAX_BLOCK_BYTES


def _library() -> Path:
    """The libheif that pillow-heif brought along and has loaded."""
    folder = Path(pillow_heif.__file__).parent.parent / "pillow_heif.libs"
    return next(folder.glob("libheif-*.so*"))
