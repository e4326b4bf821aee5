"""What subscribers of `follows` learn."""

from __future__ import annotations

import asyncio
from typing import Any

from photomesh_shared.events import Envelope, Event
from tests.integration.social_graph.people import People, Person
from tests.support.kafka import Topics


def told(envelopes: list[Envelope[Event]]) -> list[str]:
    return [envelope.data.type_.removeprefix("photomesh.").removesuffix(".v1") for envelope in envelopes]


def subject(actor: Person, target: Person) -> str:
    return f"{actor.id}.{target.id}"


async def events(topics: Topics, actor: Person, target: Person, count: int) -> list[Envelope[Event]]:
    """The pair's events, once there are so many; their versions have no gap."""
    found = await topics.wait_for("follows", subject(actor, target), until=lambda found: len(found) >= count)
    assert [envelope.entityversion for envelope in found] == list(range(1, count + 1))
    assert [envelope.id for envelope in found] == [f"{subject(actor, target)}.{n}" for n in range(1, count + 1)]
    assert {envelope.source for envelope in found} == {"/photomesh/social-graph"}
    return found


def followers(envelope: Envelope[Event]) -> Any:
    return envelope.data.model_dump()["followers"]


async def test_one_event_per_change_and_none_for_no_change(people: People, topics: Topics) -> None:
    ada, grace = await people.several(2)
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
    found = await events(topics, ada, grace, 6)
    assert told(found) == [
        "follow.created",
        "mute.created",
        "mute.deleted",
        "follow.deleted",
        "block.created",
        "block.deleted",
    ]
    assert (followers(found[0]), followers(found[3])) == (1, 0)
    assert all(envelope.request_id for envelope in found)


async def test_a_request_and_its_ends(people: People, topics: Topics) -> None:
    ada = await people.somebody(private=True)
    approved, denied, withdrawn, blocked = await people.several(4)
    for other in (approved, denied, withdrawn, blocked):
        await other.follow(ada)
        await other.follow(ada)
    await ada.approve(approved)
    await ada.approve(approved)
    await ada.deny(denied)
    await ada.deny(denied)
    await withdrawn.unfollow(ada)
    await ada.block(blocked)
    assert told(await events(topics, approved, ada, 2)) == ["follow.requested", "follow.created"]
    for other, outcome in ((denied, "denied"), (withdrawn, "withdrawn"), (blocked, "blocked")):
        found = await events(topics, other, ada, 2)
        assert told(found) == ["follow.requested", "follow.request-closed"]
        assert found[1].data.model_dump()["outcome"] == outcome
    assert told(await events(topics, ada, blocked, 1)) == ["block.created"]


async def test_a_block_tells_of_both_follows(people: People, topics: Topics) -> None:
    ada, grace, other = await people.several(3)
    await ada.follow(grace)
    await grace.follow(ada)
    await other.follow(ada)
    await ada.block(grace)
    ours, theirs = await events(topics, ada, grace, 3), await events(topics, grace, ada, 2)
    assert told(ours) == ["follow.created", "follow.deleted", "block.created"]
    assert told(theirs) == ["follow.created", "follow.deleted"]
    assert (followers(ours[1]), followers(theirs[1])) == (0, 1)


async def test_the_events_of_an_account_that_opens(people: People, topics: Topics) -> None:
    ada = await people.somebody(private=True)
    grace = await people.somebody()
    await grace.follow(ada)
    await people.change(ada, private=False, version=2)
    await people.change(ada, private=False, version=2)
    assert told(await events(topics, grace, ada, 2)) == ["follow.requested", "follow.created"]


async def test_concurrent_follows_of_one_account_count_up(people: People, topics: Topics) -> None:
    star, *fans = await people.several(20)
    await asyncio.gather(*(fan.follow(star) for fan in fans))
    found = [(await events(topics, fan, star, 1))[0] for fan in fans]
    assert sorted(followers(envelope) for envelope in found) == list(range(1, 20))
