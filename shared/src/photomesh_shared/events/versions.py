"""Entity versions: a hybrid logical clock, in microseconds since 1970.

A version is the time of its event, and at least one more than the last version of its subject. So versions increase
whatever the clocks of several processes say, and continue above all earlier ones after the database is restored to an
earlier moment: consumers, which skip what is not newer, take what happens then. Until the year 2255 they are below
2^53, so JavaScript and Lua hold them exactly.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["next_version", "version_at"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def version_at(time: datetime) -> int:
    """Return the version of a subject's first event, if it happens at this time."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def next_version(last: int, now: datetime) -> int:
    """Return the version of an event that happens now, after one of version `last`."""
    return max(last + 1, version_at(now))
