"""Rows written from events. Pure.

Every cell carries a timestamp derived from its event, and Cassandra keeps the newest of each cell. So events may be
applied in any order and any number of times, by the request that caused them and by the consumer: the rows come out
the same.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pydantic import TypeAdapter

from photomesh_shared.ids import timestamp_of

__all__ = [
    "BUCKETS",
    "FINAL",
    "Row",
    "RowWrite",
    "bucket_of",
    "by_month",
    "decode_json",
    "month_at",
    "month_of",
    "months_between",
    "utc",
]

Row = Mapping[str, Any]
Model = TypeVar("Model")

FINAL = 253_402_300_799_000_000
"""The timestamp of a deletion, which no event exceeds: the last second of the year 9999, in microseconds. A deletion
overwrites values rather than removing them, because a tombstone is dropped after some days and a replayed event would
then restore what was deleted."""

BUCKETS = 16
"""Partitions of what has an entry for each of many accounts."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class RowWrite:
    """Cells of one row, and the timestamp that they carry."""

    table: str
    key: Mapping[str, Any]
    timestamp: int
    cells: Mapping[str, object] = field(default_factory=dict)


def bucket_of(id_: int) -> int:
    """The bucket of an account's entries. The low bits of ids would not do: they are mostly zero."""
    return zlib.crc32(id_.to_bytes(8, "big")) % BUCKETS


def month_at(version: int) -> int:
    """The month of a version, as partitions are named: 202611 for November 2026."""
    time = _EPOCH + timedelta(microseconds=version)
    return time.year * 100 + time.month


def month_of(id_: int) -> int:
    """The month in which an id was generated, as partitions are named: 202611 for November 2026."""
    time = timestamp_of(id_)
    return time.year * 100 + time.month


def months_between(first: int, last: int) -> list[int]:
    """The months from that of the first id to that of the last, as partitions are named."""
    start, end = month_of(first), month_of(last)
    return [
        year * 100 + month
        for year in range(start // 100, end // 100 + 1)
        for month in range(1, 13)
        if start <= year * 100 + month <= end
    ]


def by_month(ids: Iterable[int]) -> dict[int, tuple[int, ...]]:
    """The ids in ascending order, grouped by their month."""
    months: defaultdict[int, list[int]] = defaultdict(list)
    for id_ in sorted(ids):
        months[month_of(id_)].append(id_)
    return {month: tuple(of_month) for month, of_month in months.items()}


def decode_json(adapter: TypeAdapter[Model], text: str | None) -> Model | None:
    """The model in a text column. Ignores fields that a newer version of the service wrote."""
    return adapter.validate_json(text, extra="ignore") if text else None


def utc(time: datetime | None) -> datetime | None:
    """Cassandra returns times in UTC without a zone; this adds it."""
    return time.replace(tzinfo=UTC) if time and time.tzinfo is None else time
