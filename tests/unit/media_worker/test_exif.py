"""What the camera wrote: the public part, the private part, and cameras that write nonsense."""

from __future__ import annotations

import json
import random
import struct
import time
from collections.abc import Mapping
from typing import Any

import pytest
from PIL import ExifTags

from photomesh_media_worker.domain import Camera
from photomesh_media_worker.metadata.exif import Exif, camera, everything, is_adobe_rgb, orientation, read_exif
from tests.support import photos

LANDSCAPE = (300, 200)


def exif_of(tags: Mapping[int, Any] = photos.EXIF, *, location: bool = False) -> Exif:
    return read_exif(photos.exif(tags, location=location))


def entry(tag: int, kind: int, count: int, value: bytes) -> bytes:
    return struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")


def block(*entries: bytes, tail: bytes = b"") -> bytes:
    """EXIF data of one directory; `tail` begins at offset 14 + 12 × entries."""
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries) + bytes(4) + tail


ORIENTATION_6 = entry(ExifTags.Base.Orientation, 3, 1, b"\6\0")


def test_what_is_public() -> None:
    assert camera(exif_of(location=True)) == Camera(
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
    private = everything(exif_of(location=True))
    assert private["location"] == photos.LOCATION
    tags, gps = private["exif"], private["gps"]
    assert isinstance(tags, dict)
    assert isinstance(gps, dict)
    assert tags["BodySerialNumber"] == "SECRET-SERIAL-0042"
    assert gps["GPSLatitudeRef"] == "N"
    json.dumps(private, allow_nan=False)


@pytest.mark.parametrize("nothing", [None, b"", b"II", b"nonsense"])
def test_nothing_there(nothing: bytes | None) -> None:
    assert read_exif(nothing) == Exif()
    assert camera(Exif()) == Camera()
    assert everything(Exif()) == {"exif": {}, "gps": {}, "location": None}
    assert orientation(Exif(), LANDSCAPE) == 1


@pytest.mark.parametrize(
    ("seconds", "text"), [(1 / 8000, "1/8000"), (1 / 3, "1/3"), (0.5, "1/2"), (0.8, "0.8"), (2.5, "2.5"), (30.0, "30")]
)
def test_exposure_is_written_as_photographers_do(seconds: float, text: str) -> None:
    assert camera(exif_of({ExifTags.Base.ExposureTime: seconds})).exposure == text


@pytest.mark.parametrize(
    "time", ["", "0000:00:00 00:00:00", "    :  :     :  :  ", "2026-11-21", "2026:13:41 99:00:00"]
)
def test_a_time_that_is_none(time: str) -> None:
    assert camera(exif_of({ExifTags.Base.DateTimeOriginal: time})).taken_at is None


def test_text_is_cleaned_and_cut() -> None:
    cleaned = camera(exif_of({ExifTags.Base.Make: "Can\x07on  \0junk", ExifTags.Base.Model: "x" * 5000}))
    assert cleaned.make == "Can on"
    assert cleaned.model is not None
    assert len(cleaned.model) == 100


def test_damaged_exif_data_is_never_an_error() -> None:
    dice = random.Random(20261121)
    whole = photos.exif(location=True, orientation=6)
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 8)):
            data[dice.randrange(8, len(data))] = dice.randrange(256)
        cut = bytes(data[: dice.randint(0, len(data))] if dice.random() < 0.3 else data)
        read = read_exif(cut)
        assert 1 <= orientation(read, LANDSCAPE) <= 8
        camera(read)
        json.dumps(everything(read), allow_nan=False)


@pytest.mark.parametrize(
    "bad",
    [
        entry(ExifTags.Base.Make, 2, 12, struct.pack("<I", 0xFFFF00)),
        entry(ExifTags.Base.Make, 2, 0xFFFFFFFF, struct.pack("<I", 8)),
        entry(ExifTags.Base.Make, 99, 1, b"\0"),
        entry(ExifTags.Base.Make, 2, 0, b"\0"),
        entry(ExifTags.Base.XResolution, 5, 1, struct.pack("<I", 0xFFFFFFFF)),
        entry(ExifTags.IFD.Exif, 4, 1, struct.pack("<I", 0xFFFFFFFF)),
        entry(ExifTags.IFD.Exif, 2, 4, b"abc\0"),
        entry(ExifTags.IFD.GPSInfo, 4, 1, struct.pack("<I", 8)),
    ],
    ids=["outside", "endless", "type", "nothing", "fraction", "directory", "text", "itself"],
)
def test_a_damaged_entry_takes_no_other_with_it(bad: bytes) -> None:
    for entries in ((bad, ORIENTATION_6), (ORIENTATION_6, bad)):
        assert orientation(read_exif(block(*entries)), LANDSCAPE) == 6


def test_a_directory_that_is_cut_is_read_as_far_as_it_goes() -> None:
    whole = block(ORIENTATION_6, *(entry(tag, 3, 1, b"\1") for tag in range(0x200, 0x210)))
    assert orientation(read_exif(whole[: 10 + 12 + 5]), LANDSCAPE) == 6


def test_a_fraction_without_a_value_is_none() -> None:
    directory = struct.pack("<H", 1) + entry(ExifTags.Base.ExposureTime, 5, 1, struct.pack("<I", 44)) + bytes(4)
    for above, below, text in ((1, 0, None), (0, 5, None), (1, 250, "1/250")):
        data = block(entry(ExifTags.IFD.Exif, 4, 1, struct.pack("<I", 26)))
        data += directory + struct.pack("<II", above, below)
        assert camera(read_exif(data)).exposure == text


def test_huge_directories_of_huge_values_take_no_time() -> None:
    """Every entry refers to the same megabytes."""
    size = 4_000_000
    entries = [
        entry(0x9286 + number % 3, (7, 2, 4)[number % 3], size // 4, struct.pack("<I", 8)) for number in range(60_000)
    ]
    data = b"II*\0" + struct.pack("<IH", 8, 60_000) + b"".join(entries) + bytes(size)
    started = time.process_time()
    everything(read_exif(data))
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("小米".encode(), "小米"),
        ("Modèle".encode("latin-1"), "Modèle"),
        ("Café".encode("latin-1"), "Café"),
        ("x\u202egnp.exe".encode(), "x gnp.exe"),
        ("é".encode() * 5000, "é" * 100),
    ],
    ids=["utf-8", "latin-1", "latin-1 end", "direction", "long"],
)
def test_text_is_utf_8_or_else_latin_1(raw: bytes, text: str) -> None:
    make = entry(ExifTags.Base.Make, 2, len(raw) + 1, struct.pack("<I", 26))
    assert camera(read_exif(block(make, tail=raw + b"\0"))).make == text


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2024-05-06 07:08:09", "2024-05-06T07:08:09"),
        ("2024/05/06 07:08:09", "2024-05-06T07:08:09"),
        ("2024:05:06T07:08:09+02:00", "2024-05-06T07:08:09"),
        ("2024:05:06 24:00:00", None),
        ("٢٠٢٤:05:06 07:08:09", None),
    ],
)
def test_times_as_programs_write_them(written: str, iso: str | None) -> None:
    assert camera(exif_of({ExifTags.Base.DateTimeOriginal: written.encode().decode("latin-1")})).taken_at == iso


@pytest.mark.parametrize(
    ("space", "rule", "adobe"),
    [(None, None, False), (2, None, True), (65535, "R03", True), (1, "R03", False), (65535, "R98", False)],
)
def test_adobe_rgb_is_stated_in_two_ways(space: int | None, rule: str | None, adobe: bool) -> None:
    photo = {} if space is None else {ExifTags.Base.ColorSpace.value: space}
    assert is_adobe_rgb(Exif(photo=photo, interoperability={} if rule is None else {1: rule})) == adobe
