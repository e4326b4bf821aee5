"""RGB colour spaces: three primaries, a white point and a transfer curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

__all__ = ["ADOBE_RGB", "SRGB", "Chromaticities", "ColourSpace", "Curve", "of_cicp", "of_png"]

Point = tuple[float, float]
"""CIE 1931 x and y."""


class Curve(Enum):
    """Transfer curves that are no plain power."""

    SRGB = "sRGB"
    PQ = "PQ"
    HLG = "HLG"


@dataclass(frozen=True)
class Chromaticities:
    red: Point
    green: Point
    blue: Point
    white: Point


@dataclass(frozen=True)
class ColourSpace:
    """`curve` may be the exponent that makes a stored value linear."""

    chromaticities: Chromaticities
    curve: Curve | float


_D65: Point = (0.3127, 0.3290)
_C: Point = (0.310, 0.316)
_BT_709 = Chromaticities((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65)
_SMPTE_170M = Chromaticities((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65)

SRGB = ColourSpace(_BT_709, Curve.SRGB)
ADOBE_RGB = ColourSpace(Chromaticities((0.640, 0.330), (0.210, 0.710), (0.150, 0.060), _D65), 563 / 256)
"""Adobe RGB (1998), version 2005-05."""

_PRIMARIES: Mapping[int, Chromaticities] = MappingProxyType(
    {
        1: _BT_709,
        4: Chromaticities((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),
        5: Chromaticities((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), _D65),
        6: _SMPTE_170M,
        7: _SMPTE_170M,
        8: Chromaticities((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
        9: Chromaticities((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
        11: Chromaticities((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
        12: Chromaticities((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
        22: Chromaticities((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), _D65),
    }
)
"""ITU-T H.273, table 2. 10 (XYZ) is no space that a photo is stored in."""

_CURVES: Mapping[int, Curve | float] = MappingProxyType(
    dict.fromkeys((1, 2, 6, 13, 14, 15), Curve.SRGB) | {4: 2.2, 5: 2.8, 8: 1.0, 16: Curve.PQ, 18: Curve.HLG}
)
"""ITU-T H.273, table 3. Stills that state a camera's curve of BT.709, BT.601 or BT.2020 (1, 6, 14, 15) are meant for a
display of sRGB, and every browser shows them so; an unspecified curve (2) means the same."""

_USUAL_GAMMA = 2.2
_GAMMA_TOLERANCE = 0.05
"""A difference that libpng takes for none (PNG_GAMMA_THRESHOLD). Programs write 1/2.2 for sRGB."""
_CHROMATICITY_TOLERANCE = 0.01


def of_cicp(primaries: int, transfer: int) -> ColourSpace | None:
    """The space of a pair of code points (ITU-T H.273); None if it is not specified or not known."""
    curve = _CURVES.get(transfer)
    if primaries == 2 and curve is Curve.SRGB:
        return None
    chromaticities = _PRIMARIES.get(1 if primaries == 2 else primaries)
    return ColourSpace(chromaticities, curve) if chromaticities and curve else None


def of_png(gamma: float | None, chromaticities: Chromaticities | None) -> ColourSpace | None:
    """The space that the chunks gAMA (the exponent with which values were encoded) and cHRM state; None for none."""
    exponent = 1 / gamma if gamma else _USUAL_GAMMA
    like_srgb = chromaticities is None or _close(chromaticities, _BT_709)
    if like_srgb and abs(exponent / _USUAL_GAMMA - 1) <= _GAMMA_TOLERANCE:
        return None
    if gamma is None:
        return ColourSpace(chromaticities or _BT_709, Curve.SRGB)
    return ColourSpace(chromaticities or _BT_709, exponent)


def _close(one: Chromaticities, other: Chromaticities) -> bool:
    points = (
        (one.red, other.red),
        (one.green, other.green),
        (one.blue, other.blue),
        (one.white, other.white),
    )
    return all(abs(a - b) <= _CHROMATICITY_TOLERANCE for p, q in points for a, b in zip(p, q, strict=True))
