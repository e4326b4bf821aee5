"""The features of a post in a ranked feed, as models take them and as the topic `served` has them."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["FEATURES", "FEATURE_SCHEMA", "WEIGHTS", "Feature", "pack_features", "unpack_features"]


class Feature(NamedTuple):
    name: str
    direction: int
    """1: a higher value never lowers the score; -1: never raises it; 0: either."""


FEATURES = (
    Feature("author_affinity", 1),
    Feature("engagement_rate", 0),
    Feature("recency", 0),
    Feature("content_affinity", 1),
    Feature("author_engagement", 0),
    Feature("log_likes", 0),
    Feature("log_comments", 0),
    Feature("log_age_hours", 0),
)
"""In the order of the columns. The first five are between 0 and 1, the others natural logarithms of 1 + the number."""

WEIGHTS = (0.30, 0.15, 0.35, 0.15, 0.05)
"""What the first five features count without a model. A guess: a new post and a close friend matter most, then what
others think of the post and its topic. The author's popularity matters least, or the loudest would always be on top."""

_VERSION = 1
"""Counts up when a feature keeps its name and means something else."""

FEATURE_SCHEMA = hashlib.sha256(f"{_VERSION}:{','.join(f.name for f in FEATURES)}".encode()).hexdigest()[:12]
"""A model with another one was trained on something else: it must not rank."""


def pack_features(rows: Sequence[Sequence[float]]) -> bytes:
    """Return the values row by row as little-endian floats of two bytes. Raises OverflowError above 65,504."""
    return struct.pack(f"<{len(rows) * len(FEATURES)}e", *(value for row in rows for value in row))


def unpack_features(packed: bytes) -> list[tuple[float, ...]]:
    """Return the rows. Raises ValueError if the length is not that of whole rows."""
    width = len(FEATURES)
    if len(packed) % (2 * width):
        raise ValueError("features end within a row")
    values = struct.unpack(f"<{len(packed) // 2}e", packed)
    return [values[start : start + width] for start in range(0, len(values), width)]
