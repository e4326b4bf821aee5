"""An account is erased: nothing of it is left, whatever is interrupted, repeated, or arrives late."""

from __future__ import annotations

import itertools

import pytest

from photomesh_post.erasures.worker import NotYetErased
from photomesh_shared import failpoints, ids
from photomesh_shared.events import (
    AccountErasureRequested,
    CommentDeleted,
    CommentUnliked,
    Envelope,
    ErasureAcknowledged,
    PostDeleted,
    PostUnliked,
)
from photomesh_shared.events.versions import version_at
from photomesh_shared.failpoints import FailpointReached
from photomesh_shared.ids import CreationId
from tests.support.post.in_memory_service import InMemoryService
from tests.support.post.sample_events import ADA, LINUS, account, blocked, followed, ready, uploaded

MALLORY = 104
"""The account that is erased."""
CANARY = "canary7f3a"


class Scene(InMemoryService):
    post_id: int
    """Of Ada's, with a like, comments and a save of Mallory's."""
    own_post_id: int
    """Of Mallory's, with a like and a comment of Ada's."""
    unposted_id: int
    collection_id: int

    async def live(self) -> None:
        await self.consume(account(ADA), account(LINUS), account(MALLORY, username=CANARY))
        await self.consume(account(MALLORY, username=f"{CANARY}renamed", version=2))
        await self.consume(followed(MALLORY, ADA), blocked(MALLORY, LINUS))
        self.post_id = await self.published_post()
        self.own_post_id = await self.create_post(
            await self.ready_photo(MALLORY), author_id=MALLORY, caption=f"{CANARY} caption"
        )
        self.unposted_id = await self.ready_photo(MALLORY)
        await self.likes.like_post(MALLORY, self.post_id)
        await self.likes.like_post(ADA, self.own_post_id)
        comment = await self.write_comment(MALLORY, self.post_id, f"{CANARY} comment")
        await self.write_comment(ADA, self.post_id, "Others' reply", comment.comment.id)
        await self.write_comment(ADA, self.own_post_id, "Under it")
        other = await self.write_comment(ADA, self.post_id)
        await self.likes.like_comment(MALLORY, other.comment.id)
        self.collection_id = self.ids.next()
        await self.saves.create_collection(CreationId(self.collection_id), MALLORY, f"{CANARY} collection")
        await self.saves.add_to_collection(MALLORY, self.collection_id, self.post_id)
        await self.handle_all()

    async def handle_all(self) -> None:
        """Handles the logs as the consumers do, with what is added to them meanwhile."""
        await self.replay()
        for log in (self.like_log, self.comment_log, self.save_log, self.late_log, self.end_log):
            for envelope in list(log.events):
                if envelope.data.topic == "engagement":
                    await self.consume_batch(envelope)
                else:
                    await self.consume(envelope)

    def request(self) -> Envelope[AccountErasureRequested]:
        now = self.clock.now()
        event = AccountErasureRequested(request_id=7, user_id=MALLORY, requested_at=now)
        return Envelope.of(event, entityversion=version_at(now), time=now)

    async def erase_all(self) -> None:
        """Does all that is pending, as often as something has to wait for something else."""
        for _ in range(5):
            try:
                await self.handle_all()
                await self.erase()
            except NotYetErased:
                continue
        assert self.erasures.pending == {}

    def tables_as_text(self) -> str:
        cells = [self.tables.cells, self.comment_store.tables.cells, self.save_store.tables.cells]
        return "\n".join(repr(item) for item in itertools.chain(*(one.items() for one in cells)))


@pytest.fixture
async def scene() -> Scene:
    scene = Scene()
    await scene.live()
    assert CANARY in scene.tables_as_text()
    return scene


async def ask(scene: Scene) -> None:
    request = scene.request()
    for handler in scene.erasure_handlers:
        await handler(request)


async def ask_and_erase(scene: Scene) -> None:
    await ask(scene)
    await scene.erase_all()


async def assert_erased(scene: Scene) -> None:
    text = scene.tables_as_text()
    assert CANARY not in text, [line for line in text.splitlines() if CANARY in line]
    assert not [key for key in scene.like_store.own if MALLORY in key]
    assert not [bucket for bucket in scene.like_store.partitions.values() if MALLORY in bucket.likes]
    for table in ("photos_by_owner", "posts_by_author", "relations", "comments_by_account", "saves", "collections"):
        assert not [key for name, key in scene.tables.cells if name == table and key[0] == MALLORY], table
    assert scene.unposted_id in scene.objects.removed
    assert any(ids.encode("p", scene.unposted_id) in key for key in scene.cdn.purged)
    [avatar] = scene.objects.removed_avatars[:1]
    assert avatar in scene.cdn.purged
    view = await scene.post_queries.post(ADA, scene.post_id)
    assert (view.reactions.likes, view.reactions.comments) == (0, 1)


async def test_nothing_is_left(scene: Scene) -> None:
    await ask_and_erase(scene)
    await assert_erased(scene)
    answers = [one.data for one in scene.acknowledgements.events if isinstance(one.data, ErasureAcknowledged)]
    counts = {one.group: one.counts for one in answers}
    assert counts["post-engagement"] == {"likes": 2, "comments": 1, "saves": 1, "collections": 1}
    assert counts["post"]["photos"] == 2
    assert all(kept.until is not None or "ids" in kept.what for one in answers for kept in one.keeps)
    deleted = {one.data.post_id for one in scene.post_log.events if isinstance(one.data, PostDeleted)}
    assert deleted == {scene.own_post_id}
    assert {type(one.data) for one in scene.end_log.events} == {PostUnliked, CommentUnliked, CommentDeleted}


@pytest.mark.parametrize(
    "step",
    [
        "account.erasure.after_mark",
        "account.erasure.after_stage",
        "account.erasure.after_stage=raise@2",
        "account.erasure.after_likes",
        "post.delete.after_objects",
        "ending.after_bucket",
        "erasure.after_erase",
    ],
)
async def test_after_a_crash_the_repeat_finishes(scene: Scene, step: str) -> None:
    spec = step if "=" in step else f"{step}=raise"
    failpoints.configure({"PHOTOMESH_ENV": "test", "PHOTOMESH_FAILPOINTS": spec})
    try:
        with pytest.raises(FailpointReached):
            await ask_and_erase(scene)
    finally:
        failpoints.configure({})
    await ask_and_erase(scene)
    await assert_erased(scene)


async def test_a_second_request_finds_nothing(scene: Scene) -> None:
    await ask_and_erase(scene)
    before = len(scene.end_log.events)
    await ask_and_erase(scene)
    await assert_erased(scene)
    assert len(scene.end_log.events) == before
    assert len(scene.acknowledgements.events) == 4


async def test_what_arrives_late_leaves_nothing(scene: Scene) -> None:
    """A photo that became ready, and events of a request with a token that was still valid."""
    await ask_and_erase(scene)
    scene.objects.removed.clear()
    scene.cdn.purged.clear()
    await scene.consume(ready(scene.unposted_id, MALLORY, version=3))  # a reprocessing that was under way
    assert scene.unposted_id in scene.objects.removed
    late_photo = scene.ids.next()
    await scene.consume(uploaded(late_photo, MALLORY), ready(late_photo, MALLORY))
    await scene.consume(account(MALLORY, username=f"{CANARY}late", version=3), followed(MALLORY, LINUS))
    await scene.likes.like_post(MALLORY, scene.post_id)
    await scene.write_comment(MALLORY, scene.post_id, f"{CANARY} late")
    await scene.saves.save_post(MALLORY, scene.post_id)
    await scene.saves.create_collection(CreationId(scene.ids.next()), MALLORY, f"{CANARY} late")
    await scene.handle_all()
    await scene.handle_all()
    assert late_photo in scene.objects.removed
    text = scene.tables_as_text()
    assert CANARY not in text, [line for line in text.splitlines() if CANARY in line]
    assert not [bucket for bucket in scene.like_store.partitions.values() if MALLORY in bucket.likes]
    assert not [key for key in scene.like_store.own if MALLORY in key]
    assert (await scene.post_queries.post(ADA, scene.post_id)).reactions.likes == 0
