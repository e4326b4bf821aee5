"""Encrypted connections to Kafka and Cassandra: real clients and servers, with TLS that ends in front of the latter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import NewTopic

from photomesh_shared.errors import DatabaseUnavailable, Unavailable
from photomesh_shared.events import Record
from photomesh_shared.kafka.admin.client import open_admin
from photomesh_shared.kafka.connection import connection_options
from photomesh_shared.kafka.publisher import open_publisher
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.settings import CassandraSettings, KafkaSettings
from photomesh_shared.stores.cassandra import open_session
from tests.conftest import Environment
from tests.support.https_receiver import Authority
from tests.support.kafka import kafka_user
from tests.support.services import settings_from
from tests.support.tls_front import HOST, TlsFront, kafka_addresses, tls_front


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path)


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    """An authority that signed nothing here."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    return Authority.make(folder)


@pytest.fixture
async def kafka(authority: Authority) -> AsyncIterator[tuple[KafkaSettings, TlsFront]]:
    plain = kafka_user()
    host, port = plain.kafka_bootstrap.split(":")
    async with tls_front((host, int(port)), authority.server(HOST)) as front:
        front.rewrite = kafka_addresses(front)
        changes = {
            "kafka_bootstrap": f"{HOST}:{front.port}",
            "kafka_security_protocol": "SASL_SSL",
            "kafka_ca_file": str(authority.ca_file),
        }
        yield plain.model_copy(update=changes), front


async def test_events_go_through_an_encrypted_kafka_with_a_login(
    kafka: tuple[KafkaSettings, TlsFront], stranger: Authority, new_id: Callable[[], int]
) -> None:
    settings, front = kafka
    topic = f"encrypted-{new_id()}"
    record = Record(topic, b"key", b"value", (("ce_id", b"1"),))
    async with open_admin(settings) as admin:
        await admin.create_topics([NewTopic(topic, 1, 1)])
    async with open_publisher(settings, "test") as publisher:
        await publisher.send([record])
    assert [received.record async for received in read_topic(settings, topic)] == [record]

    consumer = AIOKafkaConsumer(
        topic, **connection_options(settings), group_id=topic, auto_offset_reset="earliest", enable_auto_commit=False
    )
    async with consumer:
        message = await consumer.getone()
        await consumer.commit()
    assert message.value == b"value"
    encrypted = front.connections
    assert encrypted >= 4

    untrusted = settings.model_copy(update={"kafka_ca_file": str(stranger.ca_file)})
    with pytest.raises(Unavailable):
        [received async for received in read_topic(untrusted, topic)]
    assert front.connections == encrypted, "the handshake was completed although nobody vouched for the server"


async def test_statements_go_through_an_encrypted_cassandra_with_a_login(
    authority: Authority, stranger: Authority, service_environment: Environment
) -> None:
    plain = settings_from(CassandraSettings, service_environment("post"))
    async with tls_front((plain.cassandra_hosts, plain.cassandra_port), authority.server(HOST)) as front:
        changes = {"cassandra_hosts": HOST, "cassandra_port": front.port, "cassandra_ca_file": str(authority.ca_file)}
        settings = plain.model_copy(update=changes)
        async with open_session(settings) as session:
            rows = await session.read("SELECT comment_id FROM comments WHERE comment_id = ?", 1)
            assert rows == []
        assert front.connections >= 2  # that of the driver itself, and the pool's

        untrusted = settings.model_copy(update={"cassandra_ca_file": str(stranger.ca_file)})
        before = front.connections
        with pytest.raises(DatabaseUnavailable):
            async with open_session(untrusted):
                pass
        assert front.connections == before
