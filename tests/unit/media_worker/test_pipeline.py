"""An ordinary photo of each type: upright, small, without metadata, and the same every time."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photomesh_media_worker.domain import VARIANT_SIZES, EncodedVariant, Processed, fit
from photomesh_media_worker.pipeline import process
from tests.support import photos
from tests.support.photos import KINDS, Kind


def ready(data: bytes) -> Processed:
    outcome = process(data)
    assert isinstance(outcome, Processed), outcome
    return outcome


def largest(data: bytes) -> Image.Image:
    return photos.open_picture(ready(data).variants[0].jpeg)


def assert_upright(picture: Image.Image) -> None:
    for name, colour in photos.corners(picture).items():
        assert np.abs(np.subtract(colour, photos.CORNERS[name])).max() <= 12, (name, colour)


@pytest.mark.parametrize("kind", KINDS)
def test_each_type_becomes_four_jpegs(kind: Kind) -> None:
    data = photos.photo(kind, 1200, 900)
    made = ready(data)

    assert made.type == photos.MIME[kind]
    assert (made.width, made.height, made.size_bytes) == (1200, 900, len(data))
    assert made.sha256 == hashlib.sha256(data).hexdigest()
    assert [(v.size, v.width, v.height) for v in made.variants] == [
        (1080, 1080, 810),
        (640, 640, 480),
        (320, 320, 240),
        (150, 150, 112),
    ]
    for variant in made.variants:
        picture = photos.open_picture(variant.jpeg)
        assert picture.format == "JPEG"
        assert picture.size == (variant.width, variant.height)
        assert_upright(picture)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations_come_out_upright(kind: Kind, orientation: int) -> None:
    made = ready(photos.encode(kind, photos.scene(300, 200), orientation=orientation))
    assert (made.width, made.height) == (300, 200)
    for variant in made.variants:
        assert_upright(photos.open_picture(variant.jpeg))


def test_an_orientation_that_was_left_behind_is_not_applied_again() -> None:
    size = {0xA002: 300, 0xA003: 200}  # what the camera made; a program has turned it since, and stored it upright
    upright = photos.scene(200, 300)
    data = photos.encode("jpeg", upright, exif=b"Exif\0\0" + photos.exif(size, orientation=6))
    made = ready(data)
    assert (made.width, made.height) == (200, 300)
    assert_upright(photos.open_picture(made.variants[0].jpeg))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(orientation: int) -> None:
    assert_upright(largest(photos.encode("jpeg", photos.scene(300, 200), orientation=orientation)))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_the_metadata_is_left_in_what_is_public(kind: Kind) -> None:
    data = photos.photo(kind)
    assert b"SECRET-SERIAL" in data
    made = ready(data)
    for variant in made.variants:
        picture = photos.open_picture(variant.jpeg)
        assert not picture.getexif()
        assert picture.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        for word in (b"Exif", b"SECRET", b"Photomesh", b"http://ns.adobe.com", b"ICC_PROFILE"):
            assert word not in variant.jpeg
    assert "SECRET" not in repr(made.camera)
    assert made.private["location"] == photos.LOCATION


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 2), (150, 100), (151, 100), (400, 1000), (1080, 1080)])
def test_nothing_is_enlarged(width: int, height: int) -> None:
    made = ready(photos.encode("png", photos.scene(width, height)))
    assert [variant.size for variant in made.variants] == list(VARIANT_SIZES)
    for variant in made.variants:
        assert max(variant.width, variant.height) == min(variant.size, max(width, height))
        assert (variant.width, variant.height) == fit(width, height, variant.size)
        assert photos.open_picture(variant.jpeg).size == (variant.width, variant.height)


@pytest.mark.parametrize(("width", "height"), [(3000, 2), (2, 3000), (1999, 1333), (1081, 1079)])
def test_proportions_are_those_of_the_original(width: int, height: int) -> None:
    made = ready(photos.encode("png", photos.scene(width, height)))
    for variant in made.variants:
        assert (variant.width, variant.height) == fit(width, height, variant.size)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bytes_give_the_same_result(kind: Kind) -> None:
    data = photos.photo(kind)
    first, second = (replace(ready(data), seconds={}) for _ in range(2))
    assert first == second


def similarity(variant: EncodedVariant, original: photos.Pixels) -> float:
    """Of the luma to that of one careful reduction, as PSNR in dB."""
    picture = Image.fromarray(original).resize((variant.width, variant.height), Image.Resampling.LANCZOS)
    wanted, got = (np.asarray(image.convert("L"), float) for image in (picture, photos.open_picture(variant.jpeg)))
    return float(10 * np.log10(255**2 / np.mean((wanted - got) ** 2)))


def test_sizes_are_sharp() -> None:
    """Each size is derived from the next larger one, and no worse for it."""
    pixels = photos.scene(1800, 1350, seed=5)
    for variant in ready(photos.encode("png", pixels, compress_level=1)).variants:
        assert similarity(variant, pixels) > 36, variant.size


@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
def test_scaled_decoding_neither_shifts_nor_blurs(reduction: int) -> None:
    width = int(1080 * 1.25 * reduction) + 7
    pixels = photos.scene(width, width // 16, seed=reduction)
    variant = ready(photos.encode("jpeg", pixels, quality=95)).variants[0]
    assert similarity(variant, pixels) > 36


def test_a_placeholder_is_a_thumbhash() -> None:
    made = ready(photos.photo())
    assert 20 <= len(base64.b64decode(made.placeholder, validate=True)) <= 25


def test_trailing_bytes_that_cameras_append_do_no_harm() -> None:
    data = photos.photo("jpeg")
    for junk in (bytes(426), b"SEFH" + bytes(60), photos.photo("jpeg", 160, 120)):
        assert ready(data + junk).width == 800


def test_the_first_picture_of_a_multi_picture_file_is_the_photo() -> None:
    out = io.BytesIO()
    first, second = (Image.fromarray(photos.scene(200, 100, seed=seed)) for seed in (1, 2))
    first.save(out, "MPO", save_all=True, append_images=[second])
    assert_upright(largest(out.getvalue()))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("jpeg", {"progressive": True}),
        ("jpeg", {"subsampling": "4:4:4"}),
        ("jpeg", {"subsampling": "4:2:2"}),
        ("jpeg", {"restart_marker_blocks": 4}),
        ("png", {"compress_level": 0}),
        ("webp", {"lossless": True}),
        ("avif", {"subsampling": "4:4:4"}),
        ("heic", {"chroma": 444}),
    ],
)
def test_variations_of_a_format(kind: Kind, options: dict[str, Any]) -> None:
    assert_upright(largest(photos.encode(kind, photos.scene(1200, 800), **options)))
