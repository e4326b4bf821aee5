"""Pages are full while there is anything to show, and show nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pytest
from prometheus_client import REGISTRY

from photomesh_search.errors import SearchUnavailable
from photomesh_search.searching.domain import FoundPlace, FoundTag, Hit, Near, PostQuery
from photomesh_search.searching.service import SearchService
from photomesh_shared.internal_api.identity import NamedAccount
from photomesh_shared.internal_api.post import SeenAccount, SeenPost
from photomesh_shared.internal_api.social_graph import Neighbours

ME = 1


class MemoryHits:
    """Implements `service.Index`: posts 1 … n, the newest first."""

    def __init__(self, posts: int = 0) -> None:
        self.ids = list(range(posts, 0, -1))
        self.asked = 0
        self.followed: Collection[int] = ()
        self.near: Collection[int] = ()
        self.away = False
        self.muted: Collection[int] = ()

    def _answer(self) -> None:
        if self.away:
            raise SearchUnavailable

    async def account_named(self, username: str) -> int | None:
        self._answer()
        return 7 if username == "ada" else None

    async def accounts(
        self,
        prefixes: Sequence[str],
        *,
        exact: str,
        followed: Collection[int],
        near: Collection[int],
        after: Sequence[str | int] | None,
        size: int,
    ) -> list[Hit]:
        self._answer()
        self.followed, self.near = followed, near
        return self._page(int(after[0]) if after else None, size)

    async def posts(
        self, query: PostQuery, *, author_id: int | None, muted: Collection[int], before_id: int | None, size: int
    ) -> list[Hit]:
        self.muted = muted
        return self._page(before_id, size)

    async def hashtags(self, prefix: str, *, size: int) -> list[FoundTag]:
        return [FoundTag("sunsets", 9), FoundTag("sunset", 2)]

    async def places(self, prefixes: Sequence[str], near: Near | None, *, size: int) -> list[FoundPlace]:
        return [FoundPlace("Como", None, None, 1)]

    def _page(self, before: int | None, size: int) -> list[Hit]:
        self.asked += 1
        return [Hit(one, (one,)) for one in self.ids if before is None or one < before][:size]


class Sights:
    """Implements `service.Sights`: all but the hidden ones."""

    def __init__(self, hidden: Collection[int] = ()) -> None:
        self.hidden = set(hidden)

    async def accounts(self, viewer_id: int, account_ids: Collection[int]) -> Mapping[int, SeenAccount]:
        return {
            one: SeenAccount(id=one, username=f"u{one}", display_name=None, avatar_url=None, followed=False)
            for one in account_ids
            if one not in self.hidden
        }

    async def posts(self, viewer_id: int, post_ids: Collection[int]) -> Mapping[int, SeenPost]:
        return {
            one: SeenPost(id=one, author_id=7, photo_url="https://cdn.example/a", reason=None)
            for one in post_ids
            if one not in self.hidden
        }


class Graph:
    def __init__(
        self,
        followed: Sequence[int] = (),
        muted: Sequence[int] = (),
        near: Sequence[int] = (),
        blocked: Sequence[int] = (),
    ) -> None:
        self._neighbours = Neighbours(followed=list(followed), near=list(near), blocked=list(blocked))
        self._muted = muted

    async def neighbours(self, account_id: int) -> Neighbours:
        return self._neighbours

    async def muted(self, account_id: int) -> Sequence[int]:
        return self._muted


class Names:
    """Implements `service.Names`: Ada is 7."""

    async def named(self, username: str) -> NamedAccount | None:
        if username != "ada":
            return None
        return NamedAccount(id=7, username="ada", display_name="Ada", avatar_url=None)


async def _all(service: SearchService, limit: int) -> list[list[int]]:
    pages: list[list[int]] = []
    after: Sequence[str | int] | None = None
    while True:
        found = await service.posts(ME, "harbour", after=after, limit=limit)
        pages.append([one.id for one in found.items])
        after = found.after
        if after is None:
            return pages


@pytest.mark.parametrize("posts", [0, 1, 9, 10, 11, 20, 57])
@pytest.mark.parametrize("hidden", [(), range(2, 60, 2), range(1, 40)])
async def test_every_post_that_may_be_seen_is_on_one_page(posts: int, hidden: Collection[int]) -> None:
    pages = await _all(SearchService(MemoryHits(posts), Sights(hidden), Graph(), Names()), 10)
    assert [one for page in pages for one in page] == [one for one in range(posts, 0, -1) if one not in hidden]
    assert all(len(page) == 10 for page in pages[:-1])


async def test_work_for_a_page_is_bounded() -> None:
    index = MemoryHits(10_000)
    found = await SearchService(index, Sights(range(10_001)), Graph(), Names()).posts(
        ME, "harbour", after=None, limit=10
    )
    assert (found.items, index.asked) == ([], 3)
    assert found.after is not None


async def test_muted_authors_are_left_out_and_followed_ones_come_first() -> None:
    index = MemoryHits(1)
    graph = Graph(followed=[3, 4], muted=[5], near=[6])
    service = SearchService(index, Sights(), graph, Names())
    await service.posts(ME, "harbour", after=None, limit=10)
    await service.accounts(ME, "ad", after=None, limit=10)
    assert list(index.muted) == [5]
    assert (index.followed, index.near) == ([3, 4], [6])
    # Of more muted authors than a query may name, the index gives some.
    forgetful = SearchService(MemoryHits(5), Sights(), Graph(muted=[7]), Names())
    assert (await forgetful.posts(ME, "harbour", after=None, limit=10)).items == []


@pytest.mark.parametrize("text", ["***", "from:nobody", " "])
async def test_what_finds_nothing_asks_for_nothing(text: str) -> None:
    index = MemoryHits(5)
    found = await SearchService(index, Sights(), Graph(), Names()).posts(ME, text, after=None, limit=10)
    assert (found.items, found.after, index.asked) == ([], None, 0)


async def test_the_very_hashtag_is_first() -> None:
    found = await SearchService(MemoryHits(), Sights(), Graph(), Names()).hashtags("#Sunset", limit=10)
    assert [one.tag for one in found] == ["sunset", "sunsets"]
    assert await SearchService(MemoryHits(), Sights(), Graph(), Names()).hashtags("#", limit=10) == []


async def test_whom_the_viewer_blocks_is_found_by_the_very_name_and_marked() -> None:
    index = MemoryHits(5)
    service = SearchService(index, Sights(hidden=[7]), Graph(blocked=[7]), Names())
    found = await service.accounts(ME, "@Ada", after=None, limit=3)
    assert [(one.account.id, one.blocked_by_you) for one in found.items] == [(7, True), (5, False), (4, False)]
    rest = await service.accounts(ME, "@Ada", after=found.after, limit=10)
    assert [one.account.id for one in rest.items] == [3, 2, 1]
    others = await service.accounts(ME, "ad", after=None, limit=3)
    assert [one.account.id for one in others.items] == [5, 4, 3]


async def test_who_blocks_the_viewer_is_not_found_by_name() -> None:
    """Neighbours leave them out of whom the viewer blocks, and post hides them."""
    index = MemoryHits(0)
    service = SearchService(index, Sights(hidden=[7]), Graph(), Names())
    assert (await service.accounts(ME, "ada", after=None, limit=3)).items == []
    index.away = True
    with pytest.raises(SearchUnavailable):
        await service.accounts(ME, "ada", after=None, limit=3)


async def test_without_the_index_the_very_name_is_still_found() -> None:
    index = MemoryHits(5)
    index.away = True
    service = SearchService(index, Sights(), Graph(), Names())
    found = await service.accounts(ME, "Ada", after=None, limit=3)
    assert ([one.account.id for one in found.items], found.after) == ([7], None)
    for text, after in (("adam", None), ("ad*", None), ("ada lovelace", None), ("ada", (3,))):
        with pytest.raises(SearchUnavailable):
            await service.accounts(ME, text, after=after, limit=3)


async def test_a_hashtag_that_is_too_long_finds_nothing_rather_than_fail() -> None:
    asked = []

    class Index(MemoryHits):
        async def hashtags(self, prefix: str, *, size: int) -> list[FoundTag]:
            asked.append(prefix)
            return []

    await SearchService(Index(), Sights(), Graph(), Names()).hashtags("\ufdfa" * 200, limit=10)
    assert [len(prefix) for prefix in asked] == [100]


async def test_searches_are_counted_by_what_came_of_them() -> None:
    def count(outcome: str) -> float:
        return REGISTRY.get_sample_value("photomesh_searches_total", {"kind": "accounts", "outcome": outcome}) or 0

    index = MemoryHits(1)
    service = SearchService(index, Sights(), Graph(), Names())
    before = {outcome: count(outcome) for outcome in ("found", "unavailable")}
    await service.accounts(ME, "ad", after=None, limit=3)
    index.away = True
    with pytest.raises(SearchUnavailable):
        await service.accounts(ME, "ad", after=None, limit=3)
    assert {outcome: count(outcome) - before[outcome] for outcome in before} == {"found": 1, "unavailable": 1}
