"""The photos of the benchmark: a folder's, or a set that is made here."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import pillow_heif
from PIL import Image, ImageOps

from benchmarks.upload.photos import camera_photo

__all__ = ["generated", "in_folder", "large"]

_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic")


def in_folder(folder: Path) -> dict[str, Path]:
    """Every photo of a folder by its name."""
    return {path.name: path for path in sorted(folder.iterdir()) if path.suffix.lower() in _ENDINGS}


def generated(folder: Path) -> dict[str, Path]:
    """12-megapixel photos as a camera makes them: two JPEGs, one of them progressive, and one of each other type."""
    first, second = camera_photo(1), camera_photo(2)
    _write(folder, {"camera.jpg": first, "progressive.jpg": _encode(_open(second), "jpg", progressive=True)})
    _write(folder, {f"camera.{kind}": _encode(_open(first), kind) for kind in ("png", "webp", "avif", "heic")})
    return in_folder(folder)


def large(folder: Path) -> dict[str, Path]:
    """The same picture in 24 megapixels (6000 × 4000), in every type, and as a progressive JPEG."""
    picture = _open(camera_photo(3)).resize((6000, 4000), Image.Resampling.BICUBIC)
    files = {f"24-megapixel.{kind}": _encode(picture, kind) for kind in ("jpg", "png", "webp", "avif", "heic")}
    _write(folder, files | {"24-megapixel-progressive.jpg": _encode(picture, "jpg", progressive=True)})
    return in_folder(folder)


def _open(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def _encode(picture: Image.Image, kind: str, *, progressive: bool = False) -> bytes:
    out = io.BytesIO()
    match kind:
        case "jpg":
            picture.save(out, "JPEG", quality=90, progressive=progressive)
        case "png":
            ImageOps.posterize(picture, 5).save(out, "PNG", compress_level=1)  # below 50 MB
        case "webp":
            picture.save(out, "WEBP", quality=85, method=1)
        case "avif":
            picture.save(out, "AVIF", quality=70, speed=10)
        case _:
            pillow_heif.from_pillow(picture.convert("RGB")).save(out, quality=60, enc_params={"preset": "ultrafast"})
    return out.getvalue()


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).write_bytes(data)
