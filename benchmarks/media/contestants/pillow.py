"""As Pillow's manual advises: `thumbnail` decodes JPEGs at a smaller scale, and each size comes from the one before."""

from __future__ import annotations

import io

from PIL import Image, ImageCms, ImageOps

from benchmarks.media.contestants import QUALITY, SIZES, Stages, Unsupported

_SRGB = ImageCms.createProfile("sRGB")


def make(data: bytes) -> Stages:
    try:
        picture: Image.Image = Image.open(io.BytesIO(data))
    except OSError as error:
        raise Unsupported(str(error)) from error
    profile = picture.info.get("icc_profile")
    picture.thumbnail((SIZES[0], SIZES[0]), Image.Resampling.LANCZOS)
    picture = ImageOps.exif_transpose(picture)
    if profile:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        picture = ImageCms.profileToProfile(picture, source, _SRGB, outputMode="RGB") or picture
    picture = picture.convert("RGB")
    for size in SIZES:
        picture.thumbnail((size, size), Image.Resampling.LANCZOS)
        picture.save(io.BytesIO(), "JPEG", quality=QUALITY, optimize=True, subsampling="4:2:0")
    return {}
