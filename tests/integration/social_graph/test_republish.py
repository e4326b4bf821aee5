"""A database that was restored to an earlier moment is published again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import asyncpg

from photomesh_shared.clock import SystemClock
from photomesh_shared.events import Envelope, Event
from photomesh_shared.ids import timestamp_of
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.kafka.source import Received
from photomesh_social_graph.republish.comparison import compare
from photomesh_social_graph.republish.states import republish
from photomesh_social_graph.store import PostgresGraph
from tests.integration.social_graph.api_users import ApiUsers
from tests.integration.social_graph.test_events import event_types, subject
from tests.support.kafka import Topics
from tests.support.waiting import eventually

TABLES = ("accounts", "pairs", "follows_out", "follows_in", "requests_in", "blocks_in")


def _has(count: int, found: list[Envelope[Event]]) -> bool:
    return len(found) >= count


async def test_the_topic_follows_a_restored_database(
    users: ApiUsers, store: PostgresGraph, database: asyncpg.Connection[asyncpg.Record], topics: Topics
) -> None:
    ada, grace, joan = await users.new_users(3)
    await ada.follow(grace)
    await ada.mute(joan)
    await database.execute("CREATE SCHEMA backup")
    for table in TABLES:
        await database.execute(f"CREATE TABLE backup.{table} AS TABLE public.{table}")
    await ada.unfollow(grace)
    await grace.follow(ada)
    await joan.block(ada)
    for pair, count in ((subject(ada, grace), 2), (subject(grace, ada), 1), (subject(joan, ada), 1)):
        await topics.wait_for("follows", pair, until=partial(_has, count))

    async with database.transaction():
        await database.execute(f"TRUNCATE {', '.join(TABLES)}")
        for table in TABLES:
            await database.execute(f"INSERT INTO {table} SELECT * FROM backup.{table}")
        await database.execute("DROP SCHEMA backup CASCADE")

    async def of_this_test() -> AsyncIterator[Received]:
        mine = {account.id for account in (ada, grace, joan)}
        async for received in read_topic(topics.kafka, "follows"):
            if set((received.record.header("ce_subject") or "").split(".")) <= mine:
                yield received

    began = timestamp_of(ada.number)
    _, differences = await compare(store, of_this_test(), since=began)
    assert {str(difference) for difference in differences} == {
        f"follow ({ada.number}, {grace.number}): only in the database",
        f"follow ({grace.number}, {ada.number}): only in the topic",
        f"block ({joan.number}, {ada.number}): only in the topic",
    }
    await republish(store, of_this_test(), SystemClock())
    assert await eventually(
        lambda: compare(store, of_this_test(), since=began), until=lambda compared: not compared[1], within=30, every=1
    ) == (2, [])
    for pair, types in (
        (subject(ada, grace), ["follow.created", "follow.deleted", "follow.created"]),
        (subject(ada, joan), ["mute.created", "mute.created"]),
        (subject(grace, ada), ["follow.created", "follow.deleted"]),
        (subject(joan, ada), ["block.created", "block.deleted"]),
    ):
        found = await topics.wait_for("follows", pair, until=partial(_has, len(types)))
        assert event_types(found) == types
        versions = [envelope.entityversion for envelope in found]
        assert versions == sorted(set(versions))

    await joan.block(ada)
    last = (await topics.wait_for("follows", subject(joan, ada), until=lambda found: len(found) >= 3))[-1]
    assert last.data.type_ == "photomesh.block.created.v1"
    assert last.entityversion == max(e.entityversion for e in await topics.events("follows", subject(joan, ada)))
