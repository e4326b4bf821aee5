"""Everything is read from its beginning into empty stores: the groups are those that were there, row by row."""

from __future__ import annotations

import random
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

import pytest

from photomesh_notification.collecting.event_handlers import Collector
from photomesh_notification.groups.store import CassandraGroups
from photomesh_notification.settings import WriterSettings
from photomesh_notification.writer import handlers
from photomesh_notification.writing.erasure import AccountEraser
from photomesh_notification.writing.event_handlers import Writer
from photomesh_shared import ids
from photomesh_shared.clock import SystemClock
from photomesh_shared.consumer.erasure import ErasureHandler
from photomesh_shared.errors import DatabaseUnavailable
from photomesh_shared.events import Envelope, Event, Record, decode
from photomesh_shared.stores.cassandra import CassandraSession, migrate, open_session
from photomesh_shared.stores.migrations import folder_of
from tests.integration.notification.scene import COLLECTOR, WRITER, Environment, Scene, running
from tests.support.kafka import Topics
from tests.support.services import settings_from


class Tasks:
    """Keeps what is published, as it is read."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope[Any]] = []

    async def publish(self, envelope: Envelope[Event]) -> None:
        self.envelopes.append(envelope)

    async def publish_many(self, envelopes: Sequence[Envelope[Event]]) -> None:
        self.envelopes += envelopes

    async def send(self, records: Sequence[Record]) -> None:
        raise NotImplementedError


@pytest.fixture
async def empty(environment: Environment) -> AsyncIterator[CassandraSession]:
    """A keyspace with the service's tables, and nothing in them."""
    keyspace = f"notification_{uuid.uuid4().hex[:12]}"
    superuser = {k: v for k, v in environment("cassandra-roles").items() if k.startswith("PHOTOMESH_CASSANDRA_")}
    values = {**environment("notification-writer"), **superuser}
    settings = settings_from(WriterSettings, values, cassandra_keyspace=keyspace)
    await migrate(settings, folder_of("photomesh_notification"))
    async with open_session(settings) as session:
        yield session
        with suppress(DatabaseUnavailable):  # takes longer than the time-out, and happens all the same
            await session.execute(f"DROP KEYSPACE {keyspace}")


async def rows_of(session: CassandraSession, account_id: int) -> list[dict[str, Any]]:
    """Groups with their members, without what says how they came to be: versions of groups count the changes that were
    seen on the way, and who undid it before anybody was told left no row."""
    rows = await session.execute("SELECT * FROM notification_groups WHERE account_id = ?", account_id)
    by_group = "SELECT * FROM notification_members WHERE account_id = ? AND group_id = ?"
    return [
        {name: value for name, value in row.items() if name != "version"}
        | {"members": [one for one in await session.execute(by_group, account_id, row["group_id"]) if one["active"]]}
        for row in rows
        if row["count"]
    ]


async def replay(session: CassandraSession, history: Sequence[Envelope[Event]], randomness: random.Random) -> None:
    """Collects and writes all of it, some at a time."""
    clock, tasks, published = SystemClock(), Tasks(), Tasks()
    groups = CassandraGroups(session, clock)
    collector = Collector(groups, tasks, clock)
    eraser = AccountEraser(groups, tasks, clock)
    erasure = ErasureHandler("notification-writer", eraser.erase, published, clock)
    handle = handlers(Writer(groups, published, (), clock), erasure)
    left = list(history)
    while left:
        size = randomness.randint(1, 30)
        part, left = left[:size], left[size:]
        await collector.collect(part)
        await collector.flush()
        taken, tasks.envelopes = tasks.envelopes, []
        for task in taken:
            await handle[type(task.data)](task)


async def test_a_replay_into_empty_stores_gives_the_same_rows(
    scene: Scene, environment: Environment, topics: Topics, empty: CassandraSession
) -> None:
    fans = [scene.new_id() for _ in range(12)]
    blocked, said, last = scene.new_id(), scene.new_id(), scene.new_id()
    comments = f"comment.{ids.encode('c', said)}"
    async with running(environment, WRITER), running(environment, COLLECTOR):
        await scene.publish(*(scene.like(fan) for fan in fans), scene.like(blocked))
        await scene.publish(*(scene.like(fan, on=False) for fan in fans[::2]), scene.comment(fans[0], said))
        await scene.publish(scene.block(scene.author, blocked), scene.like(fans[2]), scene.like(last))
        likes = [last, fans[2], *reversed(fans[1::2])]
        await scene.eventually({scene.likes: likes[:8], comments: [fans[0]]})

    post, author = ids.encode("o", scene.post).encode(), ids.encode("u", scene.author).encode()
    of = {"engagement": post, "follows": author}
    history = [
        decode(record)
        for topic, owner in of.items()
        for record in await topics.records(topic)
        if record.partition_key == owner and not record.is_tombstone
    ]
    assert len(history) >= 12 + 1 + 6 + 1 + 1 + 2
    randomness = random.Random(7)
    await replay(empty, history, randomness)
    expected = await rows_of(scene.database, scene.author)
    found = await rows_of(empty, scene.author)
    assert [row["group_id"] for row in expected] == [comments, scene.likes]
    assert len(expected[1]["members"]) == 6 + 1 + 1 + 1  # with whom the author has blocked
    assert found == expected
    # Again, and in another order of topics: nothing changes.
    await replay(empty, sorted(history, key=lambda one: one.data.topic, reverse=True), randomness)
    assert await rows_of(empty, scene.author) == expected
