"""Suggested posts in the ranked feed: few, labelled, never instead of a page, and nothing that is hidden meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
from prometheus_client import REGISTRY

from photomesh_feed.domain.pages import AfterRanked, FeedPage
from photomesh_feed.store import keys
from photomesh_feed.store.exports import RankingRecords
from tests.support.feed.events import account_changed, post_deleted, user_followed, user_muted, user_unfollowed
from tests.support.feed.in_memory_feed import InMemoryFeed, open_in_memory_feed, post_ids

READER, STRANGER = 1, 90
FOLLOWED = range(10, 40)


async def warm(feed: InMemoryFeed, posts_each: int = 2, *, strangers: int = 20) -> list[int]:
    """A feed of 30 authors, and what explore offers, each of an author of its own. Returns the posts of the feed."""
    home = [post for author in FOLLOWED for post in feed.publish(author, range(author, author + 30 * posts_each, 30))]
    await feed.warm(READER, FOLLOWED)
    offered = [feed.publish(STRANGER + number, [5 + number])[0] for number in range(strangers)]
    feed.suggestions.offered = offered
    return home


async def pages(feed: InMemoryFeed, limit: int) -> list[FeedPage]:
    page = await feed.page(READER, "ranked", limit=limit)
    found = [page]
    while page.next is not None:
        page = await feed.page(READER, "ranked", page.next, limit=limit)
        found.append(page)
    return found


def missed(step: str) -> float:
    return REGISTRY.get_sample_value("photomesh_feed_suggestions_missed_total", {"step": step}) or 0.0


@pytest.mark.parametrize("limit", [1, 9, 10, 20])
async def test_the_tenth_post_is_suggested_and_nothing_comes_twice(feed: InMemoryFeed, limit: int) -> None:
    home = await warm(feed)
    found = await pages(feed, limit)
    assert all(len(page.rows) <= limit for page in found)
    read = [post for page in found for post in post_ids(page)]
    assert len(read) == len(set(read))
    assert sorted(set(read) - set(feed.suggestions.offered)) == sorted(home)
    places = [place for place, post in enumerate(read) if post in feed.suggestions.offered]
    assert places == [9, 19, 29, 39, 49, 59]
    assert [read[place] for place in places] == feed.suggestions.offered[:6] == feed.suggestions.shown
    labelled = {int(post): reason for page in found for post, reason in page.suggestions.items()}
    assert set(labelled) == set(feed.suggestions.offered[:6])
    assert {reason.kind for reason in labelled.values()} == {"hashtag_you_like"}


async def test_a_page_that_is_read_again_is_the_same(feed: InMemoryFeed) -> None:
    await warm(feed)
    first = await feed.page(READER, "ranked")
    second = await feed.page(READER, "ranked", first.next)
    feed.suggestions.offered.reverse()
    assert post_ids(await feed.page(READER, "ranked")) == post_ids(first)
    assert post_ids(await feed.page(READER, "ranked", first.next)) == post_ids(second)


async def test_a_feed_of_few_posts_and_a_chronological_one_have_none(feed: InMemoryFeed) -> None:
    feed.publish(2, range(4))
    feed.publish(3, range(4, 8))
    await feed.warm(READER, [2, 3])
    feed.suggestions.offered = feed.publish(STRANGER, range(10))
    read = await feed.all_pages(READER, "ranked", limit=5)
    assert not set(read) & set(feed.suggestions.offered)
    await warm(feed)
    read = await feed.all_pages(READER)
    assert not set(read) & set(feed.suggestions.offered)
    assert feed.suggestions.shown == []


async def test_what_the_feed_has_anyway_is_not_suggested(feed: InMemoryFeed) -> None:
    home = await warm(feed)
    feed.suggestions.offered = [*home[:5], *feed.suggestions.offered]
    read = await feed.all_pages(READER, "ranked")
    assert len(read) == len(set(read)) == 66


async def test_without_explore_pages_are_as_if_it_had_nothing(feed: InMemoryFeed) -> None:
    home = await warm(feed)
    before = missed("order")
    feed.suggestions.unavailable = True
    assert sorted(await feed.all_pages(READER, "ranked")) == sorted(home)
    assert missed("order") - before == 1


async def test_an_order_is_read_without_explore(feed: InMemoryFeed) -> None:
    await warm(feed)
    first = await feed.page(READER, "ranked")
    assert len(first.suggestions) == 2
    before = missed("page")
    feed.suggestions.unavailable = True
    again = await feed.page(READER, "ranked")
    assert [post for post in post_ids(first) if post not in feed.suggestions.offered] == post_ids(again)
    assert (again.next, again.suggestions, again.request_id) == (first.next, {}, first.request_id)
    assert missed("page") - before == 1


async def test_nobody_waits_for_explore() -> None:
    async with open_in_memory_feed(suggestion_seconds=0.01) as feed:
        home = await warm(feed)
        feed.suggestions.gate.clear()
        assert sorted(await feed.all_pages(READER, "ranked")) == sorted(home)


async def test_suggested_posts_that_only_post_has_are_no_error_while_it_does_not_respond(feed: InMemoryFeed) -> None:
    home = await warm(feed)
    await feed.all_pages(READER, "ranked", limit=50)
    await feed.redis.delete(*map(keys.post, feed.suggestions.offered))
    feed.sources.unavailable = True
    assert sorted(await feed.all_pages(READER, "ranked")) == sorted(home)


async def unfollowed(feed: InMemoryFeed, author: int, post: int) -> None:
    feed.suggestions.hidden.add(post)


async def followed(feed: InMemoryFeed, author: int, post: int) -> None:
    await feed.write.handle(user_followed(READER, author))


async def muted(feed: InMemoryFeed, author: int, post: int) -> None:
    await feed.write.handle(user_muted(READER, author, 2))


async def went_private(feed: InMemoryFeed, author: int, post: int) -> None:
    await feed.write.handle(account_changed(author, version=9, private=True))


async def deactivated(feed: InMemoryFeed, author: int, post: int) -> None:
    await feed.write.handle(account_changed(author, version=9, status="deactivated", private=False))


async def deleted(feed: InMemoryFeed, author: int, post: int) -> None:
    await feed.write.handle(post_deleted(post, author))


@pytest.mark.parametrize("happens", [unfollowed, followed, muted, went_private, deactivated, deleted])
async def test_what_happens_between_order_and_page_counts(
    feed: InMemoryFeed, happens: Callable[[InMemoryFeed, int, int], Awaitable[None]]
) -> None:
    await warm(feed)
    first = await feed.page(READER, "ranked", limit=10)
    assert int(next(iter(first.suggestions))) == feed.suggestions.offered[0]
    await happens(feed, STRANGER, feed.suggestions.offered[0])
    await happens(feed, STRANGER + 1, feed.suggestions.offered[1])
    assert first.request_id
    again = await feed.page(READER, "ranked", AfterRanked(first.request_id, 1, 0), limit=10)
    assert post_ids(again) == post_ids(first)[:9]
    second = await feed.page(READER, "ranked", first.next, limit=10)
    assert len(second.rows) == 9
    assert not second.suggestions
    third = await feed.page(READER, "ranked", second.next, limit=10)
    assert int(next(iter(third.suggestions))) == feed.suggestions.offered[2]


@pytest.mark.parametrize("limit", [4, 10, 50])
async def test_hidden_posts_of_the_feed_never_make_it_more_than_one_in_ten(feed: InMemoryFeed, limit: int) -> None:
    await warm(feed, 5)
    first = await feed.page(READER, "ranked", limit=limit)
    read = post_ids(first)
    for author in FOLLOWED[::4]:
        await feed.write.handle(user_unfollowed(READER, author, version=2))
    page = first
    while page.next is not None:
        page = await feed.page(READER, "ranked", page.next, limit=limit)
        read += post_ids(page)
    suggested = [place for place, post in enumerate(read) if post in feed.suggestions.offered]
    assert suggested or limit < 50
    assert not suggested or suggested[0] >= 9
    assert all(later - earlier >= 10 for earlier, later in pairwise(suggested))


async def test_the_record_has_suggested_posts_apart(feed: InMemoryFeed) -> None:
    home = await warm(feed)
    first = await feed.page(READER, "ranked")
    (record,) = feed.served
    assert list(record.order[:20]) == post_ids(first)
    assert sorted(record.made) == sorted(home)
    assert len(record.order) == 66


async def test_an_export_has_suggested_posts_of_the_order(feed: InMemoryFeed) -> None:
    await warm(feed)
    await feed.page(READER, "ranked")
    order = await RankingRecords(feed.redis).latest_order(READER)
    assert set(feed.suggestions.offered[:6]) < set(order)


async def test_suggestions_of_an_order_end_with_it(feed: InMemoryFeed) -> None:
    await warm(feed)
    page = await feed.page(READER, "ranked")
    assert page.request_id
    assert 0 < await feed.redis.ttl(keys.suggested(READER, page.request_id)) <= 600
