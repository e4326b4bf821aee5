"""Publishing counts: once for many changes, later rather than never."""

from __future__ import annotations

import pytest

from photomesh_post.counts.domain import PartitionCount, PartitionRef
from photomesh_post.counts.publisher import CountPublisher
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import PostCounted
from tests.support.clock import FakeClock
from tests.support.post.memory_counts import MemoryCounts
from tests.support.post.memory_log import MemoryLog
from tests.support.post.sample_events import ADA

POST = 77


class Scene:
    def __init__(self) -> None:
        self.store, self.log = MemoryCounts(), MemoryLog()
        self.publisher = CountPublisher(self.store, self.log, FakeClock())

    async def change(self, likes: int, revision: int) -> None:
        await self.store.publish_like_counts([PartitionCount(PartitionRef(POST, 0), likes, revision)])
        self.publisher.mark_changed(POST, ADA)

    @property
    def published(self) -> list[PostCounted]:
        return [envelope.data for envelope in self.log.events if isinstance(envelope.data, PostCounted)]


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_many_changes_are_published_once(scene: Scene) -> None:
    for likes in range(1, 101):
        await scene.change(likes, revision=likes)
    await scene.publisher.flush()
    await scene.publisher.flush()
    assert [(event.post_id, event.post_author_id, event.likes) for event in scene.published] == [(POST, ADA, 100)]


async def test_versions_grow_although_the_clock_stands_still(scene: Scene) -> None:
    for revision in range(1, 4):
        await scene.change(revision, revision)
        await scene.publisher.flush()
    versions = [envelope.entityversion for envelope in scene.log.events]
    assert versions == sorted(set(versions))


async def test_counts_stay_marked_until_they_are_published(scene: Scene) -> None:
    await scene.change(1, revision=1)
    scene.log.lost = [False, True]
    for _ in range(2):
        with pytest.raises(Unavailable):
            await scene.publisher.flush()
    await scene.publisher.flush()
    await scene.publisher.flush()
    versions = [envelope.entityversion for envelope in scene.log.events]
    assert len(versions) == 2, "one whose acknowledgement was lost, and one more"
    assert versions[0] < versions[1]


async def test_a_failure_in_the_middle_forgets_no_post(scene: Scene) -> None:
    posts = range(1, 101)
    for post_id in posts:
        scene.publisher.mark_changed(post_id, ADA)
    scene.log.lost = [True] * 40
    failures = 0
    while len({event.post_id for event in scene.published}) < len(posts) or failures == 0:
        try:
            await scene.publisher.flush()
        except Unavailable:
            failures += 1
    assert failures == 40
    await scene.publisher.flush()
    assert {event.post_id for event in scene.published} == set(posts)
