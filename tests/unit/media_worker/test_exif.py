"""What the camera wrote: the public part, the private part, and cameras that write nonsense."""

from __future__ import annotations

import json
import random

import pytest
from PIL import ExifTags

from photomesh_media_worker.domain import Camera
from photomesh_media_worker.metadata import exif
from tests.support import photos


def test_what_is_public() -> None:
    assert exif.camera(photos.exif(location=True)) == Camera(
        make="Photomesh",
        model="Test camera 1",
        lens="35mm f/2.8",
        taken_at="2026-11-21T10:09:08",
        focal_length_mm=35.0,
        aperture=2.8,
        exposure="1/250",
        iso=400,
    )


def test_what_is_private() -> None:
    private = exif.everything(photos.exif(location=True))
    assert private["location"] == photos.LOCATION
    tags, gps = private["exif"], private["gps"]
    assert isinstance(tags, dict)
    assert isinstance(gps, dict)
    assert tags["BodySerialNumber"] == "SECRET-SERIAL-0042"
    assert gps["GPSLatitudeRef"] == "N"
    json.dumps(private, allow_nan=False)


@pytest.mark.parametrize("nothing", [None, b"", b"II", b"nonsense"])
def test_nothing_there(nothing: bytes | None) -> None:
    assert exif.camera(nothing) == Camera()
    assert exif.everything(nothing) == {"exif": {}, "gps": {}, "location": None}
    assert exif.orientation_of(nothing) == 1


@pytest.mark.parametrize(
    ("seconds", "text"), [(1 / 8000, "1/8000"), (1 / 3, "1/3"), (0.5, "1/2"), (0.8, "0.8"), (2.5, "2.5"), (30.0, "30")]
)
def test_exposure_is_written_as_photographers_do(seconds: float, text: str) -> None:
    assert exif.camera(photos.exif({ExifTags.Base.ExposureTime: seconds})).exposure == text


@pytest.mark.parametrize(
    "time", ["", "0000:00:00 00:00:00", "    :  :     :  :  ", "2026-11-21", "2026:13:41 99:00:00"]
)
def test_a_time_that_is_none(time: str) -> None:
    assert exif.camera(photos.exif({ExifTags.Base.DateTimeOriginal: time})).taken_at is None


def test_text_is_cleaned_and_cut() -> None:
    camera = exif.camera(photos.exif({ExifTags.Base.Make: "Can\x07on  \0junk", ExifTags.Base.Model: "x" * 5000}))
    assert camera.make == "Can on"
    assert camera.model is not None
    assert len(camera.model) == 100


def test_damaged_exif_data_is_never_an_error() -> None:
    dice = random.Random(20261121)
    whole = photos.exif(location=True, orientation=6)
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 8)):
            data[dice.randrange(8, len(data))] = dice.randrange(256)
        cut = bytes(data[: dice.randint(0, len(data))] if dice.random() < 0.3 else data)
        assert 1 <= exif.orientation_of(cut) <= 8
        exif.camera(cut)
        json.dumps(exif.everything(cut), allow_nan=False)
