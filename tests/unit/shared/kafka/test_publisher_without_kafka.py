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
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()  # until the client gives up
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        settings = NO_KAFKA.model_copy(update={"kafka_bootstrap": f"{host}:{port}"})
        # On a clock that stands, however long this machine takes, nobody is due to try again.
        publisher = KafkaPublisher(settings, "tests", delivery_seconds=0.1, clock=FakeClock())
        record = sample_record(SAMPLE, "ann", 1)
        for _ in range(3):
            with pytest.raises(EventLogUnavailable, match="within"):
                await publisher.send([record])
        answers = await asyncio.gather(*(publisher.send([record]) for _ in range(_CALLS)), return_exceptions=True)
        # None of them waited for a connection.
        assert [repr(answer) for answer in answers] == [
            repr(EventLogUnavailable("Kafka did not acknowledge the last records"))
        ] * _CALLS
        await publisher.stop()
