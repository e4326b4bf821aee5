"""Duplicate delivery: a consumer group is put back to earlier records."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from photomesh_shared.kafka.admin.client import open_admin
from photomesh_shared.kafka.connection import connection_options
from tests.support.groups import forget_members
from tests.support.kafka import kafka_user

__all__ = ["rewind"]

_SECONDS = 20.0
_DEEPEST = 200
_TO_THE_START = 0.25


async def rewind(group: str, seed: str) -> bool:
    """Put a group without consumers back, in each partition by up to so many records or to the first; whether it could
    be done. Kafka may be down."""
    try:
        async with asyncio.timeout(_SECONDS):
            await _rewind(group, random.Random(seed))
    except (KafkaError, OSError, TimeoutError, AssertionError):
        return False
    return True


async def _rewind(group: str, dice: random.Random) -> None:
    kafka = kafka_user()
    await forget_members(kafka, group)  # a killed one holds its partitions until its session ends
    async with AsyncExitStack() as opened:
        admin = await opened.enter_async_context(open_admin(kafka))
        committed = await admin.list_consumer_group_offsets(group)
        if not committed:
            return
        consumer = AIOKafkaConsumer(**connection_options(kafka), group_id=group, enable_auto_commit=False)
        await consumer.start()
        opened.push_async_callback(consumer.stop)
        consumer.assign(list(committed))
        firsts = await consumer.beginning_offsets(list(committed))
        to_the_start = dice.random() < _TO_THE_START
        await consumer.commit(
            {
                partition: max(firsts[partition], 0 if to_the_start else found.offset - dice.randrange(_DEEPEST))
                for partition, found in sorted(committed.items())
                if found.offset >= 0
            }
        )
