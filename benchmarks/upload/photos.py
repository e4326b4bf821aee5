"""Photos as a 12-megapixel camera makes them: soft shapes, fine texture, a little grain; 3 to 4 MB each."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

__all__ = ["camera_photo"]

_WIDTH, _HEIGHT = 4032, 3024
_QUALITY = 94
_OCTAVES = ((8, 90.0), (32, 40.0), (128, 18.0), (512, 9.0), (2016, 6.0))  # cells along the width, contrast


def camera_photo(seed: int) -> bytes:
    """A JPEG; the same for the same seed."""
    random = np.random.default_rng(seed)
    picture = np.full((_HEIGHT, _WIDTH, 3), 128, np.float32)
    for cells, contrast in _OCTAVES:
        rough = random.standard_normal((cells * 3 // 4, cells, 3), np.float32).clip(-2, 2) * 60 + 128
        smooth = Image.fromarray(rough.clip(0, 255).astype(np.uint8)).resize(
            (_WIDTH, _HEIGHT), Image.Resampling.BICUBIC
        )
        picture += (np.asarray(smooth, np.float32) - 128) * (contrast / 60)
    target = io.BytesIO()
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(target, "JPEG", quality=_QUALITY)
    return target.getvalue()
