"""The pipeline, as a decoding process runs it."""

from __future__ import annotations

from benchmarks.media.contestants import QUALITY, SIZES, Stages, Unsupported
from photomesh_media_worker.domain import VARIANT_SIZES, Processed
from photomesh_media_worker.pipeline import JPEG_QUALITY, process

assert (VARIANT_SIZES, JPEG_QUALITY) == (SIZES, QUALITY), "the others must be given the same settings"


def make(data: bytes) -> Stages:
    outcome = process(data)
    if not isinstance(outcome, Processed):
        raise Unsupported(outcome.reason.code)
    return outcome.seconds
