"""From the bytes of an upload to four public sizes: a pure function.

sniff → header and limits → one strict decode → 1080 → upright sRGB → 640 → 320 → 150, each from the one before
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from photomesh_media_worker import hashes, raster
from photomesh_media_worker.decoding import Decoded, decode
from photomesh_media_worker.domain import (
    MAX_DIMENSION,
    MAX_PIXELS,
    MAX_PIXELS_PROGRESSIVE,
    MAX_UPLOAD_BYTES,
    VARIANT_SIZES,
    EncodedVariant,
    PhotoType,
    Processed,
    Rejected,
    Rejection,
    fit,
)
from photomesh_media_worker.headers import Header, read_header, sniff
from photomesh_media_worker.metadata import exif
from photomesh_media_worker.raster import Raster

__all__ = ["JPEG_QUALITY", "process"]

JPEG_QUALITY = 82
_HASHED_SIZE = 640
"""Both hashes are of this size: above 512 px, and the same path for every photo."""


def process(data: bytes) -> Processed | Rejected:
    """Turns the bytes of an upload into its outcome. Never raises for what is in the bytes; opens no file.

    Deterministic, except for `seconds`.
    """
    kind: PhotoType | None = None
    try:
        if len(data) > MAX_UPLOAD_BYTES:
            raise Rejection("too-large")
        kind = sniff(data)
        return _process(kind, data)
    except Rejection as rejection:
        return Rejected(rejection.reason, rejection.detail[:200], kind)
    except MemoryError:
        return Rejected(Rejection("too-complex").reason, "out of memory", kind)


def _process(kind: PhotoType, data: bytes) -> Processed:
    clock = _StageClock()
    with clock.stage("header"):
        header = read_header(kind, data)
        _check_limits(header)
    with clock.stage("decode"), _truncated_if(not header.terminated):
        decoded = decode(kind, data, header, size=VARIANT_SIZES[0])
        largest = _largest(decoded)
    with clock.stage("variants"):
        turned = decoded.orientation >= 5
        width, height = (decoded.height, decoded.width) if turned else (decoded.width, decoded.height)
        pictures = _sizes(largest, width, height)
        variants = _encoded(pictures)
    with clock.stage("hashes"):
        hashed = pictures[_HASHED_SIZE]
        phash = hashes.phash(raster.pixels(raster.resize(hashed, hashes.PHASH_SIDE, hashes.PHASH_SIDE)))
        small = pictures[VARIANT_SIZES[-1]]
        placeholder = hashes.thumbhash(
            raster.pixels(raster.resize(small, *fit(small.width, small.height, hashes.THUMBHASH_SIDE)))
        )
        sha256 = hashlib.sha256(data).hexdigest()
    with clock.stage("metadata"):
        camera = exif.camera(decoded.exif)
        private = exif.everything(decoded.exif)
    return Processed(
        type=kind,
        width=width,
        height=height,
        size_bytes=len(data),
        sha256=sha256,
        phash=phash,
        placeholder=placeholder,
        variants=variants,
        camera=camera,
        private=private,
        seconds=clock.seconds,
    )


def _check_limits(header: Header) -> None:
    pixels = header.width * header.height
    max_pixels = MAX_PIXELS_PROGRESSIVE if header.whole else MAX_PIXELS
    if pixels > max_pixels or max(header.width, header.height) > MAX_DIMENSION:
        raise Rejection("too-many-pixels", f"{header.width} × {header.height}")


@contextmanager
def _truncated_if(cut: bool) -> Iterator[None]:
    """Reports damage as `truncated` if the file has no end."""
    try:
        yield
    except Rejection as rejection:
        if cut and rejection.reason.code == "corrupt":
            raise Rejection("truncated", rejection.detail) from rejection
        raise


def _largest(decoded: Decoded) -> Raster:
    """Returns the largest public size, upright and in sRGB. Decoding ends here: any damage has been found."""
    image = raster.without_alpha(decoded.image)
    image = raster.resize(image, *fit(decoded.width, decoded.height, VARIANT_SIZES[0]))
    image = raster.settle(raster.to_srgb(image))
    return image if decoded.orientation == 1 else raster.settle(raster.upright(image, decoded.orientation))


def _encoded(pictures: dict[int, Raster]) -> tuple[EncodedVariant, ...]:
    """Encodes each distinct picture once: several sizes of a small photo are the same."""
    by_dimensions: dict[tuple[int, int], bytes] = {}
    variants = []
    for size, picture in pictures.items():
        dimensions = picture.width, picture.height
        if dimensions not in by_dimensions:
            by_dimensions[dimensions] = raster.encode_jpeg(picture, quality=JPEG_QUALITY)
        variants.append(EncodedVariant(size, *dimensions, by_dimensions[dimensions]))
    return tuple(variants)


def _sizes(largest: Raster, width: int, height: int) -> dict[int, Raster]:
    """Derives every size from the next larger one, with the proportions of the original."""
    pictures = {VARIANT_SIZES[0]: largest}
    for larger, size in pairwise(VARIANT_SIZES):
        pictures[size] = raster.settle(raster.resize(pictures[larger], *fit(width, height, size)))
    return pictures


class _StageClock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started
