"""A runner on the broker in memory, by the event loop's clock."""

from __future__ import annotations

import random
from typing import Any

from photomesh_shared.kafka.publisher import Publisher
from photomesh_shared.kafka.runner import ConsumerRunner, Handler
from photomesh_shared.kafka.source import Connect
from tests.support.clock import LoopClock
from tests.support.memory_broker import MemoryBroker, MemoryPublisher
from tests.support.sample_events import SAMPLE, catalogue_with, sample_topic
from tests.support.waiting import eventually

__all__ = ["lag_gone", "runner_on"]


def runner_on(
    broker: MemoryBroker,
    handler: Handler,
    *,
    connect: Connect | None = None,
    publisher: Publisher | None = None,
    **options: Any,
) -> ConsumerRunner:
    return ConsumerRunner(
        connect or broker.connect(),
        group="tests",
        handlers={SAMPLE: handler},
        publisher=publisher or MemoryPublisher(broker),
        clock=LoopClock(),
        randomness=random.Random(1),
        catalogue=catalogue_with(sample_topic(SAMPLE.topic, "tests")),
        **options,
    )


async def lag_gone(broker: MemoryBroker) -> None:
    async def lag() -> int:
        return broker.lag("tests", SAMPLE.topic)

    await eventually(lag, until=lambda left: left == 0)
