"""Pictures in memory, on libvips: the one module that imports pyvips.

A picture is never computed twice: libvips describes work lazily, and `settle` is where it is done. Every function
here keeps to pixels; what a photo is allowed to be is decided before (`headers`) and what it becomes in `pipeline`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

# Read by libvips when it starts: one thread per photo, because photos are what runs in parallel.
os.environ.setdefault("VIPS_CONCURRENCY", "1")

import numpy as np
import numpy.typing as npt
import pyvips

from photomesh_media_worker.domain import Rejection

__all__ = [
    "DeepPixels",
    "Pixels",
    "Raster",
    "encode_jpeg",
    "equal",
    "exif_data",
    "from_pixels",
    "has_profile",
    "load_jpeg",
    "load_png",
    "load_webp",
    "pixels",
    "resize",
    "settle",
    "to_srgb",
    "upright",
    "version",
    "with_profile",
    "without_alpha",
]

Raster = Any
"""A pyvips.Image, which has no types."""
Pixels = npt.NDArray[np.uint8]
"""Height × width × channels."""
DeepPixels = npt.NDArray[np.uint16]

# An untrusted file reaches no loader but those that this module calls.
pyvips.operation_block_set("VipsForeignLoad", True)
for _loader in ("VipsForeignLoadJpegBuffer", "VipsForeignLoadPngBuffer", "VipsForeignLoadWebpBuffer"):
    pyvips.operation_block_set(_loader, False)
pyvips.cache_set_max(0)  # nothing is asked for twice

_SRGB_TOLERANCE = 2  # of 255: rounding in profiles that differ from ours in name only
_WHITE = 255
_ICC = "icc-profile-data"

# Chroma at half resolution and optimised Huffman tables, baseline: progressive would save 0–7 % of the bytes for
# 2.5 times the encoding time.
_JPEG = {"subsample_mode": "on", "optimize_coding": True, "interlace": False, "keep": "none"}


def version() -> str:
    return ".".join(str(pyvips.version(part)) for part in range(3))


def load_jpeg(data: bytes, *, shrink: int, strict: bool = False) -> Raster:
    """`shrink` is 1, 2, 4 or 8. With `strict`, everything that libjpeg warns of is an error; without, only an end of
    the file, and there may be any number of warnings, which are a hundred if `unlimited` is not set."""
    return _load("jpegload_buffer", data, fail_on="warning" if strict else "error", unlimited=True, shrink=shrink)


def load_png(data: bytes) -> Raster:
    return _load("pngload_buffer", data)


def load_webp(data: bytes, *, scale: float) -> Raster:
    return _load("webpload_buffer", data, scale=scale)


def _load(loader: str, data: bytes, *, fail_on: str = "error", **options: float) -> Raster:
    # fail_on must be an option of the loader itself: `thumbnail_buffer` ignores it, and half a photo would pass.
    with _faults():
        return getattr(pyvips.Image, loader)(data, fail_on=fail_on, access="sequential", **options)


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except pyvips.Error as error:
        message = " ".join(str(error).split())
    except UnicodeDecodeError:
        # libvips quotes the file in its message, and pyvips takes that for text; it has not cleared the message then.
        pyvips.vips_lib.vips_error_clear()
        message = "unreadable message"
    else:
        return
    if "out of memory" in message or "Error creating thread" in message:
        raise Rejection("too-complex", message)
    raise Rejection("truncated" if "premature end" in message else "corrupt", message)


def from_pixels(array: Pixels | DeepPixels, *, icc: bytes | None, premultiplied: bool = False) -> Raster:
    """A picture over the array's own memory: height × width, or height × width × channels.

    `premultiplied` colours have been multiplied with their alpha; the picture is then put on white.
    """
    array = array if array.ndim == 3 else array[:, :, np.newaxis]
    height, width, channels = array.shape
    deep = array.dtype == np.uint16
    image = pyvips.Image.new_from_memory(
        np.ascontiguousarray(array), width, height, channels, "ushort" if deep else "uchar"
    )
    if premultiplied:
        image = (image[:3] + (_WHITE - image[3])).cast("uchar")
    grey = "grey16" if deep else "b-w"
    image = image.copy(interpretation=grey if image.bands < 3 else "srgb")
    return with_profile(image, icc) if icc else image


def with_profile(image: Raster, icc: bytes | None) -> Raster:
    """The picture with this ICC profile, or with none, in place of any other."""
    image = image.copy()
    if icc:
        image.set_type(pyvips.GValue.blob_type, _ICC, icc)
    elif has_profile(image):
        image.remove(_ICC)
    return image


def has_profile(image: Raster) -> bool:
    return bool(image.get_typeof(_ICC))


def equal(one: Raster, other: Raster) -> bool:
    """Whether two pictures have the same pixels."""
    same: bool = one.write_to_memory() == other.write_to_memory()
    return same


def exif_data(image: Raster) -> bytes | None:
    """The EXIF data that the loader met, without its `Exif` header."""
    return image.get("exif-data").removeprefix(b"Exif\0\0") if image.get_typeof("exif-data") else None


def settle(image: Raster) -> Raster:
    """Does the work so far. Raises Rejection if the picture cannot be decoded to its end."""
    with _faults():
        return image.copy_memory()


def without_alpha(image: Raster) -> Raster:
    """On white, as the page of an album is."""
    if not image.hasalpha():
        return image
    return image.flatten(background=65535 if image.format == "ushort" else _WHITE)


def resize(image: Raster, width: int, height: int) -> Raster:
    if (image.width, image.height) == (width, height):
        return image
    return image.resize(width / image.width, vscale=height / image.height, kernel="lanczos3")


def upright(image: Raster, orientation: int) -> Raster:
    """Undoes the EXIF orientation."""
    match orientation:
        case 2:
            return image.fliphor()
        case 3:
            return image.rot180()
        case 4:
            return image.flipver()
        case 5:
            return image.rot90().fliphor()
        case 6:
            return image.rot90()
        case 7:
            return image.rot270().fliphor()
        case 8:
            return image.rot270()
        case _:
            return image


def to_srgb(image: Raster) -> Raster:
    """8-bit sRGB, by the attached profile; without one, and with one that is broken, it is sRGB already."""
    profile: bytes | None = image.get(_ICC) if has_profile(image) else None
    if image.interpretation == "cmyk":
        converted = _by_profile(image, fallback="cmyk")
    elif profile and not (image.bands == 3 and is_srgb(profile)):
        converted = _by_profile(image)
    else:
        converted = None
    if converted is None:
        converted = image.colourspace("srgb")
    return converted if converted.format == "uchar" else converted.cast("uchar")


def _by_profile(image: Raster, fallback: str | None = None) -> Raster | None:
    options = {"input_profile": fallback} if fallback else {}
    try:
        return image.icc_transform(
            "srgb", embedded=True, depth=8, intent="relative", black_point_compensation=True, **options
        )
    except (pyvips.Error, UnicodeDecodeError):
        pyvips.vips_lib.vips_error_clear()
        return None


@lru_cache(maxsize=64)
def is_srgb(profile: bytes) -> bool:
    """Whether a profile changes nothing that an eye could see: cameras embed one of many that say sRGB."""
    steps = np.arange(0, 256, 51, dtype=np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
    converted = _by_profile(from_pixels(cube, icc=profile))
    return converted is not None and float((converted - from_pixels(cube, icc=None)).abs().max()) <= _SRGB_TOLERANCE


def pixels(image: Raster) -> Pixels:
    """Height × width × 3."""
    memory = image.write_to_memory()
    return np.frombuffer(memory, np.uint8).reshape(image.height, image.width, image.bands)


def encode_jpeg(image: Raster, *, quality: int) -> bytes:
    """Nothing but the picture: no EXIF, no profile (a picture without one is sRGB), no thumbnail."""
    encoded: bytes = image.jpegsave_buffer(Q=quality, **_JPEG)
    return encoded
