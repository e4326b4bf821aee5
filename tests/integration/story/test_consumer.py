"""The consumer of stories: what it applies, and how it builds Redis again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from photomesh_shared.events import (
    AccountErasureRequested,
    CloseFriendAdded,
    CloseFriendRemoved,
    Envelope,
    Event,
    FollowCreated,
    FollowDeleted,
    StoryExpired,
    StoryReplyCreated,
    encode,
)
from photomesh_shared.events.versions import version_at
from photomesh_shared.ids import decode
from photomesh_shared.ids import encode as id_text
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.stores.cassandra import CassandraSession
from photomesh_story import wiring
from photomesh_story.consumer import create_app
from photomesh_story.settings import ConsumerSettings
from photomesh_story.store.replies import CassandraReplies
from tests.integration.story.people import People
from tests.support.kafka import Topics
from tests.support.services import client_of, process, settings_from
from tests.support.story.memory import MemoryBytes
from tests.support.tokens import free_port
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
async def consumer(api: object, consumer_environment: Mapping[str, str], objects: MemoryBytes) -> AsyncIterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "StoryBytes", lambda *_, **__: objects)
        settings = settings_from(ConsumerSettings, consumer_environment, sweep_seconds="0.2")
        async with client_of(create_app(settings)):
            yield


@pytest.fixture
async def publisher(topics: Topics) -> AsyncIterator[KafkaPublisher]:
    async with open_publisher(topics.kafka, "tests") as opened:
        yield opened


async def publish(publisher: KafkaPublisher, event: Event) -> None:
    now = datetime.now(UTC)
    await publisher.send([encode(Envelope.of(event, entityversion=version_at(now), time=now))])


def follow(follower: int, followee: int) -> FollowCreated:
    return FollowCreated.example().model_copy(update={"follower_id": follower, "followee_id": followee})


@pytest.mark.usefixtures("consumer")
async def test_photos_follows_and_close_friends_arrive(people: People, publisher: KafkaPublisher) -> None:
    ada, grace = people.ada, people.grace
    people.accounts.follows.add((grace, ada))
    photo = people.ready_photo(ada)
    friend = CloseFriendAdded.example().model_copy(update={"owner_id": ada, "friend_id": grace})
    for event in (photo, follow(grace, ada), friend):
        await publish(publisher, event)
    body = {"photo_id": id_text("p", photo.photo_id), "audience": "close_friends"}

    async def published() -> Any:
        return await people.ok(ada, "POST", "/v1/stories", json=body)

    story = await eventually(published, within=120)

    async def tray() -> list[tuple[int, str, bool]]:
        return await people.tray(grace)

    await eventually(tray, until=lambda seen: seen == [(ada, story["id"], True)], within=120)
    removed = CloseFriendRemoved.example().model_copy(update={"owner_id": ada, "friend_id": grace})
    await publish(publisher, removed)
    await eventually(tray, until=lambda seen: seen == [], within=120)
    await people.publish(ada)
    await eventually(tray, until=lambda seen: len(seen) == 1, within=120)
    ended = FollowDeleted.example().model_copy(update={"follower_id": grace, "followee_id": ada})
    await publish(publisher, ended)
    await eventually(tray, until=lambda seen: seen == [], within=120)


@pytest.mark.usefixtures("consumer")
async def test_redis_is_built_again_with_every_view(
    people: People, publisher: KafkaPublisher, administrator: Redis
) -> None:
    ada, grace = people.ada, people.grace
    people.accounts.follows.add((grace, ada))
    await publish(publisher, follow(grace, ada))
    kept, deleted = await people.publish(ada), await people.publish(ada)
    await people.ok(grace, "PUT", f"/v1/stories/{kept['id']}/seen")
    viewers = [people.new_id() for _ in range(20)]
    for viewer in viewers:
        people.accounts.follows.add((viewer, ada))
        await people.ok(viewer, "PUT", f"/v1/stories/{kept['id']}/seen")
    await people.ok(ada, "DELETE", f"/v1/stories/{deleted['id']}")
    await administrator.flushdb()

    async def view_count() -> int:
        found = await people.ok(ada, "GET", f"/v1/stories/{kept['id']}/viewers")
        return int(found["view_count"])

    assert await eventually(view_count, within=120) == 21
    assert await people.tray(grace) == [(ada, kept["id"], False)]
    assert await people.stories(grace, ada) == [kept["id"]]


@pytest.mark.usefixtures("consumer")
async def test_bytes_of_a_deleted_story_are_removed(people: People, objects: MemoryBytes) -> None:
    story = await people.publish(people.ada)
    mine = {key for key in objects.public if any(url.endswith(key) for url in story["variants"].values())}
    assert len(mine) == len(story["variants"])
    await people.ok(people.ada, "DELETE", f"/v1/stories/{story['id']}")

    async def left() -> set[str]:
        return mine & set(objects.public)

    await eventually(left, until=lambda keys: not keys, within=120)


@pytest.mark.usefixtures("consumer")
async def test_an_erased_account_is_acknowledged_and_nothing_late_brings_it_back(
    people: People, publisher: KafkaPublisher, topics: Topics
) -> None:
    ada = people.ada
    story = await people.publish(ada)
    request = AccountErasureRequested.example().model_copy(update={"user_id": ada, "request_id": people.new_id()})
    await publish(publisher, request)
    await topics.wait_for("erasure_acknowledgements", f"{id_text('er', request.request_id)}.story", within=120)
    assert await people.tables.story(decode("st", story["id"])) is None
    late = people.ready_photo(ada)
    await publish(publisher, late)
    marker = people.ready_photo(people.grace)
    await publish(publisher, marker)

    async def arrived() -> object:
        return await people.tables.photo(people.grace, marker.photo_id)

    await eventually(arrived, within=120)
    assert await people.tables.photo(ada, late.photo_id) is None


@pytest.mark.usefixtures("consumer")
async def test_the_end_of_a_story_is_announced_with_its_views(
    people: People, topics: Topics, administrator: Redis, objects: MemoryBytes
) -> None:
    """Its end is moved into the past, in the tables and in Redis."""
    story = await people.publish(people.ada)
    people.accounts.follows.add((people.grace, people.ada))
    await people.ok(people.grace, "PUT", f"/v1/stories/{story['id']}/seen")
    story_id = decode("st", story["id"])
    stored = await people.tables.story(story_id)
    assert stored is not None
    now = datetime.now(UTC)
    await people.tables.published(stored.story.model_copy(update={"expires_at": now}), version_at(now))
    await administrator.zadd("st:due", {str(story_id): 1})

    async def ended() -> list[Event]:
        found = [envelope.data for envelope in await topics.events("stories", story["id"])]
        return [event for event in found if isinstance(event, StoryExpired)]

    [event] = await eventually(ended, within=120)
    assert isinstance(event, StoryExpired)
    assert event.views == 1
    archived = await people.ok(people.ada, "GET", "/v1/me/stories/archive")
    assert [one["id"] for one in archived["items"]] == [story["id"]]
    assert not {variant.key for variant in stored.story.variants} & set(objects.public)


@pytest.mark.usefixtures("consumer")
async def test_what_is_in_the_log_happens_although_its_process_was_killed(
    people: People, environment: Mapping[str, str], post_url: str
) -> None:
    """A view and two deletions, each by a process that is killed on the way."""
    ada, grace = people.ada, people.grace
    await people.follow(grace, ada)
    seen, *deleted = [await people.publish(ada) for _ in range(3)]
    steps = (
        (grace, "PUT", f"/v1/stories/{seen['id']}/seen", "story.after_produce"),
        (ada, "DELETE", f"/v1/stories/{deleted[0]['id']}", "story.after_produce"),
        (ada, "DELETE", f"/v1/stories/{deleted[1]['id']}", "story.after_tables"),
    )
    for who, method, path, step in steps:
        variables = {**environment, "PHOTOMESH_POST_URL": post_url}
        async with process("photomesh_story", variables, port=free_port(), failpoints=f"{step}=kill") as victim:
            async with httpx.AsyncClient(base_url=victim.url, timeout=30) as client:
                with pytest.raises(httpx.TransportError):
                    await client.request(method, path, headers=people.issuer.headers(who))
            assert await victim.ended(60) == -9

    async def stories() -> list[str]:
        return await people.stories(grace, ada)

    async def view_count() -> int:
        found = await people.ok(ada, "GET", f"/v1/stories/{seen['id']}/viewers")
        return int(found["view_count"])

    await eventually(stories, until=lambda found: found == [seen["id"]], within=120)
    await eventually(view_count, until=lambda count: count == 1, within=120)
    await people.ok(grace, "PUT", f"/v1/stories/{seen['id']}/seen")
    assert await view_count() == 1


@pytest.mark.usefixtures("consumer")
async def test_replies_in_the_log_arrive_and_those_to_a_deleted_story_do_not(
    people: People, publisher: KafkaPublisher, database: CassandraSession
) -> None:
    ada, grace, linus = people.ada, people.grace, people.linus
    for follower in (grace, linus):
        await people.follow(follower, ada)
    kept, deleted = await people.publish(ada), await people.publish(ada)
    await people.ok(ada, "DELETE", f"/v1/stories/{deleted['id']}")

    def reply(account: int, story: Any) -> StoryReplyCreated:
        return StoryReplyCreated(
            story_id=decode("st", story["id"]),
            author_id=ada,
            account_id=account,
            replied_at=datetime.now(UTC).replace(microsecond=0),
            text=f"of {account}",
        )

    # Of one account, so in one partition: when the last has arrived, so has the first.
    for story in (deleted, kept):
        await publish(publisher, reply(grace, story))

    async def replies() -> list[str]:
        found = await people.ok(ada, "GET", f"/v1/stories/{kept['id']}/replies")
        return [one["text"] for one in found["items"]]

    assert await eventually(replies, within=120) == [f"of {grace}"]
    assert await CassandraReplies(database).of_account(grace, decode("st", deleted["id"])) == []
