"""Photos for a demo without photos: painted landscapes in all five types, the same ones every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image

__all__ = ["paint"]

# name, width, height, EXIF orientation
_SCENES = [
    ("01-dawn.jpg", 4000, 3000, 1),
    ("02-noon.jpg", 2400, 1600, 1),
    ("03-upright-phone.jpg", 2400, 1800, 6),
    ("04-upside-down.jpg", 2400, 1600, 3),
    ("05-mirror.jpg", 1600, 1200, 2),
    ("06-panorama.jpg", 3600, 900, 1),
    ("07-small.jpg", 240, 180, 1),
    ("08-drawing.png", 1200, 800, 1),
    ("09-web.webp", 1600, 1200, 1),
    ("10-modern.avif", 1200, 900, 1),
    ("11-phone.heic", 1600, 1200, 1),
    ("12-night.heic", 960, 1200, 1),
]
_LARGE = {"01-dawn.jpg"}  # over 5 MB, so that it goes up in parts
_EXIF_ORIENTATION = 0x0112
_EXIF_MAKE, _EXIF_MODEL, _EXIF_TAKEN = 0x010F, 0x0110, 0x0132

# How to store a picture so that this orientation shows it upright (the inverse of what a viewer does).
_STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
}


def _ridge(x: np.ndarray, random: np.random.Generator, roughness: int) -> np.ndarray:
    """A mountain line: a sum of waves, between 0 and 1."""
    line = np.zeros_like(x)
    for octave in range(1, roughness):
        line += np.sin(x * octave * random.uniform(1.5, 3.5) + random.uniform(0, 6.3)) / octave
    flat: np.ndarray = (line - line.min()) / max(float(np.ptp(line)), 1e-6)
    return flat


def _landscape(width: int, height: int, seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(0, 6.3, width, dtype=np.float32)[None, :]
    top, bottom = random.uniform(0.1, 0.6, 3), random.uniform(0.6, 1.0, 3)
    picture = (top + (bottom - top) * y[..., None]) * np.ones((height, width, 1), np.float32)
    sun_x, sun_y = random.uniform(1, 5), random.uniform(0.15, 0.4)
    glow = np.exp(-(((x - sun_x) / 0.5) ** 2 + ((y - sun_y) / 0.12) ** 2))
    picture += glow[..., None] * np.array([0.6, 0.45, 0.2], np.float32)
    for layer in range(4):
        horizon = 0.45 + layer * 0.13 + 0.16 * _ridge(x, random, 6 + layer * 3)
        colour = random.uniform(0.08, 0.5, 3) * (1 - layer * 0.18)
        picture = np.where((y > horizon)[..., None], colour.astype(np.float32), picture)
    picture += random.standard_normal((height, width, 1), np.float32) * 0.03  # grain, as a sensor has
    return Image.fromarray((picture.clip(0, 1) * 255).astype(np.uint8))


def paint(folder: Path) -> None:
    """Fills the folder with twelve photos, unless they are there."""
    pillow_heif.register_heif_opener()
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, width, height, orientation) in enumerate(_SCENES):
        target = folder / name
        if target.exists():
            continue
        photo = _landscape(width, height, seed)
        if (transpose := _STORED_AS[orientation]) is not None:
            photo = photo.transpose(transpose)
        exif = Image.Exif()
        exif[_EXIF_ORIENTATION] = orientation
        exif[_EXIF_MAKE], exif[_EXIF_MODEL] = "Photomesh", "Painted"
        exif[_EXIF_TAKEN] = "2026:06:01 12:00:00"
        partial = target.with_name(f".{name}")
        kind = {"jpg": "JPEG", "heic": "HEIF"}.get(name.rpartition(".")[2], name.rpartition(".")[2].upper())
        photo.save(partial, kind, quality=96 if name in _LARGE else 90, exif=exif)
        partial.rename(target)
