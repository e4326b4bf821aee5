"""The ranked feed: three posts of an author a page, an order that holds, and the chronological feed behind it."""

from __future__ import annotations

import itertools
from collections import Counter

from photomesh_feed.store import keys
from photomesh_shared.ids import decode, encode
from tests.integration.feed.http.test_contract import validator
from tests.integration.feed.read_side import ReadSide


async def warm_feed(read_side: ReadSide, posts_each: int, authors: int = 6) -> tuple[int, list[int]]:
    reader = read_side.new_account()
    followed = [read_side.new_account() for _ in range(authors)]
    read_side.sources.follow(reader, followed)
    for number, author in enumerate(followed):
        read_side.publish(author, range(number, number + posts_each * authors, authors))
    await read_side.page(reader)
    await read_side.list_filled(reader)
    return reader, followed


async def test_pages_neither_repeat_nor_skip_and_continue_chronologically(read_side: ReadSide) -> None:
    reader, followed = await warm_feed(read_side, 50)  # 300 posts: 200 are ranked
    read: list[int] = []
    cursor = None
    for number in itertools.count():
        page, cursor = await read_side.page(reader, mode="ranked", limit=20, **({"cursor": cursor} if cursor else {}))
        if number < 5:
            assert max(Counter(read_side.sources.published[post].author_id for post in page).values()) <= 3
        if number == 0:  # posts come and posts are liked meanwhile
            await read_side.push(read_side.sources.publish(read_side.post_id(1_000), followed[0]), reader)
            await read_side.redis.hset(keys.post(page[-1]), "lc", "9999")
        read += page
        if cursor is None:
            break
    assert len(read) == len(set(read)) == 300
    assert set(read) == set(read_side.sources.published) - {read_side.post_id(1_000)}
    assert (await read_side.all_pages(reader, mode="ranked", limit=50)).count(read_side.post_id(1_000)) == 1


async def test_order_is_reused_until_a_post_is_new(read_side: ReadSide) -> None:
    reader, followed = await warm_feed(read_side, 5)
    first, _ = await read_side.page(reader, mode="ranked", limit=10)
    await read_side.redis.hset(keys.post(first[-1]), "lc", "9999")
    assert (await read_side.page(reader, mode="ranked", limit=10))[0] == first
    await read_side.push(read_side.sources.publish(read_side.post_id(1_000), followed[0]), reader)
    again, _ = await read_side.page(reader, mode="ranked", limit=10)
    assert again[0] == first[-1]


async def test_hidden_posts_disappear_from_an_order(read_side: ReadSide) -> None:
    reader, followed = await warm_feed(read_side, 20, authors=2)
    first, cursor = await read_side.page(reader, mode="ranked", limit=5)
    await read_side.redis.srem(keys.following(reader), str(followed[0]))
    rest: list[int] = []
    while cursor:
        page, cursor = await read_side.page(reader, mode="ranked", limit=5, cursor=cursor)
        rest += page
    assert set(first) | set(rest) >= set(read_side.sources.by_author[followed[1]])
    assert not set(rest) & set(read_side.sources.by_author[followed[0]])


async def test_suggested_posts_are_labelled_and_leave_with_explore(read_side: ReadSide) -> None:
    reader, _ = await warm_feed(read_side, 5)
    strangers = [read_side.new_account() for _ in range(3)]
    offered = [read_side.publish(one, range(500 + number, 501 + number))[0] for number, one in enumerate(strangers)]
    read_side.suggestions.offered = offered
    answer = await read_side.get(reader, mode="ranked", limit=20)
    validator("FeedPostPage").validate(answer.json())
    items = answer.json()["items"]
    assert [number for number, item in enumerate(items) if item["suggestion"]] == [9, 19]
    assert [decode("o", items[place]["id"]) for place in (9, 19)] == offered[:2]
    assert items[9]["author"]["id"] == encode("u", strangers[0])
    reason = {"kind": "hashtag_you_like", "because": "You like it.", "hashtag": "sea"}
    assert items[9]["suggestion"] == reason
    read_side.suggestions.hidden = {offered[0]}
    again = (await read_side.get(reader, mode="ranked", limit=20)).json()["items"]
    assert again == items[:9] + items[10:]
    read_side.suggestions.unavailable = True
    again = (await read_side.get(reader, mode="ranked", limit=20)).json()["items"]
    assert again == items[:9] + items[10:19]


async def test_affinity_ranks_first(read_side: ReadSide) -> None:
    reader, followed = await warm_feed(read_side, 10)
    friend = followed[3]
    await read_side.redis.zadd(keys.affinity(reader), {str(friend): 1e9})
    page, _ = await read_side.page(reader, mode="ranked", limit=3)
    assert read_side.sources.published[page[0]].author_id == friend


async def test_expired_order_is_a_problem_of_its_own(read_side: ReadSide) -> None:
    reader, _ = await warm_feed(read_side, 10)
    _, cursor = await read_side.page(reader, mode="ranked", limit=10)
    for key in await read_side.redis.keys(f"rk:{reader}*"):
        await read_side.redis.delete(key)
    answer = await read_side.get(reader, mode="ranked", cursor=cursor)
    assert (answer.status_code, answer.json()["code"]) == (410, "ranking-expired")


async def test_cold_ranked_feed_starts_chronologically(read_side: ReadSide) -> None:
    reader, ada = read_side.new_account(), read_side.new_account()
    expected = read_side.publish(ada, range(30))
    read_side.sources.follow(reader, [ada])
    page, cursor = await read_side.page(reader, mode="ranked", limit=10)
    assert page == expected[:10]
    assert cursor
    rest, _ = await read_side.page(reader, mode="ranked", limit=20, cursor=cursor)
    assert rest == expected[10:]
