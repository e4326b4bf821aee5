"""What the platform accepts as a photo, in one place: upload enforces it early, media-worker again on the bytes, and
the gateway lists it at ``GET /v1/limits``."""

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
MULTIPART_THRESHOLD = 5_000_000  # what is larger is uploaded in parts
PART_SIZE = 5 * 1024 * 1024  # S3 takes no smaller part, save the last

MAX_PIXELS = 100_000_000
MAX_PIXELS_PROGRESSIVE = 52_000_000
"""Of what is decoded whole before its first line is known (progressive JPEG, WebP, AVIF, HEIC). Cameras sold as "50
megapixels" have up to 51.9 million (8320 × 6240); most phones 8192 × 6144."""
MAX_DIMENSION = 30_000  # pixels along one side

VARIANT_SIZES = (1080, 640, 320, 150)  # pixels along the longer side; none is larger than the photo itself
