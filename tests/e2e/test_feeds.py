"""A post on its way into home feeds, and feeds on bad days."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from demo.client import Account, Platform
from tests.conftest import Environment
from tests.support import photos
from tests.support.redis import as_administrator
from tests.support.waiting import eventually

Publish = Callable[[Account], Awaitable[str]]


@pytest.fixture
async def feed_redis(service_environment: Environment) -> AsyncIterator[Redis]:
    """The database that holds feeds and nothing else."""
    async with Redis.from_url(as_administrator(service_environment("feed")["PHOTOMESH_FEED_REDIS_URL"])) as redis:
        yield redis


@pytest.fixture
def publish(platform: Platform, tmp_path: Path) -> Publish:
    """Publishes a small photo; gives the post's id."""
    file = tmp_path / "small.jpg"
    file.write_bytes(photos.photo("jpeg", 200, 150))

    async def publish(author: Account) -> str:
        photo_id = await platform.upload(author, file, lambda _: None)
        await platform.wait_until_ready(author, photo_id, within=30)
        post_id: str = (await platform.publish(author, [photo_id], "One of many"))["id"]
        return post_id

    return publish


async def _ids(platform: Platform, reader: Account) -> list[str]:
    return [item["id"] for item in await platform.feed(reader, mode="chronological", limit=50)]


async def _becomes(platform: Platform, reader: Account, posts: list[str]) -> None:
    await eventually(lambda: _ids(platform, reader), until=lambda ids: ids == posts)


async def test_a_post_reaches_a_follower_and_leaves_again(
    platform: Platform, ada: Account, grace: Account, publish: Publish
) -> None:
    earlier = await publish(ada)
    assert await _ids(platform, grace) == []
    await platform.follow(grace, ada)
    await _becomes(platform, grace, [earlier])
    post_id = await publish(ada)
    await _becomes(platform, grace, [post_id, earlier])

    await platform.like(grace, post_id)
    await platform.comment(grace, post_id, "What a light!")
    first_liked = await eventually(
        lambda: platform.feed(grace), until=lambda page: any(item["viewer"]["liked"] for item in page)
    )
    assert [item["like_count"] for item in first_liked if item["id"] == post_id] == [1], "an own like counts at once"
    await eventually(
        lambda: platform.feed(grace),
        until=lambda page: (
            next(
                (item["like_count"], item["comment_count"], item["viewer"]["liked"])
                for item in page
                if item["id"] == post_id
            )
            == (1, 1, True)
        ),
    )

    await platform.call("DELETE", f"/v1/posts/{earlier}", ada)
    await _becomes(platform, grace, [post_id])
    await platform.call("DELETE", f"/v1/users/{ada.id}/follow", grace)
    await _becomes(platform, grace, [])


async def test_feeds_come_back_when_all_of_redis_is_lost(
    platform: Platform, ada: Account, grace: Account, publish: Publish, feed_redis: Redis
) -> None:
    await platform.follow(grace, ada)
    posts = [await publish(ada) for _ in range(3)][::-1]
    await platform.like(grace, posts[1])

    async def seen() -> list[tuple[str, int, bool]]:
        page = await platform.feed(grace, mode="chronological")
        return [(item["id"], item["like_count"], item["viewer"]["liked"]) for item in page]

    expected = [(posts[0], 0, False), (posts[1], 1, True), (posts[2], 0, False)]
    await eventually(seen, until=lambda found: found == expected)
    # The reader's own like shows before it is counted. What post counts is what comes back.
    await eventually(
        lambda: platform.call("GET", f"/v1/posts/{posts[1]}", ada), until=lambda post: post["like_count"] == 1
    )
    await feed_redis.flushdb()
    assert await seen() == expected
    fresh = await publish(ada)
    await _becomes(platform, grace, [fresh, *posts])


@pytest.mark.timeout(600)
async def test_everything_cached_is_flushed_under_peak_reads(
    platform: Platform, ada: Account, publish: Publish, feed_redis: Redis
) -> None:
    """Reads may be refused for a while, never wrong; and they recover by themselves within 30 s."""
    readers = [await platform.register(f"reader{n}_{secrets.token_hex(6)}") for n in range(12)]
    await asyncio.gather(*(platform.follow(reader, ada) for reader in readers))
    posts = [await publish(ada) for _ in range(3)][::-1]
    await asyncio.gather(*(_becomes(platform, reader, posts) for reader in readers))

    over, wrong = asyncio.Event(), list[list[str]]()
    seconds = list[float]()

    async def read(reader: Account) -> None:
        while not over.is_set():
            started = time.monotonic()
            ids = await _ids(platform, reader)  # tries again for as long as it is refused
            seconds.append(time.monotonic() - started)
            if ids != posts:
                wrong.append(ids)

    async def count() -> int:
        return len(seconds)

    reading = [asyncio.create_task(read(reader)) for reader in readers for _ in range(4)]
    await eventually(count, until=lambda reads: reads > 500, within=60)
    await feed_redis.flushdb()
    flushed, before = time.monotonic(), len(seconds)
    await eventually(count, until=lambda reads: reads > before + 1_000, within=60)
    over.set()
    await asyncio.gather(*reading)
    assert not wrong
    assert max(seconds[before:]) < 30
    assert time.monotonic() - flushed < 60
