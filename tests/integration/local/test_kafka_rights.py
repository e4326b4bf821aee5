"""With the credentials of each of Kafka's users, whatever it must do works, and everything else is refused.

What it must do follows from the registry of programs and the catalogue of topics. The other stores: `test_rights.py`.

Kafka judges a request before it looks for the partition, so asking for one that does not exist tells what is allowed
and leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from aiokafka.admin import NewTopic
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from photomesh_local.configuration import registry
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import TOPICS, dead_letter_topic
from photomesh_shared.kafka.admin.client import open_admin
from photomesh_shared.kafka.admin.requests import AlterPasswords, AlterQuotas, CreateAcls, DescribeAcls
from photomesh_shared.kafka.admin.topics import apply_topics
from photomesh_shared.settings import KafkaSettings
from tests.support.kafka import kafka_user

_NO_PARTITION = 9_999
_FOREIGN = "somebody-elses"
_DEAD_LETTERS = {dead_letter_topic(topic.name, group) for topic in TOPICS.values() for group in topic.consumers}
_GROUPS = {group for topic in TOPICS.values() for group in topic.consumers}
_EVERY_TOPIC = sorted({*TOPICS, *_DEAD_LETTERS, "__consumer_offsets"})
_EVERY_GROUP = sorted({*_GROUPS, *(f"{group}.replay" for group in _GROUPS), _FOREIGN})
PROGRAMS = [name for name, program in registry.PROGRAMS.items() if "kafka" in program.servers and name != "topics"]


def _batch() -> bytes:
    options = {"magic": 2, "compression_type": 0, "is_transactional": 0, "producer_id": -1, "producer_epoch": -1}
    builder = DefaultRecordBatchBuilder(**options, base_sequence=-1, batch_size=1_000)
    builder.append(0, timestamp=None, key=b"rights", value=b"", headers=[])
    return bytes(builder.build())


def _allowed(topics: Any) -> set[str]:
    """The topics of an answer for which the user was not refused."""
    found = {topic: partitions[0][1] for topic, partitions in topics}
    expected = {TopicAuthorizationFailedError.errno, UnknownTopicOrPartitionError.errno}
    assert set(found.values()) <= expected, found
    return {topic for topic, error in found.items() if error == UnknownTopicOrPartitionError.errno}


async def _rights(user: KafkaSettings) -> tuple[set[str], set[str], set[str]]:
    """What a user may write, read, and which groups it may be a member of."""
    batch = _batch()
    async with open_admin(user) as admin:
        await admin._client.force_metadata_update()
        node = next(iter(admin._client.cluster.brokers())).nodeId
        produce = ProduceRequest(None, -1, 5_000, [(topic, [(_NO_PARTITION, batch)]) for topic in _EVERY_TOPIC])
        written = await admin._send_request_to_node(node, produce)
        fetch = FetchRequest(0, 1, 1_000, 0, [(topic, [(_NO_PARTITION, 0, 1_000)]) for topic in _EVERY_TOPIC])
        read = await admin._send_request_to_node(node, fetch)
        groups = set()
        for group in _EVERY_GROUP:
            commit = OffsetCommitRequest(group, -1, "", -1, [("posts", [(_NO_PARTITION, 0, "")])])
            ((_, ((_, error),)),) = (await admin._send_request_to_node(node, commit)).topics
            if error != GroupAuthorizationFailedError.errno:
                groups.add(group)
        return _allowed(written.topics), _allowed(read.topics), groups


async def _is_no_administrator(user: KafkaSettings) -> None:
    async with open_admin(user) as admin:
        refused = [
            (await admin.create_topics([NewTopic("another", 1, 1)])).topic_errors[0][1],
            (await admin.delete_topics(["posts"])).topic_error_codes[0][1],
        ]
        assert set(refused) <= {TopicAuthorizationFailedError.errno, ClusterAuthorizationFailedError.errno}
        await _may_not_make_users(admin)


async def _may_not_make_users(admin: Any) -> None:
    acl = (2, "*", 3, "User:post", "*", 2, 3)
    refused = ClusterAuthorizationFailedError.errno
    assert (await admin._send_to_controller(DescribeAcls())).error_code == refused
    assert (await admin._send_to_controller(CreateAcls([acl]))).creation_responses[0][0] == refused
    assert (await admin._send_to_controller(AlterQuotas([("post", [("producer_byte_rate", 1e9)])]))).entries[0][0] == (
        refused
    )
    passwords = [("post", 2, 4096, b"salt", b"password")]
    assert (await admin._send_to_controller(AlterPasswords(passwords))).results[0][1] == refused


@pytest.mark.parametrize("name", PROGRAMS)
async def test_a_program(name: str, servers: object) -> None:
    program = registry.PROGRAMS[name]
    consumed = {topic.name for topic in TOPICS.values() if program.group in topic.consumers}
    letters = {dead_letter_topic(topic, str(program.group)) for topic in consumed}
    owned = {topic.name for topic in TOPICS.values() if topic.owner == program.deployable.name}
    written = owned if program.publishes is None else set(program.publishes)
    written |= {"erasure_acknowledgements"} if "erasures" in consumed else set()
    groups = {program.group, f"{program.group}.replay"} if program.group else set()
    assert await _rights(kafka_user(name)) == (written | letters, consumed | letters | set(program.reads), groups)
    await _is_no_administrator(kafka_user(name))


def test_a_topic_has_programs_of_one_deployable_for_writers() -> None:
    for program in registry.PROGRAMS.values():
        for topic in program.publishes or ():
            assert TOPICS[topic].owner == program.deployable.name


async def test_the_job_that_makes_topics_makes_no_users_and_joins_no_group(servers: object) -> None:
    user = kafka_user("topics")
    written, read, groups = await _rights(user)
    assert written == read == set(_EVERY_TOPIC)
    assert groups == set()
    async with open_admin(user) as admin:
        await _may_not_make_users(admin)


@pytest.mark.parametrize("name", registry.SUBSCRIBERS)
async def test_a_subscriber_reads_its_topics_in_groups_of_its_own(name: str, servers: object) -> None:
    user = kafka_user(name)
    assert await _rights(user) == (set(), set(registry.SUBSCRIBERS[name].reads), set())
    assert await _groups_of(user, [f"{name}-one", f"{name}-two", name]) == {f"{name}-one", f"{name}-two"}
    await _is_no_administrator(user)


async def _groups_of(user: KafkaSettings, names: Collection[str]) -> set[str]:
    async with open_admin(user) as admin:
        found = set()
        for group in names:
            commit = OffsetCommitRequest(group, -1, "", -1, [("posts", [(_NO_PARTITION, 0, "")])])
            ((_, ((_, error),)),) = (await admin._send_request(commit)).topics
            if error != GroupAuthorizationFailedError.errno:
                found.add(group)
        return found


async def test_the_operator_reads_everything_and_nothing_more(servers: object) -> None:
    assert await _rights(kafka_user("operator")) == (set(), set(_EVERY_TOPIC), set())
    await _is_no_administrator(kafka_user("operator"))


@pytest.mark.parametrize(
    "changes",
    [
        {"kafka_security_protocol": "PLAINTEXT"},
        {"kafka_password": "wrong"},
        {"kafka_user": "nobody"},
        {"kafka_user": "admin", "kafka_sasl_mechanism": "PLAIN"},
    ],
    ids=str,
)
async def test_nobody_else_gets_in(changes: dict[str, str], servers: object) -> None:
    user = kafka_user("post")
    stranger = KafkaSettings.model_validate(user.model_dump() | changes)
    with pytest.raises(KafkaConnectionError):
        async with open_admin(stranger):
            pass
    with pytest.raises(Unavailable):
        await apply_topics(stranger, [])
