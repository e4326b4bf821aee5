"""A place in a list of notifications. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

__all__ = ["Position", "moment_of", "ms_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


class Position(NamedTuple):
    """Lists are sorted by it, in descending order."""

    changed_ms: int
    group_id: str


def ms_of(moment: datetime) -> int:
    return (moment - _EPOCH) // _MS


def moment_of(ms: int) -> datetime:
    return _EPOCH + ms * _MS
