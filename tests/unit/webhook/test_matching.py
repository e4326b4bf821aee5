"""Batches of several partitions share a transaction, and no batch fails with another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from photomesh_shared.errors import DatabaseUnavailable
from photomesh_webhook.matching.domain import Heard
from photomesh_webhook.matching.store import PostgresMatching

NOW = datetime(2026, 11, 28, tzinfo=UTC)


class Poison(Exception):
    """What cannot be stored, however often it is tried."""


class Matching(PostgresMatching):
    """Without a database: notes the partitions of each transaction, and fails on demand."""

    def __init__(self) -> None:
        super().__init__(cast("Any", None))
        self.transactions: list[list[int]] = []
        self.failures: dict[int, Exception] = {}

    async def _store(self, batches: Sequence[Any]) -> dict[Any, int]:
        partitions = [batch.events[0].partition for batch in batches]
        self.transactions.append(partitions)
        await asyncio.sleep(0)
        for partition in partitions:
            if partition in self.failures:
                raise self.failures[partition]
        return dict.fromkeys(batches, 1)

    async def happened(self, *partitions: int) -> list[int | BaseException]:
        return await asyncio.gather(
            *(self.distribute([event_in(partition)], NOW) for partition in partitions), return_exceptions=True
        )


def event_in(partition: int) -> Heard:
    return Heard(
        topic="engagement",
        partition=partition,
        offset=0,
        event_id=f"e{partition}",
        type="photomesh.post.liked.v1",
        source="/photomesh/post",
        subject="o_1.u_1",
        time=NOW,
        entityversion=1,
        value=b"{}",
        owners=frozenset(),
        about=frozenset(),
        ends=False,
    )


async def test_partitions_share_a_transaction() -> None:
    matching = Matching()
    assert await matching.happened(0, 1, 2) == [1, 1, 1]
    assert matching.transactions == [[0, 1, 2]]


async def test_what_cannot_be_stored_fails_alone() -> None:
    matching = Matching()
    matching.failures[1] = Poison()
    assert await matching.happened(0, 1, 2) == [1, matching.failures[1], 1]
    assert matching.transactions[0] == [0, 1, 2]
    assert sorted(matching.transactions[1:]) == [[0], [1], [2]]


async def test_while_the_database_is_away_all_wait() -> None:
    matching = Matching()
    matching.failures[1] = DatabaseUnavailable("PostgreSQL is not reachable")
    answers = await matching.happened(0, 1)
    assert [type(answer) for answer in answers] == [DatabaseUnavailable] * 2
    assert matching.transactions == [[0, 1]]


async def test_one_partition_fails_once() -> None:
    matching = Matching()
    matching.failures[0] = Poison()
    with pytest.raises(Poison):
        await matching.distribute([event_in(0)], NOW)
    assert matching.transactions == [[0]]
