"""Many timelines read as one, from Redis and from post: compared with sorting everything."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from photomesh_feed.domain.pages import in_order, order
from photomesh_feed.reading.timeline_merger import Timelines
from photomesh_feed.store.reader import Shelf

_BASE = 382_764_298_916_429_824 >> 22


def post_id(ms: int, number: int) -> int:
    return (_BASE + ms) << 22 | number


class World:
    """All posts by author, and how many of the newest are in Redis (None: there is no timeline)."""

    def __init__(self, posts: dict[int, list[int]], kept: dict[int, int | None]) -> None:
        self.posts = posts
        self.kept = kept
        self.calls = 0

    async def timelines(self, wanted: Sequence[tuple[int, int | None]], count: int) -> list[Shelf]:
        shelves = []
        for author, after in wanted:
            kept = self.kept[author]
            if kept is None:
                shelves.append(Shelf("", False, []))
                continue
            here = in_order(self.posts[author])
            behind = [post for post in here[:kept] if after is None or order(post) > order(after)]
            shelves.append(Shelf("0" if kept >= len(here) else "1", len(behind) > count, behind[:count]))
        return shelves


class Source:
    def __init__(self, world: World) -> None:
        self.world = world

    async def timelines(self, authors: Sequence[int], *, before: int | None, limit: int) -> dict[int, list[int]]:
        self.world.calls += 1
        assert len(authors) <= 200
        return {
            author: sorted((p for p in self.world.posts[author] if before is None or p < before), reverse=True)[:limit]
            for author in authors
        }


class Filling:
    def __init__(self, world: World) -> None:
        self.world = world

    async def open_timelines(self, authors: Collection[int]) -> None:
        for author in authors:
            self.world.kept[author] = self.world.kept[author] or 0

    async def timelines(
        self, found: Mapping[int, Sequence[int]], before_ms: int | None, complete: Collection[int]
    ) -> None:
        if before_ms is None:
            for author, posts in found.items():
                self.world.kept[author] = max(self.world.kept[author] or 0, len(posts))


authors = st.dictionaries(
    st.integers(1, 6),
    st.tuples(st.sets(st.tuples(st.integers(0, 40), st.integers(0, 2)), max_size=70), st.none() | st.integers(0, 60)),
    max_size=5,
)


@settings(deadline=None, max_examples=60)
@given(authors, st.integers(1, 12), st.lists(st.integers(41, 60), max_size=4))
async def test_pages_put_together_are_everything_in_order(
    made: dict[int, tuple[set[tuple[int, int]], int | None]], size: int, arriving: list[int]
) -> None:
    posts = {a: [post_id(ms, n * 10 + a) for ms, n in times] for a, (times, _) in made.items()}
    world = World(posts, {a: kept for a, (_, kept) in made.items()})
    timelines = Timelines(world, Filling(world), Source(world))
    expected = in_order(post for own in posts.values() for post in own)

    read: list[int] = []
    after: int | None = None
    for number in range(1_000):
        page = await timelines.newest(list(posts), after, size)
        assert len(page.posts) <= size
        read += page.posts
        assert page.after is None or after is None or order(page.after) > order(after)
        after = page.after
        if after is None:
            break
        for ms in arriving if number == 0 else ():  # new posts are above, and change nothing below
            for author, own in posts.items():
                own.append(post_id(ms, author))
                kept = world.kept[author]
                world.kept[author] = kept if kept is None else kept + 1
    assert after is None
    assert read == expected


async def test_a_page_of_many_followees_costs_few_calls() -> None:
    posts = {author: [post_id(author * 7 + n * 1_000, author) for n in range(60)] for author in range(1_000)}
    world = World(posts, dict.fromkeys(posts))
    timelines = Timelines(world, Filling(world), Source(world))
    found = await timelines.newest(list(posts), None, 20)
    assert list(found.posts) == in_order(post for own in posts.values() for post in own)[:20]
    assert world.calls == 5
