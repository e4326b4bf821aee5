"""Lists of close friends: who can be on one, what ends it, who hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from photomesh_shared.clock import SystemClock
from photomesh_shared.events import Envelope, Event
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.kafka.source import Received
from photomesh_social_graph.close_friends.store import PostgresCloseFriends
from photomesh_social_graph.republish.close_friends import differences, republish
from tests.integration.social_graph.api_users import ApiUser, ApiUsers
from tests.integration.social_graph.test_events import event_types
from tests.support.kafka import Topics
from tests.support.problems import expect_problem
from tests.support.waiting import eventually

PATH = "/v1/me/close-friends"
ADDED, REMOVED = "close-friend.added", "close-friend.removed"


async def add(owner: ApiUser, friend: ApiUser) -> None:
    answer = await owner.put(f"{PATH}/{friend.id}")
    assert (answer.status_code, answer.content) == (204, b"")


async def remove(owner: ApiUser, friend: ApiUser) -> None:
    assert (await owner.delete(f"{PATH}/{friend.id}")).status_code == 204


async def changes(topics: Topics, owner: ApiUser, friend: ApiUser, count: int) -> list[Envelope[Event]]:
    """Waits for so many events of the entry, and checks that their versions increase."""
    subject = f"{owner.id}.{friend.id}.close"
    found = await topics.wait_for("close_friends", subject, until=lambda found: len(found) >= count)
    versions = [envelope.entityversion for envelope in found]
    assert (len(versions), versions) == (count, sorted(set(versions)))
    return found


async def test_a_list_of_followers(users: ApiUsers, topics: Topics) -> None:
    ada, *fans = await users.new_users(4)
    for fan in fans:
        await fan.follow(ada)
        await add(ada, fan)
        await add(ada, fan)
    assert await ada.list_ids(PATH) == [fan.id for fan in reversed(fans)]
    first = (await ada.get(PATH, limit=2)).json()
    assert [item["id"] for item in first["items"]] == [fans[2].id, fans[1].id]
    assert await ada.list_ids(PATH, limit=2, cursor=first["next_cursor"]) == [fans[0].id]
    await remove(ada, fans[1])
    await remove(ada, fans[1])
    assert await ada.list_ids(PATH) == [fans[2].id, fans[0].id]
    await add(ada, fans[1])
    assert (await ada.list_ids(PATH))[0] == fans[1].id
    found = await changes(topics, ada, fans[1], 3)
    assert event_types(found) == [ADDED, REMOVED, ADDED]
    assert all(envelope.request_id for envelope in found)


async def test_who_cannot_be_on_it(users: ApiUsers) -> None:
    ada, stranger, followed, blocker, blocked = await users.new_users(5)
    await ada.follow(followed)
    for other in (blocker, blocked):
        await other.follow(ada)
    await blocker.block(ada)
    await ada.block(blocked)
    for other in (stranger, followed):
        expect_problem(await ada.put(f"{PATH}/{other.id}"), 422, "not-a-follower")
    for other in (blocker, blocked, users.unregistered_user()):
        expect_problem(await ada.put(f"{PATH}/{other.id}"), 404, "account-not-found")
        await remove(ada, other)  # which says nothing
    expect_problem(await ada.put(f"{PATH}/{ada.id}"), 422, "own-account")
    assert await ada.list_ids(PATH) == []


@pytest.mark.parametrize("end", ["unfollow", "remove", "block", "be blocked"])
async def test_a_close_friend_who_is_no_follower_any_more_is_none(users: ApiUsers, topics: Topics, end: str) -> None:
    ada, friend = await users.new_users(2)
    await friend.follow(ada)
    await add(ada, friend)
    match end:
        case "unfollow":
            await friend.unfollow(ada)
        case "remove":
            await ada.remove(friend)
        case "block":
            await ada.block(friend)
            await ada.unblock(friend)
        case _:
            await friend.block(ada)
            await friend.unblock(ada)
    assert await ada.list_ids(PATH) == []
    await friend.follow(ada)
    assert await ada.list_ids(PATH) == []
    assert event_types(await changes(topics, ada, friend, 2)) == [ADDED, REMOVED]


async def test_nobody_learns_that_they_are_on_a_list(
    users: ApiUsers, database: asyncpg.Connection[asyncpg.Record], topics: Topics
) -> None:
    ada, friend = await users.new_users(2)
    await friend.follow(ada)
    before = await friend.relations_to(ada)
    await add(ada, friend)
    await changes(topics, ada, friend, 1)
    assert await friend.list_ids(PATH) == []
    assert await friend.relations_to(ada) == before
    # Other services copy pairs, and compare their versions: that of the owner's side is not there.
    rows = "SELECT actor_id FROM pairs WHERE (actor_id, target_id) IN (($1, $2), ($2, $1))"
    assert [row[0] for row in await database.fetch(rows, ada.number, friend.number)] == [friend.number]
    assert await topics.events("follows", f"{ada.id}.{friend.id}") == []


async def test_of_an_addition_and_the_end_of_the_follow_the_end_wins(
    users: ApiUsers, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    ada, *fans = await users.new_users(6)
    for fan in fans:
        await fan.follow(ada)
    await asyncio.gather(*(fan.unfollow(ada) for fan in fans), *(ada.put(f"{PATH}/{fan.id}") for fan in fans))
    rows = "SELECT count(*) FROM close_friends WHERE owner_id = $1 AND since IS NOT NULL"
    assert await database.fetchval(rows, ada.number) == 0


async def test_the_topic_follows_a_restored_database(
    users: ApiUsers,
    close_friends: PostgresCloseFriends,
    database: asyncpg.Connection[asyncpg.Record],
    topics: Topics,
) -> None:
    ada, kept, lost = await users.new_users(3)
    for fan in (kept, lost):
        await fan.follow(ada)
        await add(ada, fan)
    for fan in (kept, lost):
        await changes(topics, ada, fan, 1)
    # As if the backup was from before the second, and from after a removal of the first was undone.
    await database.execute("DELETE FROM close_friends WHERE friend_id = $1", lost.number)
    await database.execute("UPDATE close_friends SET version = 1 WHERE friend_id = $1", kept.number)

    async def of_this_test() -> AsyncIterator[Received]:
        async for received in read_topic(topics.kafka, "close_friends"):
            if (received.record.header("ce_subject") or "").startswith(f"{ada.id}."):
                yield received

    async def only_one_has() -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
        stored, published = await differences(close_friends, of_this_test())
        return {pair for pair in stored if pair[0] == ada.number}, published

    assert await only_one_has() == (set(), {(ada.number, lost.number)})
    await republish(close_friends, of_this_test(), SystemClock())
    assert await eventually(only_one_has, until=lambda found: found == (set(), set()), within=30, every=1)
    assert event_types(await changes(topics, ada, kept, 2)) == [ADDED, ADDED]
    assert event_types(await changes(topics, ada, lost, 2)) == [ADDED, REMOVED]
