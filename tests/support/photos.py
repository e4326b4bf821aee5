"""Photos with known content: every type, orientation, profile and metadata, and files that only pretend to be photos.

    photos.encode("jpeg", photos.scene(800, 600), orientation=6, exif=photos.EXIF)

A scene has a colour of its own in each corner, so that a test sees at a glance which way up a picture is.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import ExifTags, Image

__all__ = [
    "CORNERS",
    "EXIF",
    "KINDS",
    "LOCATION",
    "MIME",
    "Kind",
    "Pixels",
    "bomb",
    "corners",
    "encode",
    "exif",
    "icc_profile",
    "open_picture",
    "patches",
    "photo",
    "png_chunk",
    "scene",
]

Kind = Literal["jpeg", "png", "webp", "avif", "heic"]
Pixels = npt.NDArray[np.uint8]

KINDS: tuple[Kind, ...] = ("jpeg", "png", "webp", "avif", "heic")
MIME: Mapping[Kind, str] = {kind: f"image/{kind}" for kind in KINDS}

CORNERS = {
    "top left": (200, 40, 40),
    "top right": (40, 160, 60),
    "bottom left": (40, 60, 200),
    "bottom right": (220, 190, 40),
}

LOCATION = {"latitude": 41.8954, "longitude": -12.4828}
EXIF: Mapping[int, Any] = {
    ExifTags.Base.Make: "Photomesh",
    ExifTags.Base.Model: "Test camera 1",
    ExifTags.Base.DateTimeOriginal: "2026:11:21 10:09:08",
    ExifTags.Base.ExposureTime: 1 / 250,
    ExifTags.Base.FNumber: 2.8,
    ExifTags.Base.ISOSpeedRatings: 400,
    ExifTags.Base.FocalLength: 35.0,
    ExifTags.Base.LensModel: "35mm f/2.8",
    ExifTags.Base.BodySerialNumber: "SECRET-SERIAL-0042",
}
_BASE = {ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.Orientation}

# How a picture is turned before it is stored, so that its orientation turns it back.
_STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@lru_cache(maxsize=32)
def scene(width: int, height: int, *, seed: int = 0) -> Pixels:
    """Four coloured corners that blend into each other, with soft shapes over the middle, as a photo has."""
    reduction = max(1.0, max(width, height) / 400)  # drawn small and scaled up: only tests that decode want many pixels
    small = _draw(max(1, round(width / reduction)), max(1, round(height / reduction)), seed)
    picture = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def _draw(width: int, height: int, seed: int) -> Pixels:
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    u, v = x / max(1, width - 1), y / max(1, height - 1)
    u, v = (np.clip((part - 0.25) / 0.5, 0, 1)[..., np.newaxis] for part in (u, v))
    top_left, top_right, bottom_left, bottom_right = (np.array(colour, float) for colour in CORNERS.values())
    picture = (top_left * (1 - u) + top_right * u) * (1 - v) + (bottom_left * (1 - u) + bottom_right * u) * v
    dice = np.random.default_rng(seed)
    for _ in range(6):
        centre_x, centre_y = dice.uniform(0.35, 0.65, 2) * (width, height)
        radius = dice.uniform(0.05, 0.15) * min(width, height) + 1
        weight = 1 / (1 + np.exp(np.clip(np.hypot(x - centre_x, y - centre_y) - radius, -30, 30)))[..., np.newaxis]
        picture = picture * (1 - weight) + dice.uniform(0, 255, 3) * weight
    drawn: Pixels = np.round(picture).astype(np.uint8)
    return drawn


def patches(colours: list[tuple[int, int, int]], side: int = 48) -> Pixels:
    """Squares of these colours in a row."""
    return np.concatenate([np.full((side, side, 3), colour, np.uint8) for colour in colours], axis=1)


def corners(picture: Image.Image) -> dict[str, tuple[int, int, int]]:
    """The mean colour of each corner of a picture."""
    pixels = np.asarray(picture.convert("RGB"), float)
    high, wide = max(1, pixels.shape[0] // 8), max(1, pixels.shape[1] // 8)
    parts = {
        "top left": pixels[:high, :wide],
        "top right": pixels[:high, -wide:],
        "bottom left": pixels[-high:, :wide],
        "bottom right": pixels[-high:, -wide:],
    }
    return {name: tuple(int(c) for c in part.mean(axis=(0, 1)).round()) for name, part in parts.items()}  # type: ignore[misc] # three channels


def exif(tags: Mapping[int, Any] = EXIF, *, orientation: int | None = None, location: bool = False) -> bytes:
    """EXIF data, without the `Exif` header that JPEG puts before it."""
    data = Image.Exif()
    if orientation is not None:
        data[ExifTags.Base.Orientation] = orientation
    for tag, value in tags.items():
        (data if tag in _BASE else data.get_ifd(ExifTags.IFD.Exif))[tag] = value
    if location:
        gps = data.get_ifd(ExifTags.IFD.GPSInfo)
        gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", (41, 53, 43.44)
        gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "W", (12, 28, 58.08)
    return data.tobytes().removeprefix(b"Exif\0\0")


def encode(
    kind: Kind,
    pixels: Pixels | Image.Image,
    *,
    orientation: int | None = None,
    tags: Mapping[int, Any] | None = None,
    location: bool = False,
    **options: Any,
) -> bytes:
    """A file of this type. With `orientation`, the pixels are stored turned, so that it is upright when honoured.
    `options` are those of Pillow's encoder."""
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    if orientation in _STORED:
        picture = picture.transpose(_STORED[orientation])
    if orientation is not None or tags is not None or location:
        options["exif"] = b"Exif\0\0" + exif(tags or {}, orientation=orientation, location=location)
    match kind:
        case "jpeg":
            options = {"quality": 92} | options
        case "webp":
            options = {"quality": 92, "method": 2} | options
        case "avif":
            options = {"quality": 90, "speed": 10, "max_threads": 1} | options
        case "heic":
            return _heic(picture, options)
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def _heic(picture: Image.Image, options: dict[str, Any]) -> bytes:
    file = pillow_heif.from_pillow(picture)
    if icc := options.pop("icc_profile", None):
        file.info["icc_profile"], file.info["icc_profile_type"] = icc, "prof"
    if data := options.pop("exif", None):
        file.info["exif"] = data
    out = io.BytesIO()
    file.save(out, **{"quality": 90} | options)
    return out.getvalue()


@lru_cache(maxsize=64)
def photo(kind: Kind = "jpeg", width: int = 800, height: int = 600, *, seed: int = 0) -> bytes:
    """An ordinary photo: camera, time and place in its metadata."""
    return encode(kind, scene(width, height, seed=seed), tags=EXIF, location=True)


def open_picture(data: bytes) -> Image.Image:
    """A picture as Pillow sees it, which turns nothing and converts nothing."""
    return Image.open(io.BytesIO(data))


# Colour profiles -------------------------------------------------------------------------------------------------

Matrix = tuple[tuple[float, float, float], ...]
ADOBE_RGB: Matrix = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
DISPLAY_P3: Matrix = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
BT_2020: Matrix = ((0.67348, 0.27904, -0.00193), (0.16566, 0.67535, 0.02998), (0.12505, 0.04561, 0.79686))
SRGB: Matrix = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
"""Red, green and blue in XYZ, adapted to D50, as profiles hold them."""


def icc_profile(matrix: Matrix, gamma: float = 2.2) -> bytes:
    """An ICC profile (version 2, matrix and curve) with these primaries."""

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(values: tuple[float, float, float]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(fixed(value) for value in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    name = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78) + b"\0"
    tags = {
        b"desc": name,
        b"cprt": b"text\0\0\0\0CC0\0",
        b"wtpt": xyz((0.9642, 1.0, 0.8249)),
        **dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), (xyz(row) for row in matrix), strict=True)),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for tag, content in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"none", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H4s", 2026, 11, 21, 0, 0, 0, b"acsp") + bytes(28)
    header += fixed(0.9642) + fixed(1.0) + fixed(0.8249)
    return header.ljust(128, b"\0") + table + body


# Files that pretend ------------------------------------------------------------------------------------------------


def bomb(kind: Kind, side: int = 60_000, *, progressive: bool = False) -> bytes:
    """A small file whose header claims `side` × `side` pixels. `progressive` is for JPEG, and interlaces a PNG."""
    match kind:
        case "jpeg":
            small = encode("jpeg", scene(16, 16), progressive=progressive)
            at = small.index(b"\xff\xc2" if progressive else b"\xff\xc0")
            return small[: at + 5] + struct.pack(">HH", side, side) + small[at + 9 :]
        case "png":
            header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, int(progressive))
            chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(200))), (b"IEND", b""))
            return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)
        case "webp":
            inner = encode("webp", scene(16, 16))[12:]
            canvas = struct.pack("<I", side - 1)[:3] * 2
            body = b"WEBP" + b"VP8X" + struct.pack("<II", 10, 0) + canvas + inner
            return b"RIFF" + struct.pack("<I", len(body)) + body
        case _:
            small = encode(kind, scene(64, 64))
            at = small.index(b"ispe") + 8
            return small[:at] + struct.pack(">II", side, side) + small[at + 8 :]


def png_chunk(name: bytes, content: bytes) -> bytes:
    """With its length and its checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
