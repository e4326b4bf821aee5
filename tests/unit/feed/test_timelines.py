"""An author's newest posts: from where they are read, and when they are known to be all."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from photomesh_feed.delivery.timeline_cache import Timelines
from photomesh_feed.store import keys

AUTHOR = 7


class Shelf:
    """A timeline in memory."""

    def __init__(self, marker: str = "", posts: Sequence[int] = ()) -> None:
        self.marker = marker
        self.posts = set(posts)

    async def timeline(self, author_id: int, limit: int) -> tuple[str, list[int]]:
        return self.marker, sorted(self.posts, reverse=True)[:limit]

    async def add_to_timeline(self, author_id: int, post_ids: Sequence[int], *, complete: bool = False) -> int:
        self.posts |= set(post_ids)
        self.marker = keys.COMPLETE if complete else self.marker or keys.INCOMPLETE
        return len(post_ids)


class Post:
    def __init__(self, posts: Sequence[int]) -> None:
        self.posts = sorted(posts, reverse=True)
        self.asked = 0

    async def timelines(self, authors: Sequence[int], *, before: int | None, limit: int) -> dict[int, list[int]]:
        self.asked += 1
        return {AUTHOR: [post for post in self.posts if before is None or post < before][:limit]}


@pytest.mark.parametrize(
    ("shelf", "limit", "older_remain"),
    [
        (Shelf(keys.COMPLETE, range(1, 31)), 100, False),
        (Shelf(keys.COMPLETE, range(1, 31)), 20, True),
        (Shelf(keys.INCOMPLETE, range(11, 31)), 20, True),
    ],
)
async def test_nobody_is_asked_for_what_is_here(shelf: Shelf, limit: int, older_remain: bool) -> None:
    post = Post(range(1, 31))
    newest = await Timelines(shelf, post).newest(AUTHOR, limit)
    assert newest == (list(range(30, 0, -1))[:limit], older_remain)
    assert post.asked == 0


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 99, 100, 101, 250])
async def test_what_is_not_here_comes_from_post(count: int) -> None:
    shelf, post = Shelf(), Post(range(1, count + 1))
    newest = await Timelines(shelf, post).newest(AUTHOR, 100)
    assert newest.posts == list(range(count, 0, -1))[:100]
    if count < 100:
        assert not newest.older_remain
        assert shelf.marker == keys.COMPLETE
    elif count > 100:
        assert newest.older_remain


async def test_what_is_published_meanwhile_is_kept() -> None:
    shelf = Shelf(keys.INCOMPLETE, [60])
    newest = await Timelines(shelf, Post(range(1, 41))).newest(AUTHOR, 100)
    assert newest == ([60, *range(40, 0, -1)], False)
