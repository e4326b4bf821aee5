"""What the tables in Cassandra share."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["FINAL", "aware"]

FINAL = 253_402_300_799_000_000
"""The timestamp of a deletion that nothing may undo: the last second of the year 9999, in microseconds."""


def aware(stored: datetime) -> datetime:
    """A moment as the driver returns it, with its time zone, which is UTC."""
    return stored.replace(tzinfo=UTC)
