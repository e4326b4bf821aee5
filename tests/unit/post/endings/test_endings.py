"""What is under a deleted post or comment ends, and what arrives after that is undone."""

from __future__ import annotations

import pytest

from photomesh_shared import failpoints, ids
from photomesh_shared.events import CommentDeleted, Envelope, PostDeleted, PostUnliked
from photomesh_shared.failpoints import FailpointReached
from photomesh_shared.ids import CreationId
from tests.support.post.in_memory_service import InMemoryService
from tests.support.post.sample_events import ADA, GRACE, LINUS, account


class Scene(InMemoryService):
    """A post with likes, comments, likes of comments, and saves, all of which the consumers have handled."""

    post_id: int
    comment_id: int
    reply_id: int
    collection_id: int

    async def engage(self) -> None:
        await self.consume(*(account(who) for who in (ADA, GRACE, LINUS)))
        self.post_id = await self.published_post()
        for who in (GRACE, LINUS):
            await self.likes.like_post(who, self.post_id)
        self.comment_id = (await self.write_comment(GRACE, self.post_id)).comment.id
        self.reply_id = (await self.write_comment(LINUS, self.post_id, "A reply", self.comment_id)).comment.id
        await self.likes.like_comment(ADA, self.comment_id)
        await self.likes.like_comment(ADA, self.reply_id)
        self.collection_id = self.ids.next()
        await self.saves.create_collection(CreationId(self.collection_id), GRACE, "Lakes")
        await self.saves.add_to_collection(GRACE, self.collection_id, self.post_id)
        await self.saves.save_post(LINUS, self.post_id)
        await self.count()

    async def count(self) -> None:
        await self.consume_batch(*self.like_log.events)
        await self.consume_batch(*self.comment_log.events)
        await self.consume(*self.save_log.events)

    async def delete(self) -> None:
        await self.posts.delete_post(ADA, self.post_id)
        await self.consume(*(one for one in self.post_log.events if isinstance(one.data, PostDeleted)))

    def keys(self) -> set[str]:
        """The keys in the topics of everything under the post."""
        post, comment, reply = (
            ids.encode("o", self.post_id),
            ids.encode("c", self.comment_id),
            ids.encode("c", self.reply_id),
        )
        ada, grace, linus = (ids.encode("u", who) for who in (ADA, GRACE, LINUS))
        collection = ids.encode("k", self.collection_id)
        return {
            f"{post}:{grace}",
            f"{post}:{linus}",
            comment,
            reply,
            f"{comment}:{ada}",
            f"{reply}:{ada}",
            f"{grace}:{post}",
            f"{linus}:{post}",
            f"{collection}:{post}",
            post,  # its counts
        }


@pytest.fixture
async def scene() -> Scene:
    scene = Scene()
    await scene.engage()
    return scene


async def assert_gone(scene: Scene) -> None:
    assert set(scene.end_log.tombstones) == scene.keys()
    assert scene.like_store.own == {}
    assert scene.like_store.partitions == {}
    assert scene.comment_store.tallies == {}
    for comment_id in (scene.comment_id, scene.reply_id):
        assert await scene.comment_store.is_deleted(comment_id)
    for list_id in (GRACE, LINUS, scene.collection_id):
        membership = (await scene.save_store.memberships(list_id, [scene.post_id]))[scene.post_id]
        assert not membership.present
    [collection] = await scene.save_store.collections(GRACE)
    assert collection.posts == 0
    assert scene.erasures.pending == {}


async def test_everything_under_a_deleted_post_ends(scene: Scene) -> None:
    await scene.delete()
    await assert_gone(scene)


STEPS = [
    "ending.after_tombstones",
    "ending.after_tombstones=raise@3",
    "ending.after_bucket",
    "ending.after_bucket=raise@2",
    "ending.after_comment",
]


@pytest.mark.parametrize("step", STEPS)
async def test_after_a_crash_the_repeat_finishes(scene: Scene, step: str) -> None:
    spec = step if "=" in step else f"{step}=raise"
    failpoints.configure({"PHOTOMESH_ENV": "test", "PHOTOMESH_FAILPOINTS": spec})
    try:
        with pytest.raises(FailpointReached):
            await scene.delete()
    finally:
        failpoints.configure({})
    await scene.erase()
    await assert_gone(scene)


async def test_what_arrives_late_leaves_nothing(scene: Scene) -> None:
    """All of it is handled once more: redelivered, or by a group that was rewound."""
    await scene.delete()
    await scene.count()
    ends = [one.data for one in scene.late_log.events if isinstance(one.data, PostUnliked)]
    assert {end.account_id for end in ends} == {GRACE, LINUS}
    await scene.consume_batch(*(one for one in scene.late_log.events if one.data.topic == "engagement"))
    await scene.erase()
    assert scene.like_store.own == {}
    assert all(not bucket.likes and not bucket.count for bucket in scene.like_store.partitions.values())


async def test_replies_and_likes_end_with_their_comment(scene: Scene) -> None:
    await scene.comments.delete_comment(GRACE, scene.comment_id)
    deleted = [one for one in scene.comment_log.events if isinstance(one.data, CommentDeleted)]
    await scene.consume_batch(*deleted)
    await scene.erase()
    comment, reply, ada = ids.encode("c", scene.comment_id), ids.encode("c", scene.reply_id), ids.encode("u", ADA)
    assert set(scene.end_log.tombstones) == {reply, f"{reply}:{ada}", f"{comment}:{ada}"}
    assert {subject for _, subject in scene.like_store.own} == {scene.post_id}


async def test_nothing_ends_under_a_post_that_lives(scene: Scene) -> None:
    other = await scene.published_post()
    await scene.likes.like_post(GRACE, other)
    await scene.count()
    await scene.delete()
    assert (GRACE, other) in scene.like_store.own
    assert not any(ids.encode("o", other) in key for key in scene.end_log.tombstones)


def test_envelopes_of_late_events_have_ids() -> None:
    """A batch is undone by the ids of its events."""
    event = PostUnliked.example()
    assert Envelope.of(event, entityversion=1).id != Envelope.of(event, entityversion=1).id
