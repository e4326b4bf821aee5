"""An author's newest posts: where they come from, and whether there are older ones."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from photomesh_feed.delivery.timeline_cache import TimelineCache
from photomesh_feed.domain.timelines import TimelineAddition, TimelineHead, TimelineState
from tests.support.feed.sources import InMemorySources

AUTHOR = 7
COMPLETE, PARTIAL, ABSENT = TimelineState.COMPLETE, TimelineState.PARTIAL, TimelineState.ABSENT


class InMemoryTimeline:
    def __init__(self, state: TimelineState = ABSENT, posts: Sequence[int] = ()) -> None:
        self.state = state
        self.posts = set(posts)

    async def timeline(self, author_id: int, limit: int) -> TimelineHead:
        return TimelineHead(self.state, sorted(self.posts, reverse=True)[:limit])

    async def add_to_timeline(self, author_id: int, post_ids: Sequence[int], kind: TimelineAddition) -> int:
        self.posts |= set(post_ids)
        if kind == "all":
            self.state = COMPLETE
        elif self.state is ABSENT:
            self.state = PARTIAL
        return len(post_ids)


def source_of(posts: Sequence[int]) -> InMemorySources:
    sources = InMemorySources()
    sources.by_author[AUTHOR] = list(posts)
    return sources


@pytest.mark.parametrize(
    ("stored", "limit", "older_remain"),
    [
        (InMemoryTimeline(COMPLETE, range(1, 31)), 100, False),
        (InMemoryTimeline(COMPLETE, range(1, 31)), 20, True),
        (InMemoryTimeline(PARTIAL, range(11, 31)), 20, True),
    ],
)
async def test_stored_posts_need_no_call(stored: InMemoryTimeline, limit: int, older_remain: bool) -> None:
    source = source_of(range(1, 31))
    newest = await TimelineCache(stored, source).newest(AUTHOR, limit)
    assert newest == (list(range(30, 0, -1))[:limit], older_remain)
    assert not source.calls


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 99, 100, 101, 250])
async def test_other_posts_come_from_the_source(count: int) -> None:
    stored = InMemoryTimeline()
    newest = await TimelineCache(stored, source_of(range(1, count + 1))).newest(AUTHOR, 100)
    assert newest.posts == list(range(count, 0, -1))[:100]
    if count < 100:
        assert not newest.older_remain
        assert stored.state is COMPLETE
    elif count > 100:
        assert newest.older_remain


async def test_post_published_in_the_meantime_is_kept() -> None:
    stored = InMemoryTimeline(PARTIAL, [60])
    newest = await TimelineCache(stored, source_of(range(1, 41))).newest(AUTHOR, 100)
    assert newest == ([60, *range(40, 0, -1)], False)
