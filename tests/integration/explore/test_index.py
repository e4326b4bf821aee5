"""What explore keeps in Redis: in any order, bounded, and scored. With the rights of the consumer."""

from __future__ import annotations

import random
from typing import Any

import pytest
from redis.asyncio import Redis

from photomesh_explore.store.reader import CandidateReader
from photomesh_shared.events import Envelope, FollowDeleted, PostEdited
from tests.integration.explore.people import COMO, People


@pytest.fixture(autouse=True)
async def empty(administrator: Redis) -> None:
    await administrator.flushdb()
    await administrator.set("ex:ready", 1)


async def state(redis: Any) -> dict[str, Any]:
    """All that is kept, but for what is still to be scored."""
    found: dict[str, Any] = {}
    for key in sorted([one async for one in redis.scan_iter("ex:*")]):
        kind = (await redis.type(key)).decode()
        name = key.decode()
        if kind == "hash":
            found[name] = await redis.hgetall(key)
        elif kind == "zset":
            members = await redis.zrange(key, 0, -1, withscores=True)
            found[name] = {member: round(score, 6) for member, score in members}
        else:
            found[name] = await redis.get(key)
    found.pop("ex:due", None)
    return found


async def shown(redis: Redis) -> set[int]:
    return set(await CandidateReader(redis).newest())


def history(people: People) -> list[Envelope[Any]]:
    """Posts that are edited, deleted and hidden; people who like, change their minds, and follow."""
    author, private, left = (people.old_account() for _ in range(3))
    likers = [people.old_account() for _ in range(8)]
    edited, deleted, hidden, other = (
        people.published(author, "sunset", place=COMO),
        people.published(author, "sunset"),
        people.published(private, "sunset"),
        people.published(left, "lake"),
    )
    texts = PostEdited.example().model_copy(
        update={
            "post_id": edited.data.post_id,
            "author_id": author,
            "hashtags": ("como",),
            "place": None,
            "published_at": edited.data.published_at,
        }
    )
    events = [people.account(one) for one in (author, private, left)]
    events += [edited, deleted, hidden, other]
    events += [people.followed(author, one) for one in likers]
    events += [people.liked(one, post) for one in likers for post in (edited, other, deleted)]
    events += [people.unliked(one, other) for one in likers[:2]]
    events += [people.liked(likers[0], other, saved=True), people.envelope(texts), people.deleted(deleted)]
    events += [people.account(private, private=True), people.account(left, private=True), people.account(left)]
    return events


@pytest.mark.parametrize("seed", range(4))
async def test_events_may_come_in_any_order_and_twice(people: People, administrator: Redis, seed: int) -> None:
    events = history(people)
    await people.apply(*events)
    expected = await state(administrator)
    assert any(key.startswith("ex:n:") for key in expected), "posts have neighbours"
    assert expected["ex:top"]
    await administrator.flushdb()
    await administrator.set("ex:ready", 1)
    shuffled = events + random.Random(seed).sample(events, len(events) // 2)
    random.Random(seed).shuffle(shuffled)
    await people.apply(*shuffled)
    await people.apply(*events)
    assert await state(administrator) == expected


async def test_what_is_private_hidden_or_deleted_leaves_at_once(people: People, administrator: Redis) -> None:
    likers = await people.known_people(6)
    post = await people.public_post("sunset", place=COMO)
    await people.apply(*(people.liked(one, post) for one in likers))
    author, post_id = post.data.author_id, post.data.post_id
    reader = CandidateReader(administrator)
    assert await shown(administrator) == {post_id}
    assert await reader.trending() == [post_id]
    for change in ({"private": True}, {"status": "deactivated"}):
        await people.handlers.account_changed(people.account(author, **change))
        assert await shown(administrator) == set()
        assert await reader.trending() == []
        assert (await reader.posts_tagged(["sunset"]))["sunset"] == []
        await people.apply(people.account(author))
        assert await shown(administrator) == {post_id}
        assert await reader.trending() == [post_id], "it trends again"
    await people.handlers.post_deleted(people.deleted(post))
    assert await shown(administrator) == set()
    await people.apply(post)
    assert await shown(administrator) == set(), "an earlier event brings nothing back"


async def test_an_unlike_takes_itself_out(people: People, administrator: Redis) -> None:
    likers = await people.known_people(4)
    post = await people.public_post()
    await people.apply(*(people.liked(one, post) for one in likers))
    reader = CandidateReader(administrator)
    assert await reader.trending() == [post.data.post_id]
    await people.apply(*(people.unliked(one, post) for one in likers[:3]))
    assert await reader.trending() == []


async def test_a_click_farm_of_a_hundred_moves_nothing(people: People, administrator: Redis) -> None:
    likers = await people.known_people(8)
    honest, pushed = await people.public_post("sunset"), await people.public_post("casino")
    await people.apply(*(people.liked(one, honest) for one in likers))
    reader = CandidateReader(administrator)
    before = await state(administrator)
    farm = [people.new_id() for _ in range(100)]
    bought = [people.published(one, "casino") for one in farm]
    await people.apply(
        *(people.account(one) for one in farm),
        *bought,
        *(people.liked(one, pushed) for one in farm),
        *(people.liked(one, honest) for one in farm),
    )
    assert await reader.trending() == [honest.data.post_id]
    after = await state(administrator)
    key = str(honest.data.post_id).encode()
    assert after["ex:top"][key] - before["ex:top"][key] < 0.25, "an eighth of a like at most"
    assert not any(name.startswith("ex:n:") and pushed.data.post_id in value for name, value in after.items())
    assert await reader.tag_trends() == {}


async def test_trends_are_of_accounts_that_are_known(people: People, administrator: Redis) -> None:
    authors = await people.known_people(5)
    reader = CandidateReader(administrator)
    posts = [await people.public_post("sunset", place=COMO, author=one) for one in authors]
    assert {tag: trend.accounts for tag, trend in (await reader.tag_trends()).items()} == {"sunset": 5}
    assert [(trend.name, trend.accounts) for trend in (await reader.cell_trends()).values()] == [("Lake Como", 5)]
    await people.apply(*(people.deleted(post) for post in posts[:4]))
    assert await reader.tag_trends() == {}


async def test_what_is_kept_has_bounds(people: People, administrator: Redis) -> None:
    post = await people.public_post()
    for _ in range(700):
        await people.handlers.post_engaged(people.liked(people.new_id(), post))
    assert await administrator.hlen(f"ex:l:{post.data.post_id}") <= 625
    viewer = people.old_account()
    for _ in range(150):
        await people.handlers.post_engaged(people.liked(viewer, people.published(people.old_account())))
    assert await administrator.hlen(f"ex:e:{viewer}") <= 125
    for _ in range(120):
        await people.handlers.post_changed(people.published(post.data.author_id))
    assert await administrator.zcard(f"ex:w:{post.data.author_id}") == 100
    assert await administrator.zcard("ex:all") == 100
    await people.score()


async def test_an_erased_account_leaves_nothing_but_its_mark(people: People, administrator: Redis) -> None:
    post = await people.public_post("sunset")
    other = await people.public_post()
    erased, viewer = post.data.author_id, people.old_account()
    await people.apply(people.liked(erased, other), people.followed(erased, other.data.author_id))
    await people.index.mark_erased(erased)
    assert await people.index.forget(erased) == 1
    await people.score()
    left = {key: value for key, value in (await state(administrator)).items() if str(erased) in f"{key}{value}"}
    assert list(left) == [f"ex:a:{str(erased)[-4:]}"]
    assert await shown(administrator) == {other.data.post_id}
    follow, like = people.followed(erased, people.new_id()), people.liked(erased, other)
    unfollow = FollowDeleted.example().model_copy(update={"follower_id": viewer, "followee_id": erased})
    late = [follow, like, people.unliked(erased, other), people.published(erased), people.envelope(unfollow)]
    await people.apply(*late, people.followed(viewer, erased))
    left = {key: value for key, value in (await state(administrator)).items() if str(erased) in f"{key}{value}"}
    assert list(left) == [f"ex:a:{str(erased)[-4:]}"]
