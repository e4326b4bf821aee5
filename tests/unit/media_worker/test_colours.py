"""Colours: whatever a photo is stored in, its sizes show the same colours in sRGB."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pytest
import pyvips
from PIL import Image, ImageCms

from photomesh_media_worker.domain import Processed
from photomesh_media_worker.pipeline import process
from tests.support import photos
from tests.support.photos import Kind, Matrix

SIDE = 64
# Inside sRGB whichever of the tested spaces they are given in.
COLOURS = [
    (128, 128, 128),
    (30, 30, 30),
    (240, 240, 240),
    (150, 110, 90),
    (90, 120, 100),
    (100, 100, 150),
    (170, 160, 90),
]

Floats = npt.NDArray[np.float64]


def shown(data: bytes) -> Floats:
    """The mean colour of each patch in the largest size."""
    outcome = process(data)
    assert isinstance(outcome, Processed), outcome
    pixels = np.asarray(photos.open_picture(outcome.variants[0].jpeg), float)
    middle = slice(SIDE // 4, -SIDE // 4)
    columns = pixels.shape[1] // SIDE
    return np.array([pixels[middle, i * SIDE + 16 : (i + 1) * SIDE - 16].mean(axis=(0, 1)) for i in range(columns)])


def lab(srgb: Floats) -> Floats:
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0) + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.array(photos.SRGB) / np.array([0.9642, 1.0, 0.8249])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def delta_e(one: Floats, other: Floats) -> float:
    """The largest difference (CIE 1976); 2.3 is just noticeable."""
    return float(np.linalg.norm(lab(one / 255) - lab(other / 255), axis=1).max())


def in_srgb(colours: list[tuple[int, int, int]], matrix: Matrix, gamma: float = 2.2) -> Floats:
    """What the colours of a space are in sRGB, worked out without any profile."""
    xyz = (np.array(colours, float) / 255) ** gamma @ np.array(matrix)
    linear = np.clip(xyz @ np.linalg.inv(np.array(photos.SRGB)), 0, 1)
    encoded: Floats = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return encoded * 255


@pytest.mark.parametrize("kind", photos.KINDS)
@pytest.mark.parametrize("space", ["ADOBE_RGB", "DISPLAY_P3"])
def test_wide_gamuts_are_converted(kind: Kind, space: str) -> None:
    matrix: Matrix = getattr(photos, space)
    data = photos.encode(kind, photos.patches(COLOURS, SIDE), icc_profile=photos.icc_profile(matrix))
    wanted = in_srgb(COLOURS, matrix)
    assert delta_e(np.array(COLOURS, float), wanted) > 3  # the test would notice if nothing were converted
    assert delta_e(shown(data), wanted) < 2.5


@pytest.mark.parametrize("kind", photos.KINDS)
def test_srgb_and_untagged_photos_stay_as_they_are(kind: Kind) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = photos.patches(COLOURS, SIDE)
    for data in (photos.encode(kind, pixels), photos.encode(kind, pixels, icc_profile=srgb)):
        assert delta_e(shown(data), np.array(COLOURS, float)) < 2


def test_primaries_without_a_profile_are_converted() -> None:
    data = photos.encode("avif", photos.patches(COLOURS, SIDE))
    at = data.index(b"nclx") + 4
    display_p3 = data[:at] + (12).to_bytes(2) + data[at + 2 :]
    assert delta_e(shown(display_p3), shown(data)) > 3
    linear = np.array(COLOURS, float) / 255
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    values = np.clip(linear @ np.array(photos.DISPLAY_P3) @ np.linalg.inv(np.array(photos.SRGB)), 0, 1)
    wanted = np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055) * 255
    assert delta_e(shown(display_p3), wanted) < 2.5


@pytest.mark.parametrize("profile", [b"not a profile", photos.icc_profile(photos.ADOBE_RGB)[:200]])
def test_a_broken_profile_counts_for_none(profile: bytes) -> None:
    data = photos.encode("jpeg", photos.patches(COLOURS, SIDE), icc_profile=profile)
    assert delta_e(shown(data), np.array(COLOURS, float)) < 2


def test_cmyk() -> None:
    inks = Image.new("CMYK", (SIDE * 4, SIDE))
    for i, ink in enumerate([(0, 0, 0, 0), (0, 0, 0, 255), (0, 255, 255, 0), (255, 0, 0, 0)]):
        inks.paste(ink, (i * SIDE, 0, (i + 1) * SIDE, SIDE))
    white, black, red, cyan = shown(photos.encode("jpeg", inks))
    assert white.min() > 245
    assert black.max() < 60
    assert red[0] > 180
    assert red[1:].max() < 90
    assert cyan[0] < 90
    assert cyan[1:].min() > 120


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_greyscale(kind: Kind) -> None:
    grey = Image.fromarray(photos.patches([(20, 20, 20), (128, 128, 128), (235, 235, 235)], SIDE)).convert("L")
    assert delta_e(shown(photos.encode(kind, grey)), np.array([[20] * 3, [128] * 3, [235] * 3], float)) < 1.5


def test_16_bits() -> None:
    deep = np.repeat(np.repeat(np.array([[1000, 32768, 65000]], np.uint16), SIDE, 0), SIDE, 1)
    data = photos.encode("png", Image.fromarray(deep))
    assert delta_e(shown(data), np.array([[v / 257] * 3 for v in (1000, 32768, 65000)])) < 1.5


def test_16_bit_colour_with_a_profile() -> None:
    eight = photos.patches(COLOURS, SIDE)
    image = pyvips.Image.new_from_array(eight.astype(np.uint16) * 257).copy(interpretation="rgb16")
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", photos.icc_profile(photos.ADOBE_RGB))
    assert delta_e(shown(image.pngsave_buffer(bitdepth=16)), in_srgb(COLOURS, photos.ADOBE_RGB)) < 2.5


@pytest.mark.parametrize("kind", ["png", "webp", "avif", "heic"])
def test_transparent_parts_are_white(kind: Kind) -> None:
    opaque = Image.fromarray(photos.patches([(200, 40, 40)] * 3, SIDE)).convert("RGBA")
    opaque.paste((0, 0, 0, 0), (SIDE, 0, 2 * SIDE, SIDE))
    opaque.paste((0, 0, 0, 128), (2 * SIDE, 0, 3 * SIDE, SIDE))
    wanted = np.array([[200, 40, 40], [255] * 3, [127] * 3], float)
    assert delta_e(shown(photos.encode(kind, opaque, quality=100)), wanted) < 3


def test_palette_with_transparency() -> None:
    picture = Image.fromarray(photos.patches([(200, 40, 40), (40, 60, 200)], SIDE)).quantize(
        2, dither=Image.Dither.NONE
    )
    out = io.BytesIO()
    picture.save(out, "png", transparency=picture.getpixel((SIDE + 1, 1)))
    assert delta_e(shown(out.getvalue()), np.array([[200, 40, 40], [255] * 3], float)) < 2
