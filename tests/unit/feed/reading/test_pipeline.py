"""The pipeline: reads a page, fills its gaps, reads it again."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from redis.asyncio import Redis

from photomesh_feed.domain.pages import ChosenPosts, FeedList, Gaps, Row, Skeleton, StoredPage
from photomesh_feed.errors import SourceUnavailable
from photomesh_feed.reading.hydration import Hydrator
from photomesh_feed.reading.pipeline import PagePipeline
from photomesh_feed.store.filler import FeedFiller
from tests.support.clock import FakeClock
from tests.support.feed.sources import InMemorySources

SKELETON = FeedList(None, 20)
ROW = Row(b"5", b"3", b"{}", b"ada", b"Ada", b"", b"1", b"0", b"0", b"0")


class ScriptedPages:
    """Returns these pages in turn."""

    def __init__(self, *pages: StoredPage) -> None:
        self.pages = list(pages)
        self.absent: list[set[int]] = []

    async def page(self, viewer: int, skeleton: Skeleton, absent: Collection[int]) -> StoredPage:
        self.absent.append(set(absent))
        return self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]


@pytest.fixture
def hydrator(redis: Redis, sources: InMemorySources, clock: FakeClock) -> Hydrator:
    return Hydrator(FeedFiller(redis), sources, "http://cdn", clock)


async def test_complete_page_is_read_once(hydrator: Hydrator, sources: InMemorySources) -> None:
    page = StoredPage("more", [ROW])
    pages = ScriptedPages(page)
    assert await PagePipeline(pages, hydrator).run(1, SKELETON) is page
    assert len(pages.absent) == 1
    assert not sources.calls


async def test_gaps_are_filled_and_the_page_is_read_again(hydrator: Hydrator, sources: InMemorySources) -> None:
    sources.publish(1 << 40, 3)
    complete = StoredPage("more", [ROW])
    pages = ScriptedPages(StoredPage("more", [], Gaps(posts=[1 << 40], viewer_states=[7], authors=[3])), complete)
    assert await PagePipeline(pages, hydrator).run(1, SKELETON) is complete
    assert sources.calls == {"posts": 1, "viewer_states": 1, "accounts": 1}


async def test_posts_that_do_not_exist_are_left_out_of_the_second_read(
    hydrator: Hydrator, sources: InMemorySources
) -> None:
    pages = ScriptedPages(StoredPage("more", [], Gaps(posts=[5, 6])), StoredPage("end", []))
    await PagePipeline(pages, hydrator).run(1, ChosenPosts([5, 6]))
    assert pages.absent == [set(), {5, 6}]


async def test_pages_whose_gaps_stay_are_unavailable(hydrator: Hydrator, sources: InMemorySources) -> None:
    """As when Redis evicts what was loaded."""
    pages = ScriptedPages(StoredPage("more", [], Gaps(viewer_states=[5])))
    with pytest.raises(SourceUnavailable):
        await PagePipeline(pages, hydrator).run(1, SKELETON)


async def test_unavailable_source(hydrator: Hydrator, sources: InMemorySources) -> None:
    sources.unavailable = True
    pages = ScriptedPages(StoredPage("more", [], Gaps(posts=[5])))
    with pytest.raises(SourceUnavailable):
        await PagePipeline(pages, hydrator).run(1, SKELETON)
