"""Many timelines read as one, from Redis and from post: compared with sorting all posts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from photomesh_feed.domain.order import MS_BITS, feed_order, in_feed_order
from photomesh_feed.domain.timelines import TimelineRange, TimelineSlice, TimelineState, TimelineTrack
from photomesh_feed.reading.timeline_merger import TimelineMerger
from tests.support.feed.sources import InMemorySources

_BASE = 382_764_298_916_429_824 >> MS_BITS


def post_id(ms: int, number: int) -> int:
    return (_BASE + ms) << MS_BITS | number


class InMemoryTimelines:
    """Timelines in Redis: of each author the newest `stored` posts (None: there is no timeline)."""

    def __init__(self, posts: dict[int, list[int]], stored: dict[int, int | None]) -> None:
        self.posts = posts
        self.stored = stored

    async def timelines(self, ranges: Sequence[TimelineRange], limit: int) -> list[TimelineSlice]:
        return [self._slice(author, after, limit) for author, after in ranges]

    def _slice(self, author: int, after: int | None, limit: int) -> TimelineSlice:
        stored = self.stored[author]
        if stored is None:
            return TimelineSlice(TimelineState.ABSENT, False, [])
        posts = in_feed_order(self.posts[author])
        found = [post for post in posts[:stored] if after is None or feed_order(post) > feed_order(after)]
        state = TimelineState.COMPLETE if stored >= len(posts) else TimelineState.PARTIAL
        return TimelineSlice(state, len(found) > limit, found[:limit])


class InMemoryFiller:
    def __init__(self, timelines: InMemoryTimelines) -> None:
        self._stored = timelines.stored

    async def open_timelines(self, authors: Collection[int]) -> None:
        for author in authors:
            self._stored[author] = self._stored[author] or 0

    async def timelines(
        self, found: Mapping[int, Sequence[int]], before_ms: int | None, complete: Collection[int]
    ) -> None:
        if before_ms is None:
            for author, posts in found.items():
                self._stored[author] = max(self._stored[author] or 0, len(posts))


def merger_of(timelines: InMemoryTimelines) -> tuple[TimelineMerger, InMemorySources]:
    sources = InMemorySources()
    sources.by_author.update(timelines.posts)
    return TimelineMerger(timelines, InMemoryFiller(timelines), sources), sources


authors = st.dictionaries(
    st.integers(1, 6),
    st.tuples(st.sets(st.tuples(st.integers(0, 40), st.integers(0, 2)), max_size=70), st.none() | st.integers(0, 60)),
    max_size=5,
)


@settings(deadline=None, max_examples=60)
@given(authors, st.integers(1, 12), st.lists(st.integers(41, 60), max_size=4))
async def test_all_pages_together_are_all_posts_in_order(
    made: dict[int, tuple[set[tuple[int, int]], int | None]], size: int, arriving: list[int]
) -> None:
    posts = {a: [post_id(ms, n * 10 + a) for ms, n in times] for a, (times, _) in made.items()}
    timelines = InMemoryTimelines(posts, {a: stored for a, (_, stored) in made.items()})
    merger, _ = merger_of(timelines)
    expected = in_feed_order(post for own in posts.values() for post in own)

    read: list[int] = []
    after: int | None = None
    for number in range(1_000):
        page = await merger.newest(list(posts), after, size)
        assert len(page.posts) <= size
        read += page.posts
        assert page.after is None or after is None or feed_order(page.after) > feed_order(after)
        after = page.after
        if after is None:
            break
        for ms in arriving if number == 0 else ():  # new posts are above, and change nothing below
            for author, own in posts.items():
                own.append(post_id(ms, author))
                stored = timelines.stored[author]
                timelines.stored[author] = stored if stored is None else stored + 1
    assert after is None
    assert read == expected


async def test_page_of_many_authors_costs_few_calls() -> None:
    posts = {author: [post_id(author * 7 + n * 1_000, author) for n in range(60)] for author in range(1_000)}
    merger, sources = merger_of(InMemoryTimelines(posts, dict.fromkeys(posts)))
    merged = await merger.newest(list(posts), None, 20)
    assert list(merged.posts) == in_feed_order(post for own in posts.values() for post in own)[:20]
    assert sources.calls["timelines"] == 5


@settings(deadline=None, max_examples=60)
@given(authors, st.integers(1, 12), st.integers(1, 80))
async def test_what_is_known_is_not_read_again(
    made: dict[int, tuple[set[tuple[int, int]], int | None]], first: int, count: int
) -> None:
    posts = {a: [post_id(ms, n * 10 + a) for ms, n in times] for a, (times, _) in made.items()}
    merger, sources = merger_of(InMemoryTimelines(posts, {a: stored for a, (_, stored) in made.items()}))
    known: dict[int, TimelineTrack] = {}
    expected = in_feed_order(post for own in posts.values() for post in own)
    for wanted in (first, count):
        merged = await merger.newest(list(posts), None, wanted, known=known, rounds=99)
        assert list(merged.posts) == expected[:wanted]
        assert merged.after is not None or wanted >= len(expected)
    calls = sources.calls["timelines"]
    again = await merger.newest(list(posts), None, min(first, count), known=known)
    assert list(again.posts) == expected[: min(first, count)]
    assert sources.calls["timelines"] == calls
