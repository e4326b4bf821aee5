"""The erasure of an account in PostgreSQL: events of all that ended, tombstones, and no rows."""

from __future__ import annotations

from functools import partial

import asyncpg

from photomesh_shared.clock import SystemClock
from photomesh_shared.events import AccountErasureRequested, Envelope, Event
from photomesh_shared.events.versions import version_at
from photomesh_shared.ids import decode
from photomesh_social_graph.close_friends.store import PostgresCloseFriends
from photomesh_social_graph.event_handlers import AccountEraser
from photomesh_social_graph.store import PostgresGraph
from tests.integration.social_graph.api_users import ApiUsers
from tests.integration.social_graph.test_events import event_types, subject
from tests.support.kafka import Topics


def _has(count: int, found: list[Envelope[Event]]) -> bool:
    return len(found) >= count


async def test_an_erased_account_leaves_no_relation_and_cannot_come_back(
    users: ApiUsers,
    store: PostgresGraph,
    close_friends: PostgresCloseFriends,
    database: asyncpg.Connection[asyncpg.Record],
    topics: Topics,
) -> None:
    ada, grace, joan = await users.new_users(3)
    await ada.follow(grace)
    await grace.follow(ada)
    await joan.mute(ada)
    for owner, friend in ((ada, grace), (grace, ada)):
        assert (await owner.put(f"/v1/me/close-friends/{friend.id}")).status_code == 204
    account_id, clock = decode("u", ada.id), SystemClock()
    event = AccountErasureRequested.example().model_copy(update={"user_id": account_id})
    request = Envelope.of(event, entityversion=version_at(clock.now()) + 1)
    for pairs in (3, 0):
        erased = await AccountEraser(store, close_friends, clock).erase(request)
        assert erased.counts["pairs"] == pairs
        assert erased.counts["close_friends"] == (2 if pairs else 0)
    for table, column in (
        ("pairs", "actor_id"),
        ("pairs", "target_id"),
        ("follows_in", "followee_id"),
        ("follows_in", "follower_id"),
        ("follows_out", "follower_id"),
        ("follows_out", "followee_id"),
        ("close_friends", "owner_id"),
        ("close_friends", "friend_id"),
    ):
        found = await database.fetchval(f"SELECT count(*) FROM {table} WHERE {column} = $1", account_id)
        assert found == 0, table
    row = await database.fetchrow("SELECT * FROM accounts WHERE id = $1", account_id)
    assert row is not None
    assert (row["username"], row["display_name"], row["status"], row["followers"]) == ("", "", "erased", 0)
    assert (await store.counts(decode("u", grace.id))).followers == 0
    assert (await grace.put(f"/v1/users/{ada.id}/follow")).status_code == 404
    assert (await ada.put(f"/v1/users/{grace.id}/follow")).status_code == 404
    for pair, types in (
        (subject(ada, grace), ["follow.created", "follow.deleted"]),
        (subject(grace, ada), ["follow.created", "follow.deleted"]),
        (subject(joan, ada), ["mute.created", "mute.deleted"]),
    ):
        assert event_types(await topics.wait_for("follows", pair, until=partial(_has, 2))) == types
    for pair in (subject(ada, grace), subject(grace, ada)):
        found = await topics.wait_for("close_friends", f"{pair}.close", until=partial(_has, 2))
        assert event_types(found) == ["close-friend.added", "close-friend.removed"]


async def test_many_relations_end_in_a_few_transactions_and_counts_stay_right(
    users: ApiUsers,
    store: PostgresGraph,
    close_friends: PostgresCloseFriends,
    database: asyncpg.Connection[asyncpg.Record],
    topics: Topics,
) -> None:
    star, kept, *fans = await users.new_users(60)
    for fan in fans:
        await fan.follow(star)
        await fan.follow(kept)
    for fan in fans[:20]:
        await star.follow(fan)
    account_id, clock = decode("u", star.id), SystemClock()
    event = AccountErasureRequested.example().model_copy(update={"user_id": account_id})
    erased = await AccountEraser(store, close_friends, clock).erase(
        Envelope.of(event, entityversion=version_at(clock.now()) + 1)
    )
    assert erased.counts["follows"] == len(fans) + 20
    found = {fan.number: await store.counts(fan.number) for fan in fans}
    assert {(counts.followers, counts.following) for counts in found.values()} == {(0, 1)}
    row = await database.fetchrow("SELECT followers, following FROM accounts WHERE id = $1", account_id)
    assert row is not None
    assert tuple(row) == (0, 0)
    assert (await store.counts(kept.number)).followers == len(fans)
    last = await topics.wait_for("follows", subject(fans[-1], star), until=partial(_has, 2))
    assert event_types(last) == ["follow.created", "follow.deleted"]
