"""Fingerprints: what is the same picture to an eye is the same, or nearly, to the hash."""

from __future__ import annotations

import base64

import numpy as np
import pytest
import thumbhash as reference
from PIL import Image

from photomesh_media_worker import hashes
from photomesh_media_worker.domain import Processed
from photomesh_media_worker.pipeline import process
from tests.support import photos
from tests.support.photos import KINDS, Kind


def phash(data: bytes) -> int:
    outcome = process(data)
    assert isinstance(outcome, Processed)
    return int(outcome.phash, 16)


def distance(one: bytes, other: bytes) -> int:
    return (phash(one) ^ phash(other)).bit_count()


ORIGINAL = photos.scene(1200, 900, seed=3)
DATA = photos.encode("jpeg", ORIGINAL)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_does_not_matter(orientation: int) -> None:
    assert distance(DATA, photos.encode("jpeg", ORIGINAL, orientation=orientation)) <= 2


@pytest.mark.parametrize("kind", KINDS)
def test_type_and_quality_do_not_matter(kind: Kind) -> None:
    assert distance(DATA, photos.encode(kind, ORIGINAL, quality=60)) <= 4


@pytest.mark.parametrize("width", [2400, 1000, 700, 512])
def test_size_does_not_matter(width: int) -> None:
    resized = Image.fromarray(ORIGINAL).resize((width, width * 3 // 4), Image.Resampling.LANCZOS)
    assert distance(DATA, photos.encode("jpeg", resized)) <= 4


def test_brightness_hardly_matters() -> None:
    assert distance(DATA, photos.encode("jpeg", (ORIGINAL * 0.85).astype(np.uint8))) <= 6


def test_other_pictures_are_far() -> None:
    turned = np.ascontiguousarray(ORIGINAL[:, ::-1])
    assert distance(DATA, photos.encode("jpeg", turned)) >= 16
    noise = np.random.default_rng(1).integers(0, 256, (9, 12, 3), np.uint8)
    other = Image.fromarray(noise).resize((1200, 900), Image.Resampling.BICUBIC)
    assert distance(DATA, photos.encode("jpeg", other)) >= 16


def test_a_flat_picture_has_a_hash() -> None:
    for level in (0, 127, 255):
        flat = np.full((hashes.PHASH_SIDE, hashes.PHASH_SIDE, 3), level, np.uint8)
        assert hashes.phash(flat) in ("8000000000000000", "0000000000000000")


def test_phash_is_the_one_that_others_compute() -> None:
    """Against the textbook: DCT-II of 32 × 32 luma, the 8 × 8 lowest frequencies, above their median."""
    picture = photos.scene(32, 32, seed=9)
    luma = picture.astype(float) @ [0.299, 0.587, 0.114]
    n = np.arange(32)
    basis = np.cos(np.pi * np.outer(np.arange(32), 2 * n + 1) / 64)
    low = (basis @ luma @ basis.T)[:8, :8]
    bits = "".join("1" if value > np.median(low) else "0" for value in low.ravel())
    assert hashes.phash(picture) == f"{int(bits, 2):016x}"


@pytest.mark.parametrize(("width", "height"), [(100, 75), (75, 100), (64, 64), (100, 3), (1, 1), (7, 100)])
def test_thumbhash_is_that_of_the_reference(width: int, height: int) -> None:
    picture = photos.scene(width, height, seed=width)
    rgba = np.dstack([picture, np.full((height, width), 255, np.uint8)])
    wanted = bytes(reference.rgba_to_thumb_hash(width, height, rgba.ravel().tolist()))
    got = base64.b64decode(hashes.thumbhash(picture))
    assert len(got) == len(wanted)
    nibbles = [[part for byte in data for part in (byte & 15, byte >> 4)] for data in (got, wanted)]
    assert (
        max(abs(a - b) for a, b in zip(nibbles[0][10:], nibbles[1][10:], strict=True)) <= 1
    )  # halves round differently
    assert sum(a != b for a, b in zip(*nibbles, strict=True)) <= 2
