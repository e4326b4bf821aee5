"""Colours: whatever a photo is stored in, its sizes show the same colours in sRGB."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pillow_heif
import pytest
import pyvips
from PIL import ExifTags, Image, ImageCms

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


def png(*chunks: tuple[bytes, bytes], pixels: photos.Pixels | Image.Image | None = None, **options: Any) -> bytes:
    """A PNG of the colours, or of these pixels, with these chunks behind its header."""
    data = photos.encode("png", photos.patches(COLOURS, SIDE) if pixels is None else pixels, **options)
    inserted = b"".join(photos.png_chunk(name, content) for name, content in chunks)
    return data[:33] + inserted + data[33:]


def gamma(value: int) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", value)


SRGB_CHROMATICITIES = b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_CHROMATICITIES = b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
DISPLAY_P3_CICP = b"cICP", bytes([12, 13, 0, 1])
SRGB_CICP = b"cICP", bytes([1, 13, 0, 1])
LIKE_SRGB = np.array(COLOURS, float)


def to_srgb(linear: Floats) -> Floats:
    clipped = np.clip(linear, 0, 1)
    return 255 * np.where(clipped <= 0.0031308, clipped * 12.92, 1.055 * clipped ** (1 / 2.4) - 0.055)


def from_srgb(colours: Floats) -> Floats:
    values = colours / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def from_display_p3(linear: Floats) -> Floats:
    return to_srgb(linear @ np.array(photos.DISPLAY_P3) @ np.linalg.inv(np.array(photos.SRGB)))


@pytest.mark.parametrize(
    ("chunks", "wanted"),
    [
        ([gamma(100_000)], to_srgb(LIKE_SRGB / 255)),
        ([gamma(55_556)], to_srgb((LIKE_SRGB / 255) ** 1.8)),
        ([gamma(45_455)], LIKE_SRGB),
        ([gamma(45_455), SRGB_CHROMATICITIES], LIKE_SRGB),
        ([gamma(45_455), P3_CHROMATICITIES], from_display_p3((LIKE_SRGB / 255) ** 2.2)),
        ([P3_CHROMATICITIES], from_display_p3(from_srgb(LIKE_SRGB))),
        ([DISPLAY_P3_CICP], from_display_p3(from_srgb(LIKE_SRGB))),
        ([(b"cICP", bytes([12, 8, 0, 1]))], from_display_p3(LIKE_SRGB / 255)),
        ([(b"sRGB", b"\0"), gamma(100_000)], LIKE_SRGB),
        ([DISPLAY_P3_CICP, (b"sRGB", b"\0")], from_display_p3(from_srgb(LIKE_SRGB))),
        ([SRGB_CICP, gamma(100_000)], LIKE_SRGB),
        ([(b"cICP", bytes([2, 2, 0, 1])), gamma(100_000)], to_srgb(LIKE_SRGB / 255)),
        ([(b"cICP", bytes([200, 13, 0, 1]))], LIKE_SRGB),
        ([gamma(0)], LIKE_SRGB),
        ([gamma(1)], LIKE_SRGB),
        ([(b"cHRM", bytes(32))], LIKE_SRGB),
        ([(b"cHRM", struct.pack(">8I", *[30000] * 8))], LIKE_SRGB),
        ([(b"cHRM", struct.pack(">8I", *[2**32 - 1] * 8))], LIKE_SRGB),
    ],
    ids=[
        "linear",
        "1.8",
        "2.2 is sRGB",
        "2.2 of sRGB",
        "2.2 of P3",
        "P3",
        "cICP",
        "cICP linear",
        "sRGB before gAMA",
        "cICP before sRGB",
        "cICP before gAMA",
        "cICP states nothing",
        "cICP unknown",
        "gamma of zero",
        "gamma of nonsense",
        "no primaries",
        "one primary",
        "primaries of nonsense",
    ],
)
def test_colour_that_a_png_states_in_numbers(chunks: list[tuple[bytes, bytes]], wanted: Floats) -> None:
    assert delta_e(shown(png(*chunks)), wanted) < 2.5


def test_an_icc_profile_gives_way_to_cicp_alone() -> None:
    adobe: dict[str, Any] = {"icc_profile": photos.icc_profile(photos.ADOBE_RGB)}
    assert delta_e(shown(png(gamma(100_000), **adobe)), in_srgb(COLOURS, photos.ADOBE_RGB)) < 2.5
    assert delta_e(shown(png(DISPLAY_P3_CICP, **adobe)), from_display_p3(from_srgb(LIKE_SRGB))) < 2.5
    assert delta_e(shown(png(SRGB_CICP, **adobe)), LIKE_SRGB) < 2.5


@pytest.mark.parametrize("deep", [False, True], ids=["8 bits", "16 bits"])
def test_greyscale_has_a_gamma_too(deep: bool) -> None:
    levels = np.array([[20, 128, 235]], np.uint8).repeat(SIDE, 0).repeat(SIDE, 1)
    pixels = Image.fromarray(levels.astype(np.uint16) * 257) if deep else Image.fromarray(levels)
    wanted = to_srgb(np.array([[20] * 3, [128] * 3, [235] * 3]) / 255)
    assert delta_e(shown(png(gamma(100_000), pixels=pixels)), wanted) < 2


@pytest.mark.parametrize(
    ("transfer", "value", "luminance"),
    # ITU-R BT.2408, table 1 and BT.2100: what these values show, in cd/m².
    [(16, 0.58, 203), (16, 0.38, 26), (16, 0.75, 1000), (18, 0.75, 203), (18, 0.38, 26), (18, 1.0, 1000)],
)
def test_hdr_is_mapped_to_what_a_page_shows(transfer: int, value: float, luminance: float) -> None:
    """White paper (203 cd/m²) is bright, and not as bright as the brightest highlight, which is white."""
    grey = photos.patches([(round(value * 255),) * 3], SIDE)
    (pixel,) = shown(png((b"cICP", bytes([9, transfer, 0, 1])), pixels=grey))
    relative = luminance / 203
    wanted = to_srgb(np.array(relative * (1 + relative * 0.203**2) / (1 + relative)))
    assert np.abs(pixel - wanted).max() < 5


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_a_camera_states_adobe_rgb_unless_a_profile_says_otherwise(kind: Kind) -> None:
    stated: dict[str, Any] = {"tags": {ExifTags.Base.ColorSpace: 2}}
    pixels = photos.patches(COLOURS, SIDE)
    assert delta_e(shown(photos.encode(kind, pixels, **stated)), in_srgb(COLOURS, photos.ADOBE_RGB)) < 2.5
    profiled = photos.encode(kind, pixels, icc_profile=photos.icc_profile(photos.DISPLAY_P3), **stated)
    assert delta_e(shown(profiled), in_srgb(COLOURS, photos.DISPLAY_P3)) < 2.5


def test_a_png_that_states_srgb_is_not_what_its_camera_says() -> None:
    data = png((b"sRGB", b"\0"), tags={ExifTags.Base.ColorSpace: 2})
    assert delta_e(shown(data), LIKE_SRGB) < 2


@pytest.mark.parametrize("kind", ["avif", "heic"])
@pytest.mark.parametrize(("primaries", "matrix"), [(12, photos.DISPLAY_P3), (9, photos.BT_2020)], ids=["P3", "BT.2020"])
def test_primaries_that_a_container_states(kind: Kind, primaries: int, matrix: Matrix) -> None:
    data = photos.encode(kind, photos.patches(COLOURS, SIDE))
    at = data.index(b"nclx") + 4
    stated = data[:at] + primaries.to_bytes(2) + data[at + 2 :]
    wanted = to_srgb(from_srgb(LIKE_SRGB) @ np.array(matrix) @ np.linalg.inv(np.array(photos.SRGB)))
    assert delta_e(LIKE_SRGB, wanted) > 3
    assert delta_e(shown(stated), wanted) < 3


def test_colours_multiplied_with_their_alpha() -> None:
    opaque = Image.fromarray(photos.patches([(200, 40, 40)] * 3, SIDE)).convert("RGBA")
    opaque.paste((200, 40, 40, 0), (SIDE, 0, 2 * SIDE, SIDE))
    opaque.paste((200, 40, 40, 128), (2 * SIDE, 0, 3 * SIDE, SIDE))
    wanted = np.array([[200, 40, 40], [255] * 3, [227, 147, 147]], float)
    avif = photos.encode("avif", opaque, quality=100, alpha_premultiplied=True)
    assert b"prem" in avif
    assert delta_e(shown(avif), wanted) < 3
    out = io.BytesIO()
    pillow_heif.from_pillow(opaque.convert("RGBa")).save(out, quality=100)
    assert b"prem" in out.getvalue()
    assert delta_e(shown(out.getvalue()), wanted) < 3


@pytest.mark.parametrize("mode", ["L", "LA", "I;16", "RGB;16", "RGBA;16", "LA;16", "RGBa;16"])
def test_whatever_a_heic_is_stored_in(mode: str) -> None:
    channels = {"L": 1, "LA": 2, "I": 1, "RGB": 3, "RGBA": 4, "RGBa": 4}[mode.partition(";")[0]]
    levels = np.array([[20, 128, 235]]).repeat(SIDE, 0).repeat(SIDE, 1)
    values = np.repeat(levels[..., np.newaxis], channels, axis=2)
    if "A" in mode or "a" in mode:
        values[..., -1] = 255
    samples = (values * 257).astype("<u2") if "16" in mode else values.astype(np.uint8)
    out = io.BytesIO()
    pillow_heif.from_bytes(mode=mode, size=(3 * SIDE, SIDE), data=samples.tobytes()).save(out, quality=100)
    assert delta_e(shown(out.getvalue()), np.array([[20] * 3, [128] * 3, [235] * 3], float)) < 2


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
    assert black.max() < 25
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
