from __future__ import annotations

from photomesh_feed.domain.pages import AfterPost, Mode
from tests.support.feed.in_memory_feed import InMemoryFeed, post_ids

READER, ADA = 1, 2


async def test_ranked_feed_goes_on_chronologically_from_a_post(feed: InMemoryFeed) -> None:
    posts = feed.publish(ADA, range(10))
    await feed.warm(READER, [ADA])
    modes: list[Mode] = ["ranked", "chronological"]
    for mode in modes:
        assert post_ids(await feed.page(READER, mode, AfterPost(posts[4]), 3)) == posts[5:8]


async def test_first_page_depends_on_the_mode(feed: InMemoryFeed) -> None:
    posts = feed.publish(ADA, range(10))
    await feed.warm(READER, [ADA])
    assert post_ids(await feed.page(READER, "chronological", None, 5)) == posts[:5]
    assert len(post_ids(await feed.page(READER, "ranked", None, 5))) == 3  # of one author
