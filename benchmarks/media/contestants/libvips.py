"""Four thumbnails of the source, which is what libvips' own command does."""

from __future__ import annotations

import pyvips

from benchmarks.media.contestants import QUALITY, SIZES, Stages, Unsupported

pyvips.cache_set_max(0)


def make(data: bytes) -> Stages:
    for size in SIZES:
        try:
            picture = pyvips.Image.thumbnail_buffer(data, size, height=size, size="down", output_profile="srgb")
            picture.jpegsave_buffer(Q=QUALITY, optimize_coding=True, keep="none")
        except pyvips.Error as error:
            raise Unsupported(str(error)) from error
    return {}
