"""Files that are cut, damaged or lie: each is refused, soon, and for a reason that people are told."""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Iterable
from typing import Any

import pytest
import pyvips
from PIL import Image

from photomesh_media_worker.domain import (
    MAX_PIXELS,
    MAX_PIXELS_PROGRESSIVE,
    MAX_UPLOAD_BYTES,
    REASONS,
    Processed,
    Rejected,
)
from photomesh_media_worker.pipeline import process
from tests.support import photos
from tests.support.photos import KINDS, Kind


def reason(data: bytes) -> str:
    outcome = process(data)
    return outcome.reason.code if isinstance(outcome, Rejected) else "ready"


JPEGS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 2},
    "progressive restarts": {"progressive": True, "restart_marker_blocks": 3},
    "CMYK": {"mode": "CMYK"},
    "grey": {"mode": "L"},
}


def jpeg(name: str) -> bytes:
    options = dict(JPEGS[name])
    picture = Image.fromarray(photos.scene(320, 240)).convert(options.pop("mode", "RGB"))
    return photos.encode("jpeg", picture, **options)


def assert_cut_or_the_same(data: bytes, places: Iterable[int]) -> None:
    """Wherever a file is cut, it is refused, or not one pixel is missing. The second is rare."""
    whole = process(data)
    assert isinstance(whole, Processed)
    same = 0
    for place in places:
        outcome = process(data[:place])
        if isinstance(outcome, Rejected):
            assert outcome.reason.code == "truncated", (len(data) - place, outcome)
        else:
            assert outcome.variants == whole.variants, len(data) - place
            same += 1
    assert same <= END_MARKERS


END_MARKERS = 16
"""Bytes that are no picture data, at most: the last chunk of a PNG, or the last bits of a byte and a marker."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_cut_anywhere_is_refused(kind: Kind) -> None:
    data = photos.photo(kind, 320, 240)
    assert_cut_or_the_same(
        data, sorted({*range(1, len(data), max(1, len(data) // 150)), *range(len(data) - 64, len(data))})
    )


@pytest.mark.parametrize("name", JPEGS)
def test_variations_of_jpeg_cut_anywhere_are_refused(name: str) -> None:
    data = jpeg(name)
    assert_cut_or_the_same(data, sorted({*range(20, len(data), 37), *range(len(data) - 64, len(data))}))


def test_a_progressive_jpeg_that_ends_between_two_scans_is_refused() -> None:
    """What is there is a whole picture, only blurred; no decoder warns of it."""
    for name in ("progressive", "progressive restarts"):
        data = jpeg(name)
        scans = [place for place in range(len(data)) if data[place : place + 2] == b"\xff\xda"]
        assert len(scans) > 5
        assert {reason(data[:place]) for place in scans} == {"truncated"}


@pytest.mark.parametrize("interlaced", [False, True])
def test_a_png_without_its_last_rows_is_refused_although_all_chunks_are_whole(interlaced: bool) -> None:
    picture = photos.scene(320, 240)
    image = pyvips.Image.new_from_array(picture).copy(interpretation="srgb")
    data = image.pngsave_buffer(compression=0, interlace=interlaced)
    assert data.count(b"IDAT") > 10
    assert_cut_or_the_same(data, [data.rindex(b"IDAT") - 4, data.rindex(b"IEND") - 4, len(data) - 3])


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_whose_middle_is_missing_is_refused(kind: Kind) -> None:
    data = photos.photo(kind, 320, 240)
    assert reason(data[: len(data) // 2] + data[len(data) // 2 + 200 :]) in ("corrupt", "truncated")


@pytest.mark.parametrize("name", ["baseline", "restarts", "CMYK", "grey"])
def test_an_end_marker_does_not_make_a_cut_jpeg_whole(name: str) -> None:
    data = jpeg(name)
    for place in range(len(data) // 2, len(data) - 40, 101):
        assert reason(data[:place].rstrip(b"\xff") + b"\xff\xd9") in ("corrupt", "truncated")


@pytest.mark.parametrize("name", ["baseline", "restarts", "progressive", "CMYK"])
@pytest.mark.parametrize("junk", [b"\0" * 9, b"\x11" * 7, b"\xff\0" * 5])
def test_junk_does_not_hide_that_picture_data_is_missing(name: str, junk: bytes) -> None:
    """libjpeg reports the first of its warnings, here the harmless one."""
    data = jpeg(name)
    scan = data.index(b"\xff\xda")
    odd = data[:scan] + junk + data[scan:]
    assert reason(odd) == "ready"
    for place in range(len(data) // 2, len(data) - 40, 301):
        for end in (b"", b"\xff\xd9", junk, junk + b"\xff\xd9"):
            assert reason(odd[: len(junk) + place].rstrip(b"\xff") + end) in ("corrupt", "truncated")


def test_a_lost_restart_interval_is_noticed_behind_junk() -> None:
    data = jpeg("restarts")
    scan = data.index(b"\xff\xda")
    third, fourth = data.index(b"\xff\xd2", scan), data.index(b"\xff\xd3", scan)
    odd = data[:scan] + bytes(9) + data[scan:third] + data[fourth:]
    assert reason(odd) == "truncated"


def test_what_decoders_merely_warn_of_is_still_a_photo() -> None:
    """Some cameras leave a few bytes before the end marker; and those may not hide that a photo is cut."""
    data = photos.encode("jpeg", photos.scene(320, 240))
    assert reason(data[:-2] + b"\x11" * 7 + data[-2:]) == "ready"
    with_restarts = photos.encode("jpeg", photos.scene(320, 240), restart_marker_blocks=4)
    restart = with_restarts.index(b"\xff\xd1")
    odd = with_restarts[:restart] + b"\x11" * 7 + with_restarts[restart:]
    assert reason(odd) == "ready"
    assert reason(odd[: len(odd) * 3 // 4]) == "truncated"
    assert reason(odd[: len(odd) * 3 // 4] + b"\xff\xd9") in ("corrupt", "truncated")


def test_a_cut_photo_is_refused_although_its_thumbnail_is_whole() -> None:
    thumbnail = photos.encode("jpeg", photos.scene(160, 120))
    with_thumbnail = photos.encode("jpeg", photos.scene(320, 240), exif=b"Exif\0\0" + photos.exif() + thumbnail)
    assert reason(with_thumbnail) == "ready"
    assert reason(with_thumbnail[:-10]) == "truncated"


def test_a_webp_whose_container_is_mended_is_still_refused() -> None:
    data = photos.photo("webp", 320, 240)
    cut = data[: len(data) // 2]
    assert reason(cut[:4] + struct.pack("<I", len(cut) - 8) + cut[8:]) in ("corrupt", "truncated")


def test_no_bytes() -> None:
    assert reason(b"") == "empty"


@pytest.mark.parametrize(
    "data",
    [
        b"just some text, named photo.jpg",
        bytes(5000),
        b"%PDF-1.7\n" + bytes(100),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a" + bytes(100),
        b"II*\0" + bytes(100),
        b"RIFF\x24\0\0\0WAVEfmt " + bytes(100),
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(100),
        b"BM" + bytes(100),
    ],
    ids=["text", "zeros", "pdf", "svg", "gif", "tiff", "wav", "mp4", "bmp"],
)
def test_other_types_are_refused(data: bytes) -> None:
    assert reason(data) == "unsupported-type"


def test_too_many_bytes() -> None:
    assert reason(photos.photo("jpeg", 16, 16) + bytes(MAX_UPLOAD_BYTES)) == "too-large"


@pytest.mark.parametrize("progressive", [False, True], ids=["base", "progressive"])
@pytest.mark.parametrize("kind", KINDS)
def test_bombs_are_refused_by_their_header(kind: Kind, progressive: bool) -> None:
    data = photos.bomb(kind, progressive=progressive)
    assert len(data) < 4000
    started = time.process_time()
    assert reason(data) == "too-many-pixels"
    assert time.process_time() - started < 1  # decoding would take gigabytes


def test_what_is_decoded_whole_may_have_fewer_pixels() -> None:
    side = int(MAX_PIXELS_PROGRESSIVE**0.5) + 100
    assert side**2 < MAX_PIXELS
    assert reason(photos.bomb("jpeg", side)) != "too-many-pixels"
    assert reason(photos.bomb("png", side)) != "too-many-pixels"
    for kind in KINDS:
        assert reason(photos.bomb(kind, side, progressive=True)) == "too-many-pixels"


def test_a_jpeg_of_several_scans_counts_as_decoded_whole() -> None:
    """A baseline JPEG may store its components one after the other; the decoder then keeps all coefficients."""
    data = photos.bomb("jpeg", int(MAX_PIXELS_PROGRESSIVE**0.5) + 100)
    scan = data.index(b"\xff\xda")
    one_component = b"\xff\xda" + struct.pack(">HB", 8, 1) + data[scan + 5 : scan + 7] + b"\0\x3f\0"
    assert reason(data[:scan] + one_component + bytes(100) + b"\xff\xd9") == "too-many-pixels"


def test_a_jpeg_of_thousands_of_scans_is_refused() -> None:
    data = photos.encode("jpeg", photos.scene(64, 64), progressive=True)
    scan, end = data.rindex(b"\xff\xda"), len(data) - 2
    assert reason(data[:end] + data[scan:end] * 1000 + data[end:]) == "too-complex"


@pytest.mark.parametrize("kind", ["png", "webp", "avif"])
def test_animations_are_refused(kind: Kind) -> None:
    frames = [Image.fromarray(photos.scene(64, 64, seed=seed)) for seed in range(3)]
    assert reason(photos.encode(kind, frames[0], save_all=True, append_images=frames[1:], duration=100)) == "animated"


def test_an_animation_of_one_picture_is_a_photo() -> None:
    data = photos.encode("png", photos.scene(64, 64))
    control = struct.pack(">II", 1, 0)
    chunk = struct.pack(">I", 8) + b"acTL" + control + struct.pack(">I", zlib.crc32(b"acTL" + control))
    assert reason(data[:33] + chunk + data[33:]) == "ready"


def test_work_is_bounded_where_a_format_lets_a_file_ask_for_more() -> None:
    chunk = struct.pack(">I4sI", 0, b"teXt", zlib.crc32(b"teXt"))
    png = photos.encode("png", photos.scene(8, 8))
    assert reason(png[:33] + chunk * 150_000 + png[33:]) == "too-complex"

    body = photos.encode("webp", photos.scene(8, 8))[12:] + struct.pack("<4sI", b"JUNK", 0) * 20_000
    assert reason(b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body) == "too-complex"

    jpeg = photos.encode("jpeg", photos.scene(8, 8))
    assert reason(jpeg[:2] + b"\xff\x01" * 1_000_000 + jpeg[2:]) == "too-complex"
    assert reason(jpeg[:2] + b"\xff" * 5_000_000 + jpeg[2:]) == "ready"
    assert reason(jpeg[:2] + b"\xff\0" * 2_500_000 + jpeg[2:]) == "ready"

    heic = photos.encode("heic", photos.scene(64, 64))
    assert reason(heic + struct.pack(">I4s", 8, b"free") * 30_000) == "too-complex"


def test_every_reason_tells_people_what_to_do() -> None:
    for code, told in REASONS.items():
        assert told.code == code
        assert told.message.endswith(".")
        assert told.fix.endswith(".")
