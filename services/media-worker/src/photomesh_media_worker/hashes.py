"""Fingerprints of a picture: a 64-bit perceptual hash and a ThumbHash. Both take an upright sRGB picture."""

from __future__ import annotations

import base64
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from photomesh_media_worker.raster import Pixels

__all__ = ["PHASH_SIDE", "THUMBHASH_SIDE", "phash", "thumbhash"]

PHASH_SIDE = 32
THUMBHASH_SIDE = 100
"""Longer side of the picture that `thumbhash` takes, at most."""

_Plane = npt.NDArray[np.float64]


@lru_cache(maxsize=64)
def _cosines(count: int, length: int) -> _Plane:
    """Rows are the first `count` basis functions of the DCT-II over `length` samples."""
    frequency, sample = np.arange(count)[:, np.newaxis], np.arange(length)[np.newaxis, :]
    return np.cos(np.pi / length * frequency * (sample + 0.5))


def phash(picture: Pixels) -> str:
    """16 hex digits. `picture` is 32 × 32 × 3.

    The algorithm and the order of bits of `imagehash.phash`: luma, DCT-II, the 8 × 8 lowest frequencies, one bit each
    for "above their median". Two hashes of one picture differ in few bits; 10 of 64 is a usual threshold.
    """
    luma = picture.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    basis = _cosines(8, PHASH_SIDE)
    # Rounded, because in a flat picture all but one coefficient are noise around zero.
    low = np.round(basis @ luma @ basis.T, 6)
    median = np.sort(low, axis=None)[31:33].mean()  # `np.median` imports modules when called
    bits = (low > median).ravel()
    return np.packbits(bits).tobytes().hex()


def thumbhash(picture: Pixels) -> str:
    """A blurred picture in some 24 bytes, as base64. `picture` is at most 100 × 100 × 3 and has no alpha.

    After https://evanw.github.io/thumbhash/ (rgbaToThumbHash), with the sums over pixels as matrix products.
    """
    height, width, _ = picture.shape
    rgb = picture.astype(np.float64) / 255
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    longer = max(width, height)
    luma_x, luma_y = (max(1, _round(7 * side / longer)) for side in (width, height))
    luma = _Channel((red + green + blue) / 3, max(3, luma_x), max(3, luma_y))
    yellow_blue = _Channel((red + green) / 2 - blue, 3, 3)
    red_green = _Channel(red - green, 3, 3)
    landscape = width > height

    header24 = (
        _round(63 * luma.mean)
        | _round(31.5 + 31.5 * yellow_blue.mean) << 6
        | _round(31.5 + 31.5 * red_green.mean) << 12
        | _round(31 * luma.scale) << 18
    )
    header16 = (
        (luma_y if landscape else luma_x)
        | _round(63 * yellow_blue.scale) << 3
        | _round(63 * red_green.scale) << 9
        | landscape << 15
    )
    nibbles = [_round(15 * value) for channel in (luma, yellow_blue, red_green) for value in channel.details]
    nibbles += [0] * (len(nibbles) % 2)
    packed = bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))
    return base64.b64encode(header24.to_bytes(3, "little") + header16.to_bytes(2, "little") + packed).decode()


def _round(value: float) -> int:
    """Half up, as JavaScript's Math.round, which the reference uses."""
    return int(np.floor(value + 0.5))


class _Channel:
    """The lowest frequencies of one channel: `mean`, and `details` scaled to 0–1 by `scale`."""

    def __init__(self, plane: _Plane, count_x: int, count_y: int) -> None:
        height, width = plane.shape
        coefficients = _cosines(count_y, height) @ plane @ _cosines(count_x, width).T / plane.size
        details = np.array(
            [
                coefficients[y, x]
                for y in range(count_y)
                for x in range(count_x)
                if (x or y) and x * count_y < count_x * (count_y - y)
            ]
        )
        self.mean = float(coefficients[0, 0])
        self.scale = float(np.abs(details).max())
        self.details = 0.5 + 0.5 / self.scale * details if self.scale else details
