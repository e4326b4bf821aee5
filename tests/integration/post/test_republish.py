"""Restored tables get what the topics have newer, and topics that lost records get them from the tables."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from photomesh_post.engagement_wiring import open_engagement_deps
from photomesh_post.republish import applier
from photomesh_post.republishing.reconciliation import Outcome, Reconciliation
from photomesh_post.republishing.states import Stored, restated
from photomesh_post.republishing.store import StoredThings
from photomesh_post.settings import EngagementSettings
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import (
    CollectionCreated,
    CollectionPostAdded,
    CommentCreated,
    CommentLiked,
    Envelope,
    Event,
    PostCreated,
    PostEdited,
    PostFailed,
    PostLiked,
    PostPublished,
    PostSaved,
    PostUnliked,
    PostUnsaved,
)
from photomesh_shared.events.versions import version_at
from photomesh_shared.http import Readiness
from photomesh_shared.ids import timestamp_of
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.kafka.source import Received
from photomesh_shared.stores.cassandra import CassandraSession
from tests.support.kafka import kafka_user
from tests.support.services import settings_from

_ENDED = (PostUnliked, PostUnsaved)


class World:
    """Events of things of one test alone."""

    def __init__(self, new_id: Callable[[], int]) -> None:
        author, fan, post, comment, collection = [new_id() for _ in range(5)]
        self._began = timestamp_of(post)
        placed = {"post_id": post, "post_author_id": author, "account_id": fan}
        created = PostCreated.example().model_copy(
            update={"post_id": post, "author_id": author, "created_at": timestamp_of(post)}
        )
        edited = PostEdited.example().model_copy(
            update={"post_id": new_id(), "author_id": author, "created_at": timestamp_of(post)}
        )
        failed = PostFailed.example().model_copy(update={"post_id": new_id(), "author_id": author})
        text = {"comment_id": comment, "created_at": timestamp_of(comment), **placed}
        self.states = [
            self._at(
                1,
                PostPublished.example().model_copy(
                    update={"post_id": post, "author_id": author, "created_at": created.created_at}
                ),
            ),
            self._at(2, edited),
            self._at(3, failed),
            self._at(4, CommentCreated.example().model_copy(update=text)),
            self._at(5, PostLiked.example().model_copy(update=placed)),
            self._at(
                6, CommentLiked.example().model_copy(update={**placed, "comment_id": comment, "comment_author_id": fan})
            ),
            self._at(7, PostSaved(account_id=fan, post_id=post, saved_at=self._began)),
            self._at(
                8,
                CollectionCreated(
                    account_id=fan, collection_id=collection, name="Lakes", created_at=timestamp_of(collection)
                ),
            ),
            self._at(
                9, CollectionPostAdded(account_id=fan, collection_id=collection, post_id=post, added_at=self._began)
            ),
        ]
        self.ends = [
            self._at(20, PostUnliked(post_id=post, post_author_id=author, account_id=fan, unliked_at=self._began)),
            self._at(21, PostUnsaved(account_id=fan, post_id=post, unsaved_at=self._began)),
        ]

    def _at(self, number: int, event: Event) -> Envelope[Event]:
        return restated(event, version_at(self._began) + number)

    @property
    def keys(self) -> set[bytes]:
        return {envelope.data.record_key().encode() for envelope in self.states}


class OwnThings(StoredThings):
    """Only those of the test: other tests' are theirs."""

    keys: set[bytes]

    async def of_topic(self, topic: str) -> AsyncIterator[Stored]:  # type: ignore[override]
        async for stored in super().of_topic(topic):
            if stored.key in self.keys:
                yield stored


class Recorder:
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.published: list[Envelope[Event]] = []

    async def publish_many(self, envelopes: list[Envelope[Event]]) -> None:
        self.published += envelopes


def plain(envelope: Envelope[Event]) -> tuple[str, int, dict[str, object]]:
    """Without times, which Cassandra keeps to the millisecond."""
    content = envelope.data.model_dump(mode="json")
    return envelope.data.record_key(), envelope.entityversion, {k: v for k, v in content.items() if k[-3:] != "_at"}


@pytest.mark.timeout(120)
async def test_whichever_is_newer_wins(
    environment: Callable[[str], Mapping[str, str]], database: CassandraSession, new_id: Callable[[], int]
) -> None:
    settings, clock = settings_from(EngagementSettings, environment("post-engagement")), SystemClock()
    world, lost, recorder = World(new_id), set[bytes](), Recorder()

    async def read(topic: str) -> AsyncIterator[Received]:
        async for received in read_topic(kafka_user(), topic, since=began):
            if received.record.key in world.keys - lost:
                yield received

    began = datetime.now(UTC) - timedelta(seconds=1)
    async with open_engagement_deps(settings, Readiness(), clock) as deps:
        things = OwnThings(database, clock)
        things.keys = world.keys
        apply = applier(database, deps, clock)

        async def run() -> list[Outcome]:
            work = Reconciliation(things, recorder, apply, clock, rate=10_000)  # type: ignore[arg-type]
            return [await work.run(topic, read) for topic in ("posts", "engagement", "saves")]

        # The tables were restored to a moment before all of this.
        await deps.publisher.publish_many(world.states)
        assert [outcome.applied for outcome in await run()] == [3, 3, 3]
        assert await run() == [Outcome(3, 0, 0)] * 3
        assert recorder.published == []

        # The topics lose it.
        lost |= world.keys
        assert await run() == [Outcome(3, 3, 0)] * 3
        assert sorted(map(plain, recorder.published)) == sorted(map(plain, world.states))
        lost.clear()

        # The topics miss the ends.
        recorder.published.clear()
        for envelope in world.ends:
            await apply(envelope)
        assert [outcome.published for outcome in await run()] == [0, 1, 2]
        published = {envelope.data.type_: envelope for envelope in recorder.published}
        assert all(envelope.data.ends for envelope in published.values())
        ended = {envelope.data.type_ for envelope in world.ends}
        assert published.keys() == ended | {"photomesh.collection.post-removed.v1"}
