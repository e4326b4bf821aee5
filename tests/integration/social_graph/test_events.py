"""Events in the topic `follows`."""

from __future__ import annotations

import asyncio
from typing import Any

from photomesh_shared.events import Envelope, Event
from tests.integration.social_graph.api_users import ApiUser, ApiUsers
from tests.support.kafka import Topics


def event_types(envelopes: list[Envelope[Event]]) -> list[str]:
    return [envelope.data.type_.removeprefix("photomesh.").removesuffix(".v1") for envelope in envelopes]


def subject(actor: ApiUser, target: ApiUser) -> str:
    return f"{actor.id}.{target.id}"


async def pair_events(topics: Topics, actor: ApiUser, target: ApiUser, count: int) -> list[Envelope[Event]]:
    """Waits for so many events of the pair, and checks that their versions increase."""
    found = await topics.wait_for("follows", subject(actor, target), until=lambda found: len(found) >= count)
    versions = [envelope.entityversion for envelope in found]
    assert len(versions) == count
    assert versions == sorted(set(versions))
    assert [envelope.id for envelope in found] == [f"{subject(actor, target)}.{version}" for version in versions]
    assert {envelope.source for envelope in found} == {"/photomesh/social-graph"}
    return found


def followers(envelope: Envelope[Event]) -> Any:
    return envelope.data.model_dump()["followers"]


async def test_publishes_one_event_per_change_and_none_without_a_change(users: ApiUsers, topics: Topics) -> None:
    ada, grace = await users.new_users(2)
    for _ in range(2):
        await ada.follow(grace)
    await ada.mute(grace)
    await ada.mute(grace)
    await ada.unmute(grace)
    await ada.unmute(grace)
    await ada.unfollow(grace)
    await ada.unfollow(grace)
    await ada.block(grace)
    await ada.block(grace)
    await ada.unblock(grace)
    await ada.unblock(grace)
    found = await pair_events(topics, ada, grace, 6)
    assert event_types(found) == [
        "follow.created",
        "mute.created",
        "mute.deleted",
        "follow.deleted",
        "block.created",
        "block.deleted",
    ]
    assert (followers(found[0]), followers(found[3])) == (1, 0)
    assert all(envelope.request_id for envelope in found)


async def test_follow_requests_end_as_approved_denied_withdrawn_or_blocked(users: ApiUsers, topics: Topics) -> None:
    ada = await users.new_user(private=True)
    approved, denied, withdrawn, blocked = await users.new_users(4)
    for other in (approved, denied, withdrawn, blocked):
        await other.follow(ada)
        await other.follow(ada)
    await ada.approve(approved)
    await ada.approve(approved)
    await ada.deny(denied)
    await ada.deny(denied)
    await withdrawn.unfollow(ada)
    await ada.block(blocked)
    assert event_types(await pair_events(topics, approved, ada, 2)) == ["follow.requested", "follow.created"]
    for other, outcome in ((denied, "denied"), (withdrawn, "withdrawn"), (blocked, "blocked")):
        found = await pair_events(topics, other, ada, 2)
        assert event_types(found) == ["follow.requested", "follow.request-closed"]
        assert found[1].data.model_dump()["outcome"] == outcome
    assert event_types(await pair_events(topics, ada, blocked, 1)) == ["block.created"]


async def test_a_block_publishes_the_end_of_both_follows(users: ApiUsers, topics: Topics) -> None:
    ada, grace, other = await users.new_users(3)
    await ada.follow(grace)
    await grace.follow(ada)
    await other.follow(ada)
    await ada.block(grace)
    ours, theirs = await pair_events(topics, ada, grace, 3), await pair_events(topics, grace, ada, 2)
    assert event_types(ours) == ["follow.created", "follow.deleted", "block.created"]
    assert event_types(theirs) == ["follow.created", "follow.deleted"]
    assert (followers(ours[1]), followers(theirs[1])) == (0, 1)


async def test_going_public_publishes_the_approved_follows(users: ApiUsers, topics: Topics) -> None:
    ada = await users.new_user(private=True)
    grace = await users.new_user()
    await grace.follow(ada)
    await users.update_account(ada, private=False, version=2)
    await users.update_account(ada, private=False, version=2)
    assert event_types(await pair_events(topics, grace, ada, 2)) == ["follow.requested", "follow.created"]


async def test_concurrent_follows_of_one_account_carry_consecutive_counts(users: ApiUsers, topics: Topics) -> None:
    star, *fans = await users.new_users(20)
    await asyncio.gather(*(fan.follow(star) for fan in fans))
    found = [(await pair_events(topics, fan, star, 1))[0] for fan in fans]
    assert sorted(followers(envelope) for envelope in found) == list(range(1, 20))
