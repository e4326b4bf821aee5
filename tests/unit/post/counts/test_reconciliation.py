"""Checking and repairing the counts of likes and comments, with stores in memory."""

from __future__ import annotations

import asyncio

import pytest

from photomesh_post.comments.reconciliation import CommentAudit
from photomesh_post.counts.domain import PartitionCount, PartitionRef
from photomesh_post.counts.reconciliation import Balance, CountAudit, Drift, Reconciliation
from photomesh_post.likes.domain import bucket_of
from photomesh_post.likes.reconciliation import LikeAudit
from photomesh_post.tables.rows import month_of
from tests.support.post.in_memory_service import InMemoryService
from tests.support.post.sample_events import ADA, GRACE, LINUS, account


class Scene(InMemoryService):
    post_id: int

    async def reconcile(self, *, repair: bool, subject_id: int | None = None) -> list[Drift]:
        audits: tuple[CountAudit, ...] = (
            LikeAudit(self.like_store, self.count_store),
            CommentAudit(self.comment_store, self.count_store),
        )

        async def drifts() -> list[Drift]:
            return [
                drift
                for audit in audits
                async for drift in Reconciliation(audit, self.clock).drifts(subject_id, repair=repair)
            ]

        return await self.outlast(drifts())


@pytest.fixture
async def scene() -> Scene:
    """A post with two likes and three comments, one of which is a reply."""
    scene = Scene()
    await scene.consume(account(ADA), account(GRACE), account(LINUS))
    scene.post_id = await scene.published_post()
    for account_id in (GRACE, LINUS):
        await scene.likes.like_post(account_id, scene.post_id)
    await scene.consume_batch(*scene.like_log.events)
    comment = await scene.write_comment(GRACE, scene.post_id)
    await scene.write_comment(ADA, scene.post_id, "Reply", comment.comment.id)
    await scene.write_comment(LINUS, scene.post_id)
    return scene


async def test_right_counts_have_no_drift(scene: Scene) -> None:
    assert await scene.reconcile(repair=False) == []


async def test_a_wrong_copy_is_found_and_repaired_only_if_asked(scene: Scene) -> None:
    ref = PartitionRef(scene.post_id, bucket_of(GRACE))
    await scene.count_store.publish_like_counts([PartitionCount(ref, 7, revision=50)])
    [drift] = await scene.reconcile(repair=False)
    rows = scene.like_store.partitions[ref].count
    assert (drift.audit, drift.ref, drift.repaired) == ("likes", ref, False)
    assert (drift.balance.rows, drift.balance.count, drift.balance.copied) == (rows, rows, 7)
    assert [drift.repaired for drift in await scene.reconcile(repair=True)] == [True]
    assert await scene.reconcile(repair=False) == []


async def test_a_copy_without_any_rows_is_found(scene: Scene) -> None:
    ref = PartitionRef(scene.ids.next(), 3)
    await scene.count_store.publish_like_counts([PartitionCount(ref, 2, revision=1)])
    [drift] = await scene.reconcile(repair=True)
    assert (drift.ref, drift.balance) == (ref, Balance(0, 0, 2, 0))
    assert await scene.reconcile(repair=False) == []


async def test_lost_rows_of_a_tally_are_restored_before_its_count(scene: Scene) -> None:
    ref = PartitionRef(scene.post_id, month_of(scene.post_id))
    before = scene.comment_store.tallies.pop(ref)
    [drift] = await scene.reconcile(repair=True, subject_id=scene.post_id)
    assert (drift.audit, drift.ref, drift.balance.rows, drift.balance.count) == ("comments", ref, 3, 0)
    repaired = scene.comment_store.tallies[ref]
    assert (repaired.count, repaired.rows) == (before.count, before.rows)
    await scene.consume_batch(*scene.comment_log.events)
    assert scene.count_store.comment_count(scene.post_id) == 3


async def test_one_post_is_checked_alone(scene: Scene) -> None:
    other = PartitionRef(scene.ids.next(), 3)
    await scene.count_store.publish_like_counts([PartitionCount(other, 2, revision=1)])
    assert await scene.reconcile(repair=False, subject_id=scene.post_id) == []


async def test_counting_meanwhile_is_no_drift(scene: Scene) -> None:
    """A count that is not copied yet is wrong only for a moment."""
    ref = PartitionRef(scene.post_id, bucket_of(GRACE))
    right = scene.count_store.likes.pop(ref)
    checking = asyncio.create_task(scene.reconcile(repair=True))
    for _ in range(100):
        await asyncio.sleep(0)
    scene.count_store.likes[ref] = right
    assert await checking == []
