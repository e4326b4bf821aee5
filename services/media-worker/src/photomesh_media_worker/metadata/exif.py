"""EXIF: what the camera wrote, split into what is public and what is the owner's alone. Reading it never fails."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from PIL import ExifTags

from photomesh_media_worker.domain import Camera
from photomesh_media_worker.metadata.tiff import Directory, open_tiff

__all__ = ["Exif", "camera", "everything", "is_adobe_rgb", "orientation", "read_exif"]

_MAX_TEXT = 100
_MAX_VALUES = 32
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
"""Control characters, separators of lines, and what turns the direction of text around it."""
_TIME = re.compile(r"(\d{4})[:/.-](\d\d)[:/.-](\d\d)[ T](\d\d):(\d\d):(\d\d)", re.ASCII)
_OPAQUE = {ExifTags.Base.MakerNote, ExifTags.Base.ExifOffset, ExifTags.Base.GPSInfo, ExifTags.Base.PrintImageMatching}
_SRGB, _ADOBE_RGB = 1, 2


@dataclass(frozen=True)
class Exif:
    """The directories: of the picture, of the camera, of the location, and of the rules that the camera keeps to."""

    base: Directory = field(default_factory=dict)
    photo: Directory = field(default_factory=dict)
    gps: Directory = field(default_factory=dict)
    interoperability: Directory = field(default_factory=dict)


def read_exif(data: bytes | None) -> Exif:
    """Reads what can be read; a damaged entry, or data that is none, is no concern of the person's."""
    tiff = open_tiff(data)
    if tiff is None:
        return Exif()
    base = tiff.first_directory()
    photo = tiff.directory(base.get(ExifTags.IFD.Exif))
    return Exif(
        base,
        photo,
        gps=tiff.directory(base.get(ExifTags.IFD.GPSInfo)),
        interoperability=tiff.directory(photo.get(ExifTags.IFD.Interop)),
    )


def orientation(exif: Exif, stored: tuple[int, int]) -> int:
    """1–8; 1, which is upright, where nothing valid is stated.

    `stored` is the width and height of the picture as it is in the file. Programs that turn a photo upright and leave
    the camera's orientation behind are common; turning it again would lay it on its side. Such a photo is portrait,
    says that it has to be turned by 90°, and gives as its own dimensions the camera's landscape ones.
    """
    value = exif.base.get(ExifTags.Base.Orientation)
    if not isinstance(value, int) or not 1 <= value <= 8:
        return 1
    if value >= 5 and stored[1] > stored[0]:
        size = exif.photo.get(ExifTags.Base.ExifImageWidth), exif.photo.get(ExifTags.Base.ExifImageHeight)
        if size == (stored[1], stored[0]):
            return 1
    return value


def is_adobe_rgb(exif: Exif) -> bool:
    """Whether a camera says that values are Adobe RGB: DCF 2.0 has it as a rule of interoperability, some have it as a
    colour space that EXIF does not define."""
    space = exif.photo.get(ExifTags.Base.ColorSpace)
    return space == _ADOBE_RGB or (space != _SRGB and _text(exif.interoperability.get(1)) == "R03")


def camera(exif: Exif) -> Camera:
    """What may be public."""
    base, photo = exif.base, exif.photo
    times = (
        photo.get(ExifTags.Base.DateTimeOriginal),
        photo.get(ExifTags.Base.DateTimeDigitized),
        base.get(ExifTags.Base.DateTime),
    )
    return Camera(
        make=_text(base.get(ExifTags.Base.Make)),
        model=_text(base.get(ExifTags.Base.Model)),
        lens=_text(photo.get(ExifTags.Base.LensModel)),
        taken_at=next((time for value in times if (time := _time(value))), None),
        focal_length_mm=_positive(photo.get(ExifTags.Base.FocalLength)),
        aperture=_positive(photo.get(ExifTags.Base.FNumber)),
        exposure=_exposure(photo.get(ExifTags.Base.ExposureTime)),
        iso=_whole(photo.get(ExifTags.Base.ISOSpeedRatings)),
    )


def everything(exif: Exif) -> dict[str, object]:
    """All tags by name, and the location in degrees: JSON, for the owner alone."""
    tags = {**exif.base, **exif.photo}
    return {
        "exif": {_name(ExifTags.TAGS, tag): _plain(value) for tag, value in tags.items() if tag not in _OPAQUE},
        "gps": {_name(ExifTags.GPSTAGS, tag): _plain(value) for tag, value in exif.gps.items()},
        "location": _location(exif.gps),
    }


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
    if not isinstance(value, int | float | Fraction):
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _positive(value: object) -> float | None:
    number = _number(value)
    return round(number, 2) or None if number is not None and 0 < number < 1e6 else None


def _whole(value: object) -> int | None:
    number = _positive(value)
    return round(number) if number else None


def _exposure(value: object) -> str | None:
    """As cameras show it: 1/250 up to a quarter of a second, 1/3 and 1/2, else seconds with one decimal."""
    seconds = _number(value)
    if seconds is None or not 1e-7 < seconds < 1e6:
        return None
    inverse = 1 / seconds
    if seconds <= 0.25 or (inverse > 1.5 and abs(inverse - round(inverse)) < 0.05):
        return f"1/{round(inverse)}"
    return f"{seconds:.1f}".removesuffix(".0")


def _time(value: object) -> str | None:
    """What the camera's clock showed, as ISO 8601; None if this is no time."""
    match = _TIME.match(_text(value) or "")
    if match is None:
        return None
    try:
        return datetime.fromisoformat("{}-{}-{}T{}:{}:{}".format(*match.groups())).isoformat()
    except ValueError:
        return None


def _location(gps: Directory) -> dict[str, float] | None:
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
