"""EXIF: what the camera wrote. Read apart from the picture, split into what is public and what is the owner's alone."""

from __future__ import annotations

import math
import re
import struct
import warnings
from collections.abc import Mapping
from datetime import datetime
from numbers import Rational

from PIL import ExifTags, Image

from photomesh_media_worker.domain import Camera

__all__ = ["camera", "everything", "orientation_of"]

_FAULTS = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    SyntaxError,
    OSError,
    struct.error,
    ZeroDivisionError,
    OverflowError,
)
"""What Pillow raises on EXIF data that is not what it says. A photo is not refused for it."""

_MAX_TEXT = 100
_MAX_VALUES = 32  # a table of hundreds of numbers is a maker's secret, not information
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_OPAQUE = {ExifTags.Base.MakerNote, ExifTags.Base.ExifOffset, ExifTags.Base.GPSInfo, ExifTags.Base.PrintImageMatching}


def orientation_of(exif: bytes | None, stored: tuple[int, int] | None = None) -> int:
    """1–8; 1, which is upright, where nothing valid is stated.

    `stored` is the width and height of the picture as it is in the file. Programs that turn a photo upright and leave
    the camera's orientation behind are common; turning it again would lay it on its side. Such a photo is portrait,
    says that it has to be turned by 90°, and gives as its own dimensions the camera's landscape ones.
    """
    base, photo, _ = _read(exif)
    value = base.get(ExifTags.Base.Orientation)
    if not isinstance(value, int) or not 1 <= value <= 8:
        return 1
    if value >= 5 and stored is not None and stored[1] > stored[0]:
        camera_size = photo.get(ExifTags.Base.ExifImageWidth), photo.get(ExifTags.Base.ExifImageHeight)
        if camera_size == (stored[1], stored[0]):
            return 1
    return value


def camera(exif: bytes | None) -> Camera:
    """What may be public."""
    base, photo, _ = _read(exif)
    return Camera(
        make=_text(base.get(ExifTags.Base.Make)),
        model=_text(base.get(ExifTags.Base.Model)),
        lens=_text(photo.get(ExifTags.Base.LensModel)),
        taken_at=_time(photo.get(ExifTags.Base.DateTimeOriginal) or base.get(ExifTags.Base.DateTime)),
        focal_length_mm=_positive(photo.get(ExifTags.Base.FocalLength)),
        aperture=_positive(photo.get(ExifTags.Base.FNumber)),
        exposure=_exposure(_positive(photo.get(ExifTags.Base.ExposureTime), digits=7)),
        iso=_whole(photo.get(ExifTags.Base.ISOSpeedRatings)),
    )


def everything(exif: bytes | None) -> dict[str, object]:
    """All tags by name, and the location in degrees: JSON, for the owner alone."""
    base, photo, gps = _read(exif)
    tags = {_name(ExifTags.TAGS, tag): _plain(value) for tag, value in {**base, **photo}.items() if tag not in _OPAQUE}
    return {
        "exif": tags,
        "gps": {_name(ExifTags.GPSTAGS, tag): _plain(value) for tag, value in gps.items()},
        "location": _location(gps),
    }


def _read(exif: bytes | None) -> tuple[Mapping[int, object], Mapping[int, object], Mapping[int, object]]:
    """The main directory, the camera's, and the one of the location."""
    if not exif:
        return {}, {}, {}
    parsed = Image.Exif()
    with warnings.catch_warnings(action="ignore"):  # Pillow warns of damage that is no concern of the person's
        try:
            parsed.load(exif)
            base = dict(parsed)
        except _FAULTS:
            return {}, {}, {}
        return base, _directory(parsed, ExifTags.IFD.Exif), _directory(parsed, ExifTags.IFD.GPSInfo)


def _directory(parsed: Image.Exif, ifd: ExifTags.IFD) -> Mapping[int, object]:
    try:
        return dict(parsed.get_ifd(ifd))
    except _FAULTS:
        return {}


def _name(names: Mapping[int, str], tag: int) -> str:
    return names.get(tag, f"0x{tag:04x}")


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    return _UNPRINTABLE.sub(" ", value.split("\0")[0]).strip()[:_MAX_TEXT] or None


def _number(value: object) -> float | None:
    if isinstance(value, tuple) and value:
        value = value[0]
    if not isinstance(value, int | float | Rational):
        return None
    try:
        number = float(value)
    except _FAULTS:
        return None
    return number if math.isfinite(number) else None


def _positive(value: object, digits: int = 2) -> float | None:
    number = _number(value)
    return round(number, digits) or None if number is not None and 0 < number < 1e6 else None


def _whole(value: object) -> int | None:
    number = _positive(value)
    return round(number) if number else None


def _exposure(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return f"1/{round(1 / seconds)}" if seconds <= 0.5 else f"{seconds:g}"


def _time(value: object) -> str | None:
    text = _text(value)
    if text is None:
        return None
    try:
        return datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S").isoformat()  # noqa: DTZ007 - the camera's own clock
    except ValueError:
        return None


def _location(gps: Mapping[int, object]) -> dict[str, float] | None:
    latitude = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), limit=90)
    longitude = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), limit=180)
    if latitude is None or longitude is None:
        return None
    location = {"latitude": latitude, "longitude": longitude}
    altitude = _number(gps.get(ExifTags.GPS.GPSAltitude))
    if altitude is not None:
        below_sea = gps.get(ExifTags.GPS.GPSAltitudeRef) in (1, b"\x01")
        location["altitude_m"] = round(-altitude if below_sea else altitude, 2)
    return location


def _degrees(value: object, reference: object, *, limit: int) -> float | None:
    if not isinstance(value, tuple) or len(value) != 3:
        return None
    parts = [_number(part) for part in value]
    degrees, minutes, seconds = (part or 0.0 for part in parts)
    if parts[0] is None:
        return None
    total = degrees + minutes / 60 + seconds / 3600
    if not 0 <= total <= limit:
        return None
    return round(-total if (_text(reference) or "").upper() in ("S", "W") else total, 7)


def _plain(value: object) -> object:
    """As JSON has it; None for what is too long or means nothing outside the camera."""
    if isinstance(value, bytes):
        return value.hex() if len(value) <= _MAX_VALUES else None
    if isinstance(value, str):
        return _UNPRINTABLE.sub(" ", value).strip()[:1000]
    if isinstance(value, tuple):
        return [_plain(item) for item in value] if len(value) <= _MAX_VALUES else None
    if isinstance(value, int):
        return value
    return _number(value)
