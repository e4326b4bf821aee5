"""Colour that is stated in numbers rather than by an ICC profile: in chunks of a PNG, boxes of HEIC and AVIF, EXIF."""

from photomesh_media_worker.colour.icc import icc_profile
from photomesh_media_worker.colour.spaces import ADOBE_RGB, SRGB, Chromaticities, ColourSpace, Curve, of_cicp, of_png

__all__ = ["ADOBE_RGB", "SRGB", "Chromaticities", "ColourSpace", "Curve", "icc_profile", "of_cicp", "of_png"]
