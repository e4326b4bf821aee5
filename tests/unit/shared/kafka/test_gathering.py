"""How long brokers may let records gather before they answer a fetch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from inspect import signature
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import Fetcher

from photomesh_shared.kafka.consumer import KafkaSource
from photomesh_shared.kafka.source import Partition
from tests.support.kafka import NO_KAFKA

PARTITION = Partition("samples", 0)
RECORD = SimpleNamespace(topic="samples", partition=0, offset=0, key=b"ann", value=b"{}", headers=(), timestamp=0)
AT_ONCE = (1, 500)


class _NoOwner:
    async def assigned(self, partitions: object) -> None:
        """Takes none."""

    async def revoked(self, partitions: object) -> None:
        """Has none."""


@dataclass
class Driver:
    """Stands in for the driver's consumer: answers with what it is given, and notes what a fetch would wait for."""

    answers: Iterator[list[Any]]
    _fetcher: Any = field(default_factory=lambda: SimpleNamespace(_fetch_min_bytes=1, _fetch_max_wait_ms=500))

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int, max_records: int) -> dict[Any, list[Any]]:
        records = next(self.answers)
        return {TopicPartition(*PARTITION): records} if records else {}

    def next_fetch(self) -> tuple[int, int]:
        return self._fetcher._fetch_min_bytes, self._fetcher._fetch_max_wait_ms


async def source(*answers: list[Any], gather_ms: int) -> tuple[KafkaSource, Driver]:
    made = KafkaSource(NO_KAFKA, "tests", ["samples"], _NoOwner(), gather_ms=gather_ms)
    await made.stop()
    driver = Driver(iter(answers))
    made._consumer = driver
    return made, driver


async def test_records_gather_while_they_come() -> None:
    consumer, driver = await source([RECORD], [], [RECORD], [], gather_ms=100)
    await consumer.poll([PARTITION], 10, 0.5)
    least, wait = driver.next_fetch()
    assert least > 100_000
    assert wait == 100
    await consumer.poll([PARTITION], 10, 0)  # of the partitions that have room; the others may have records
    assert driver.next_fetch() == (least, wait)
    await consumer.poll([PARTITION], 10, 0.5)
    assert driver.next_fetch() == (least, wait)
    await consumer.poll([PARTITION], 10, 0.5)
    assert driver.next_fetch() == AT_ONCE


async def test_nothing_gathers_unless_it_is_asked_for() -> None:
    consumer, driver = await source([RECORD], gather_ms=0)
    await consumer.poll([PARTITION], 10, 0.5)
    assert driver.next_fetch() == AT_ONCE


@pytest.mark.parametrize("name", ["fetch_min_bytes", "fetch_max_wait_ms"])
def test_the_driver_has_what_is_set(name: str) -> None:
    assert name in signature(Fetcher.__init__).parameters
    assert f"_{name}" in Fetcher._get_actions_per_node.__code__.co_names
