"""Prometheus metrics of photos."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

__all__ = ["BYTES", "DECODER_SECONDS", "PHOTOS", "READY_AFTER", "STAGE_SECONDS"]

PHOTOS = Counter("photomesh_photos_total", "Photos by outcome.", ["outcome", "reason", "type"])
PHOTOS.labels("failed", "internal", "unknown")  # from 0, or the first failure would show no increase
PHOTOS.labels("rejected", "over-budget", "unknown")
DECODER_SECONDS = Counter("photomesh_photo_decoder_seconds_total", "Seconds for which photos kept decoders busy.")
READY_AFTER = Histogram(
    "photomesh_photo_ready_after_seconds",
    "From the upload's completion to the photo's readiness.",
    buckets=(0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 30, 60, 120, 300, 600, 1800),
)
STAGE_SECONDS = Histogram(
    "photomesh_photo_stage_seconds",
    "Time of each stage of a photo: fetch, wait (for a decoder), header, decode, variants, hashes, metadata, store.",
    ["stage"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
BYTES = Counter("photomesh_photo_bytes_total", "Bytes of originals (in) and of variants (out).", ["direction"])
