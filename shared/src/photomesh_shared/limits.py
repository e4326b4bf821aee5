"""Limits of photos: upload enforces them early, media-worker on the bytes, and the gateway lists them at ``GET
/v1/limits``."""

from __future__ import annotations

__all__ = [
    "ALLOWED_TYPES",
    "MAX_DIMENSION",
    "MAX_PIXELS",
    "MAX_PIXELS_PROGRESSIVE",
    "MAX_UPLOAD_BYTES",
    "MULTIPART_THRESHOLD",
    "PART_SIZE",
    "VARIANT_SIZES",
]

ALLOWED_TYPES = ("image/jpeg", "image/png", "image/webp", "image/avif", "image/heic")

MAX_UPLOAD_BYTES = 50_000_000
MULTIPART_THRESHOLD = 5_000_000  # larger photos are uploaded in parts
PART_SIZE = 5 * 1024 * 1024  # S3's minimum, except for the last part

MAX_PIXELS = 100_000_000
MAX_PIXELS_PROGRESSIVE = 52_000_000
"""For formats that must be decoded whole before the first line (progressive JPEG, WebP, AVIF, HEIC). Cameras sold as
"50
megapixels" have up to 51.9 million (8320 × 6240); most phones 8192 × 6144."""
MAX_DIMENSION = 30_000  # pixels per side

VARIANT_SIZES = (1080, 640, 320, 150)  # pixels of the longer side; photos are never enlarged
