"""AVIF and HEIC: what their container states of a picture beside its pixels."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from photomesh_media_worker.domain import Camera, Processed, Rejected, Rejection
from photomesh_media_worker.headers.boxes import Cursor
from photomesh_media_worker.headers.clean_aperture import clean_aperture
from photomesh_media_worker.headers.header import Rectangle
from photomesh_media_worker.pipeline import process
from tests.support import photos

Box = tuple[bytes, bytes]


def boxes(data: bytes) -> list[Box]:
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4])
        found.append((data[at + 4 : at + 8], data[at + 8 : at + size]))
        at += size
    return found


def joined(*of: Box) -> bytes:
    return b"".join(struct.pack(">I4s", 8 + len(content), kind) + content for kind, content in of)


def with_property(data: bytes, kind: bytes, content: bytes) -> bytes:
    """An AVIF or HEIC whose primary picture, which is item 1, has one more property.

    The description moves behind the pixels, so that these stay where it says that they are.
    """
    top = boxes(data)
    meta = dict(boxes(dict(top)[b"meta"][4:]))
    properties = dict(boxes(meta[b"iprp"]))
    number = len(boxes(properties[b"ipco"])) + 1
    associations = properties[b"ipma"]
    assert associations[:4] == bytes(4)
    assert associations[8:10] == b"\0\1"
    count = associations[10]
    properties[b"ipma"] = associations[:10] + bytes([count + 1, 0x80 | number]) + associations[11:]
    properties[b"ipco"] += joined((kind, content))
    meta[b"iprp"] = joined(*properties.items())
    hidden = [(b"free" if name == b"meta" else name, body) for name, body in top]
    return joined(*hidden, (b"meta", bytes(4) + joined(*meta.items())))


def aperture(width: int, height: int, right: int = 0, down: int = 0) -> bytes:
    """The content of `clap`; the offset is that of the centre, in half pixels."""
    return struct.pack(">IIIIiIiI", width, 1, height, 1, right, 2, down, 2)


def ready(data: bytes) -> Processed:
    outcome = process(data)
    assert isinstance(outcome, Processed), outcome
    return outcome


@pytest.mark.parametrize("kind", ["avif", "heic"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_its_owner_cropped_away_is_not_published(kind: photos.Kind, orientation: int) -> None:
    """The top right corner, which is green, of what is stored; then it is turned."""
    green = [((0, 0), (200, 40, 40)), ((0, 1), (40, 160, 60)), ((1, 0), (40, 60, 200)), ((1, 1), (220, 190, 40))]
    stored = np.zeros((200, 320, 3), np.uint8)
    for (row, column), colour in green:
        stored[100 * row : 100 * row + 100, 160 * column : 160 * column + 160] = colour
    data = photos.encode(kind, stored, orientation=orientation)
    width, height = (200, 320) if orientation >= 5 else (320, 200)
    # Encoders of the tests store the picture turned: the crop is that of the quarter which is red when it is upright.
    quarter = {1: (-1, -1), 2: (1, -1), 3: (1, 1), 4: (-1, 1), 5: (-1, -1), 6: (-1, 1), 7: (1, 1), 8: (1, -1)}[
        orientation
    ]
    crop = aperture(width // 2, height // 2, quarter[0] * width // 2, quarter[1] * height // 2)
    made = ready(with_property(data, b"clap", crop))
    assert (made.width, made.height) == (160, 100)
    picture = np.asarray(photos.open_picture(made.variants[0].jpeg), float)
    assert np.abs(picture - (200, 40, 40)).mean() < 4


@pytest.mark.parametrize(
    ("content", "rectangle"),
    [
        (aperture(320, 240), Rectangle(0, 0, 320, 240)),
        (aperture(100, 50), Rectangle(110, 95, 100, 50)),
        (aperture(100, 50, -220, 190), Rectangle(0, 190, 100, 50)),
        (aperture(101, 50), Rectangle(110, 95, 100, 50)),
        (aperture(400, 300), Rectangle(0, 0, 320, 240)),
        (aperture(100, 50, 320), Rectangle(270, 95, 50, 50)),
    ],
    ids=["whole", "middle", "corner", "half pixels", "larger", "over the edge"],
)
def test_a_clean_aperture_in_whole_pixels_inside_the_picture(content: bytes, rectangle: Rectangle) -> None:
    assert clean_aperture(Cursor(content, 0, len(content)), 320, 240) == rectangle


@pytest.mark.parametrize(
    "content",
    [
        aperture(100, 50, 2000),
        aperture(0, 50),
        struct.pack(">IIIIiIiI", 100, 0, 50, 1, 0, 1, 0, 1),
        struct.pack(">IIIIiIiI", 100, 1, 50, 1, -(2**31), 1, 0, 1),
        aperture(100, 50)[:-1],
    ],
    ids=["outside", "empty", "no denominator", "far outside", "cut"],
)
def test_a_clean_aperture_that_makes_no_sense_publishes_nothing(content: bytes) -> None:
    with pytest.raises(Rejection) as raised:
        clean_aperture(Cursor(content, 0, len(content)), 320, 240)
    assert raised.value.reason.code == "corrupt"
    outcome = process(with_property(photos.encode("avif", photos.scene(320, 240)), b"clap", content))
    assert isinstance(outcome, Rejected)


@pytest.mark.parametrize("kind", ["avif", "heic"])
@pytest.mark.parametrize(
    "tail", [b"\n", b"\0" * 7, b"\0" * 64, b"\r\n--boundary--\r\n", b"\0\0\0\1free" + bytes(7), b"\xff" * 40]
)
def test_what_follows_the_last_box_is_ignored(kind: photos.Kind, tail: bytes) -> None:
    data = photos.photo(kind, 160, 120)
    assert ready(data + tail).variants == ready(data).variants


@pytest.mark.parametrize("kind", ["avif", "heic"])
@pytest.mark.parametrize("head", [bytes(8), b"no exif!", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\0"])
def test_a_photo_is_not_refused_for_its_exif_data(kind: photos.Kind, head: bytes) -> None:
    data = photos.encode(kind, photos.scene(160, 120), tags=photos.EXIF)
    at = data.index(photos.exif(photos.EXIF)[:8])
    damaged = data[:at] + head + data[at + 8 :]
    assert ready(data).camera.make == "Photomesh"
    assert ready(damaged).camera == Camera()
    assert ready(damaged).variants == ready(data).variants
