"""ICC profiles (version 4.3, matrix and curve) of spaces that are stated in numbers, for the colour engine to use."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from photomesh_media_worker.colour.spaces import ColourSpace, Curve

__all__ = ["icc_profile"]

_Floats = npt.NDArray[np.float64]

_D50 = np.array([0.9642, 1.0, 0.8249])
"""White of the profile connection space (ICC.1:2022, 7.2.16)."""
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""Chromatic adaptation as profiles do it (ICC.1:2022, annex E.3)."""

_REFERENCE_WHITE = 203.0
"""Luminance of a white page in an HDR picture, in cd/m² (ITU-R BT.2408)."""
_PEAK = 1000.0
"""Luminance of the brightest highlight that is kept, in cd/m²: what HDR pictures are mastered for."""
_TABLE = 1024


@lru_cache(maxsize=64)
def icc_profile(space: ColourSpace, *, grey: bool) -> bytes | None:
    """Returns the profile, of a space with one channel if `grey`. None if the primaries span no colours."""
    curve = _curve(space.curve)
    if grey:
        return _file(b"GRAY", {b"wtpt": _xyz(_D50), b"kTRC": curve})
    matrix = _to_d50(space)
    if matrix is None:
        return None
    columns = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), (_xyz(column) for column in matrix.T), strict=True))
    return _file(b"RGB ", {b"wtpt": _xyz(_D50), **columns, **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)})


def _to_d50(space: ColourSpace) -> _Floats | None:
    """From linear RGB to XYZ, adapted to D50."""
    points = space.chromaticities
    x, y = np.array([points.red, points.green, points.blue]).T
    white_x, white_y = points.white
    if min(*y, white_y) <= 0:
        return None
    primaries = np.array([x / y, np.ones(3), (1 - x - y) / y])
    white = np.array([white_x / white_y, 1.0, (1 - white_x - white_y) / white_y])
    cone = _BRADFORD @ white
    if abs(np.linalg.det(primaries)) < 1e-6 or np.abs(cone).min() < 1e-6:
        return None
    adaptation = np.linalg.inv(_BRADFORD) @ np.diag(_BRADFORD @ _D50 / cone) @ _BRADFORD
    matrix: _Floats = adaptation @ primaries * np.linalg.solve(primaries, white)
    return matrix if np.abs(matrix).max() < 8 else None


def _curve(curve: Curve | float) -> bytes:
    """From stored to linear values."""
    match curve:
        case Curve.SRGB:  # IEC 61966-2-1, as ICC.1:2022, 10.18 parametrises it
            return b"para\0\0\0\0\0\3\0\0" + b"".join(
                _fixed(value) for value in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
            )
        case Curve.PQ | Curve.HLG:
            values = np.round(65535 * _tone_mapped(_luminance(curve))).astype(">u2")
            return b"curv\0\0\0\0" + struct.pack(">I", _TABLE) + values.tobytes()
        case exponent:
            return b"para\0\0\0\0\0\0\0\0" + _fixed(exponent)


def _luminance(curve: Curve) -> _Floats:
    """What stored values from 0 to 1 show, in cd/m² (ITU-R BT.2100, tables 4 and 5), HLG on a display of `_PEAK`."""
    value = np.linspace(0, 1, _TABLE)
    if curve is Curve.PQ:
        m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
        power = value ** (1 / m2)
        pq: _Floats = 10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
        return pq
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(value <= 0.5, value**2 / 3, (np.exp((value - c) / a) + b) / 12)
    hlg: _Floats = _PEAK * scene**1.2
    return hlg


def _tone_mapped(luminance: _Floats) -> _Floats:
    """Linear values for a display without HDR: highlights are compressed rather than cut (extended Reinhard, 2002)."""
    relative = np.minimum(luminance, _PEAK) / _REFERENCE_WHITE
    mapped: _Floats = relative * (1 + relative * (_REFERENCE_WHITE / _PEAK) ** 2) / (1 + relative)
    return mapped


def _file(space: bytes, tags: Mapping[bytes, bytes]) -> bytes:
    tags = {**_TEXTS, **tags}
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"", 0x04300000, b"mntr", space, b"XYZ ")
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    header += b"".join(_fixed(value) for value in _D50)
    return header.ljust(128, b"\0") + table + body


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded), 28) + encoded


def _xyz(values: _Floats) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_fixed(float(value)) for value in values)


def _fixed(value: float) -> bytes:
    """s15Fixed16Number."""
    return struct.pack(">i", round(value * 65536))


# Made here, for Python loads this encoding from a file when it is first used, and decoders may open none.
_TEXTS = {b"desc": _text("stated in numbers"), b"cprt": _text("CC0")}
