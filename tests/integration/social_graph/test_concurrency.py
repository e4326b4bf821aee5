"""Concurrent changes: consistent edges and counts, and no deadlocks."""

from __future__ import annotations

import asyncio
import random

import asyncpg

from photomesh_social_graph.reconcile import drifts
from photomesh_social_graph.store import PostgresGraph
from tests.integration.social_graph.api_users import ApiUsers
from tests.integration.social_graph.test_events import event_types, pair_events, subject
from tests.support.kafka import Topics


async def test_a_hundred_follows_and_unfollows_of_one_pair(
    users: ApiUsers, topics: Topics, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    ada, grace = await users.new_users(2)
    await asyncio.gather(*(change(grace) for _ in range(100) for change in (ada.follow, ada.unfollow)))
    await ada.follow(grace)
    [[out]] = await database.fetch("SELECT count(*) FROM follows_out WHERE follower_id = $1", ada.number)
    [[into]] = await database.fetch("SELECT count(*) FROM follows_in WHERE followee_id = $1", grace.number)
    assert (out, into) == (1, 1)
    assert (await ada.counts(), await grace.counts()) == ((0, 1), (1, 0))
    [[version]] = await database.fetch(
        "SELECT version FROM pairs WHERE actor_id = $1 AND target_id = $2", ada.number, grace.number
    )
    found = await topics.wait_for(
        "follows", subject(ada, grace), until=lambda found: found and found[-1].entityversion == version
    )
    types = event_types(await pair_events(topics, ada, grace, len(found)))
    assert types == ["follow.created", "follow.deleted"] * (len(found) // 2) + ["follow.created"]


async def test_random_concurrent_changes_leave_both_ends_of_every_edge_consistent(
    users: ApiUsers, store: PostgresGraph, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    crowd = [await users.new_user(private=n % 3 == 0) for n in range(6)]
    randomness = random.Random(4)
    actions = ("follow", "unfollow", "block", "unblock", "mute", "unmute")
    paths = {"follow": "follow", "block": "block", "mute": "mute"}

    async def act() -> int:
        actor, target = randomness.sample(crowd, 2)
        action = randomness.choice(actions)
        path = f"/v1/users/{target.id}/{paths[action.removeprefix('un')]}"
        answer = await (actor.delete(path) if action.startswith("un") else actor.put(path))
        return answer.status_code

    async def toggle_privacy() -> int:
        for version in range(2, 12):
            await users.update_account(crowd[0], private=version % 2 == 0, version=version)
        return 200

    outcomes = await asyncio.gather(toggle_privacy(), *(act() for _ in range(400)))
    assert set(outcomes) <= {200, 404}  # a deadlock would be a 503
    numbers = [user.number for user in crowd]
    out = await database.fetch(
        "SELECT follower_id, followee_id, since FROM follows_out WHERE follower_id = ANY($1)", numbers
    )
    into = await database.fetch(
        "SELECT follower_id, followee_id, since FROM follows_in WHERE followee_id = ANY($1)", numbers
    )
    assert {tuple(row) for row in out} == {tuple(row) for row in into}
    asked = await database.fetch(
        "SELECT actor_id, target_id, requested_at FROM pairs WHERE requested_at IS NOT NULL AND actor_id = ANY($1)",
        numbers,
    )
    asking = await database.fetch(
        "SELECT requester_id, target_id, since FROM requests_in WHERE target_id = ANY($1)", numbers
    )
    assert {tuple(row) for row in asked} == {tuple(row) for row in asking}
    blocking = await database.fetch(
        "SELECT actor_id, target_id, blocked_at FROM pairs WHERE blocked_at IS NOT NULL AND actor_id = ANY($1)", numbers
    )
    blocked = await database.fetch(
        "SELECT blocker_id, blocked_id, since FROM blocks_in WHERE blocked_id = ANY($1)", numbers
    )
    assert {tuple(row) for row in blocking} == {tuple(row) for row in blocked}
    ties = {frozenset(row[:2]) for row in blocking}
    assert not ties & {frozenset(row[:2]) for row in (*out, *asked)}
    assert [audit async for audit in drifts(store) if audit.account_id in numbers] == []
