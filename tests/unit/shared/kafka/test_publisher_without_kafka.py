"""While Kafka does not answer, callers hear of it at once instead of waiting one after another."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from photomesh_shared.errors import EventLogUnavailable
from photomesh_shared.kafka.publisher import KafkaPublisher
from tests.support.clock import FakeClock
from tests.support.kafka import NO_KAFKA
from tests.support.sample_events import SAMPLE, sample_record

_CALLS = 20


async def test_only_one_call_tries_while_kafka_is_silent() -> None:
    attempts: list[int] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        attempts.append(1)
        with suppress(ConnectionError):
            await reader.read()  # until the client gives up
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    settings = NO_KAFKA.model_copy(update={"kafka_bootstrap": f"{host}:{port}"})
    # On a clock that stands, however long this machine takes, nobody is due to try again.
    publisher = KafkaPublisher(settings, "tests", delivery_seconds=0.1, clock=FakeClock())
    record = sample_record(SAMPLE, "ann", 1)
    for _ in range(3):
        with pytest.raises(EventLogUnavailable, match="within"):
            await publisher.send([record])
    attempts.clear()
    answers = await asyncio.gather(*(publisher.send([record]) for _ in range(_CALLS)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [EventLogUnavailable] * _CALLS
    assert attempts == []  # none of them waited for a connection
    await publisher.stop()
    server.close()
