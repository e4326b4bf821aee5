"""The store of comments in memory, which unit tests use, and the one in Cassandra behave the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from photomesh_post.comments.dead_rows import dead_runs
from photomesh_post.comments.projection import CommentEvent, rows_of
from photomesh_post.comments.store import CassandraComments
from photomesh_post.comments.tallies import Change, Tally
from photomesh_post.counts.domain import PartitionRef
from photomesh_post.tables.rows import Row, month_of
from photomesh_shared.events import Envelope
from photomesh_shared.ids import MAX_ID
from photomesh_shared.stores.cassandra import CassandraSession
from tests.support.post.memory_comments import MemoryComments
from tests.support.post.sample_events import comment_created, comment_deleted

Store = MemoryComments | CassandraComments
_DAY = 24 * 3600 * 1000 << 22


@pytest.fixture(params=["memory", "cassandra"])
def store(request: pytest.FixtureRequest, database: CassandraSession) -> Store:
    return MemoryComments() if request.param == "memory" else CassandraComments(database)


async def test_an_empty_store(store: Store, new_id: Callable[[], int]) -> None:
    assert await store.comment(new_id()) is None
    assert [entry async for entry in store.newest_of(new_id(), before=MAX_ID)] == []
    assert [entry async for entry in store.oldest_of(new_id(), after=0)] == []
    assert await store.tally(PartitionRef(new_id(), 202611), [new_id()]) == Tally()


@pytest.mark.parametrize("seed", range(4))
async def test_a_thread_over_months_in_any_order(store: Store, new_id: Callable[[], int], seed: int) -> None:
    post, now = new_id(), new_id()
    comments = [now - days * _DAY + turn for days in (0, 1, 40, 80, 81) for turn in range(3)]
    assert len({month_of(comment) for comment in comments}) >= 3
    events = [comment_created(post, comment, text=str(comment)) for comment in comments] * 2
    gone = comments[1::4]
    shuffled: list[Envelope[CommentEvent]] = [*events, *(comment_deleted(post, comment) for comment in gone)]
    random.Random(seed).shuffle(shuffled)
    for envelope in shuffled:
        await store.write(rows_of(envelope))
    left = sorted(set(comments) - set(gone))
    assert [row.id async for row in store.newest_of(post, before=MAX_ID) if row.entry] == left[::-1]
    assert [row.id async for row in store.oldest_of(post, after=0) if row.entry] == left
    newest = store.newest_of(post, before=left[3])
    assert [row.entry.text async for row in newest if row.entry] == [str(c) for c in left[:3][::-1]]
    assert [row.id async for row in store.oldest_of(post, after=left[3]) if row.entry] == left[4:]
    for comment in comments:
        found = await store.comment(comment)
        assert found is not None
        assert (found.post_id, found.parent_id, found.deleted) == (post, None, comment in gone)


async def test_a_thread_longer_than_a_read(store: Store, new_id: Callable[[], int]) -> None:
    post, comments = new_id(), [new_id() for _ in range(203)]
    for comment in comments:
        await store.write(rows_of(comment_created(post, comment)))
    assert [row.id async for row in store.newest_of(post, before=MAX_ID) if row.entry] == comments[::-1]
    assert [row.id async for row in store.oldest_of(post, after=0) if row.entry] == comments


async def test_a_deletion_arrives_before_its_comment(store: Store, new_id: Callable[[], int]) -> None:
    post, comment = new_id(), new_id()
    await store.write(rows_of(comment_deleted(post, comment)))
    assert await store.comment(comment) is None
    await store.write(rows_of(comment_created(post, comment, parent_id=None)))
    found = await store.comment(comment)
    assert found is not None
    assert found.deleted


async def test_a_tally_replaces_only_the_one_that_was_read(store: Store, new_id: Callable[[], int]) -> None:
    post, root, reply, other = (new_id() for _ in range(4))
    ref = PartitionRef(post, month_of(root))
    first = Tally().after([Change(root, root)])
    assert await store.replace_tally(ref, Tally(), first)
    assert not await store.replace_tally(ref, Tally(), first)
    read = await store.tally(ref, [root, reply])
    assert read == first
    second = read.after([Change(reply, root), Change(other, other)])
    assert await store.replace_tally(ref, read, second)
    assert not await store.replace_tally(ref, read, second)
    assert await store.tally(ref, [root, reply, other]) == second
    assert await store.tally(ref, [reply]) == Tally(3, 2, {reply: second.rows[reply]})


async def test_a_row_that_is_older_than_the_revision(database: CassandraSession, new_id: Callable[[], int]) -> None:
    store, post, root = CassandraComments(database), new_id(), new_id()
    ref = PartitionRef(post, month_of(root))
    first = Tally().after([Change(root, root)])
    await store.replace_tally(ref, Tally(), first)
    stale = Tally(first.count, first.revision, {})
    assert not await store.replace_tally(ref, stale, stale.after([Change(root, root)]))
    assert await store.tally(ref, [root]) == first


async def test_the_comments_of_a_partition_with_their_replies(store: Store, new_id: Callable[[], int]) -> None:
    """A reply belongs to the partition of its parent's month, and is gone with it."""
    post, kept, gone = new_id(), new_id(), new_id()
    reply, gone_reply, reply_to_gone = new_id(), new_id(), new_id()
    for envelope in (
        comment_created(post, kept),
        comment_created(post, gone),
        comment_created(post, reply, parent_id=kept),
        comment_created(post, gone_reply, parent_id=kept),
        comment_created(post, reply_to_gone, parent_id=gone),
        comment_deleted(post, gone),
        comment_deleted(post, gone_reply, parent_id=kept),
    ):
        await store.write(rows_of(envelope))
    assert list(await store.months_of(post)) == [month_of(kept)]
    found = {change async for change in store.changes_in(PartitionRef(post, month_of(kept)))}
    assert found == {
        Change(kept, kept),
        Change(reply, kept),
        Change(gone_reply, kept, gone=True),
        Change(gone, gone, gone=True),
        Change(reply_to_gone, gone, gone=True),
    }


async def test_many_deleted_comments_cost_few_reads(database: CassandraSession, new_id: Callable[[], int]) -> None:
    """Thirteen reads of a hundred rows become four, and then they are gone for good."""
    store, post, start = CassandraComments(database), new_id(), new_id() - 10 * _DAY
    created = [comment_created(post, start + turn, text=str(turn)) for turn in range(1_301)]
    deleted = [comment_deleted(post, start + turn) for turn in range(1, 1_301)]
    await store.write(rows_of(created[0]))
    for first in range(0, len(deleted), 200):
        await asyncio.gather(*(store.write(rows_of(envelope)) for envelope in deleted[first : first + 200]))

    reads: list[str] = []

    async def read(cql: str, *values: object) -> Sequence[Row]:
        reads.append(cql)
        return await database.read(cql, *values)

    counting = CassandraComments(SimpleNamespace(read=read, execute=database.execute))  # type: ignore[arg-type]
    rows = [row async for row in counting.newest_of(post, before=MAX_ID)]
    assert [row.id for row in rows if row.entry] == [start]
    assert len(rows) == 1_301
    assert len(reads) <= 4
    runs = dead_runs(rows, datetime.now(UTC))
    assert {(run.first, run.last) for run in runs} == {(start + 1, start + 1_300)}
    for run in runs:
        await store.remove_dead(post, run)
    assert [row.id async for row in store.newest_of(post, before=MAX_ID)] == [start]
    for envelope in (created[7], deleted[7]):
        await store.write(rows_of(envelope))
    assert [row.id async for row in store.oldest_of(post, after=0)] == [start]
    assert await store.is_deleted(start + 7)
