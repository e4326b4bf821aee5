"""The order of a feed: that of post ids, newest first (docs/decisions/0012)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from photomesh_shared.ids import EPOCH, MAX_ID, REGION_BITS, SEQUENCE_BITS, WORKER_BITS

__all__ = ["MS_BITS", "feed_order", "id_ms", "in_feed_order"]

MS_BITS = REGION_BITS + WORKER_BITS + SEQUENCE_BITS
"""Bits of an id below its milliseconds."""


def id_ms(time: datetime) -> int:
    """Returns a time in the milliseconds of ids."""
    return (time - EPOCH) // timedelta(milliseconds=1)


_NEWEST_FIRST = MAX_ID >> MS_BITS << MS_BITS
"""The bits of the milliseconds: inverted, a later one is less."""


def feed_order(post_id: int) -> int:
    """Sort key, from 0: newest millisecond first, ids of one millisecond ascending. It depends on the id alone, so
    an id is all that a cursor needs."""
    return post_id ^ _NEWEST_FIRST


def in_feed_order(post_ids: Iterable[int]) -> list[int]:
    """Returns distinct ids in the order of a feed."""
    return sorted(set(post_ids), key=_NEWEST_FIRST.__xor__)  # feed_order, without a call of Python for each
