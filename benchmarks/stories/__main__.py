"""``python -m benchmarks.stories``: see the package."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from benchmarks.report import machine, ms, quantile, write
from photomesh_local.servers.base import find
from photomesh_shared.events import StoryPublished, StoryViewed
from photomesh_story.store import keys
from photomesh_story.store.connection import open_redis
from photomesh_story.store.index import StoryIndex
from photomesh_story.stories.domain import ms_of

_PORT = 18_998
_FOLLOWING = 10, 1_000, 9_000
_SHARE = 10  # one in so many has stories
_STORIES = 3
_SHOWN = 50
_AT_ONCE = 64
_AIM_P50, _AIM_P99, _AIM_VIEWS = 0.020, 0.050, 1_000


class Tray(NamedTuple):
    """Seconds of the two designs, by read."""

    following: int
    pulled: Sequence[float]
    loop: Sequence[float]


@asynccontextmanager
async def _redis() -> AsyncIterator[Redis]:
    with tempfile.TemporaryDirectory() as folder:
        command = [find("redis-server", "redis-server"), "--port", str(_PORT), "--save", "", "--dir", folder]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: ASYNC220
        try:
            async with open_redis(f"redis://127.0.0.1:{_PORT}/0", connections=_AT_ONCE) as client:
                for _ in range(100):
                    try:
                        await client.ping()
                        break
                    except (OSError, RedisError):
                        await asyncio.sleep(0.1)
                yield client
        finally:
            process.terminate()
            process.wait()


def _story(author_id: int, number: int) -> StoryPublished:
    published = datetime.now(UTC) - timedelta(minutes=number)
    changes = {
        "story_id": (author_id << 22) + number,
        "author_id": author_id,
        "published_at": published,
        "expires_at": published + timedelta(hours=24),
    }
    return StoryPublished.example().model_copy(update=changes)


async def _fill(redis: Redis, viewer_id: int, following: int) -> list[int]:
    """Make somebody follow so many accounts, a tenth of whom have stories, half of which were seen."""
    authors = [viewer_id + number for number in range(1, following + 1)]
    async with redis.pipeline(transaction=False) as pipe:
        pipe.sadd(f"{keys.PREFIXES['follows'][0]}{viewer_id}", *authors)
        for author_id in authors[::_SHARE]:
            stories = [_story(author_id, number) for number in range(_STORIES)]
            ends = {str(story.story_id): ms_of(story.expires_at) for story in stories}
            pipe.zadd(f"{keys.AUTHOR}{author_id}", ends)
            pipe.zadd(keys.ON, {str(author_id): max(ends.values())})
            if author_id // _SHARE % 2:
                pipe.hset(f"{keys.SEEN}{viewer_id}", str(author_id), str(max(ends.values())))
        await pipe.execute()
    return authors


def _view(story: StoryPublished, viewer_id: int) -> StoryViewed:
    return StoryViewed(
        story_id=story.story_id,
        author_id=story.author_id,
        viewer_id=viewer_id,
        expires_at=story.expires_at,
        viewed_at=datetime.now(UTC),
    )


async def _loop(redis: Redis, viewer_id: int, authors: Sequence[int]) -> None:
    """The tray as a loop: the stories of each followed account, in one pipeline, and what was seen."""
    now = int(time.time() * 1000)
    async with redis.pipeline(transaction=False) as pipe:
        for author_id in authors:
            pipe.zrevrangebyscore(f"{keys.AUTHOR}{author_id}", "+inf", f"({now}", withscores=True)
        pipe.hgetall(f"{keys.SEEN}{viewer_id}")
        *stories, seen = await pipe.execute()
    newest = [(found[0][1], author) for author, found in zip(authors, stories, strict=True) if found]
    newest.sort(key=lambda one: (one[0] <= float(seen.get(str(one[1]).encode(), 0)), -one[0]))


async def _timed(call: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await call()
    return time.perf_counter() - began


async def _trays(index: StoryIndex, redis: Redis, reads: int) -> list[Tray]:
    found = []
    for number, following in enumerate(_FOLLOWING):
        viewer_id = (number + 1) * 1_000_000
        authors = await _fill(redis, viewer_id, following)
        by_index, by_loop = [], []
        for _ in range(reads):
            by_index.append(await _timed(partial(index.tray, viewer_id, _SHOWN)))
            by_loop.append(await _timed(partial(_loop, redis, viewer_id, authors)))
        found.append(Tray(following, by_index, by_loop))
    return found


async def _views(index: StoryIndex, viewers: int) -> tuple[float, int]:
    """Views a second, each by somebody else and looked at first; and how many were counted."""
    story = _story(7, 0)
    await index.published(story)
    rest = iter(range(50_000_000, 50_000_000 + viewers))

    async def see() -> None:
        for viewer_id in rest:
            standing = await index.standing(story, viewer_id)
            assert standing.alive
            assert not standing.viewed
            await index.viewed(_view(story, viewer_id))

    seconds = await _timed(lambda: asyncio.gather(*(see() for _ in range(_AT_ONCE))))
    return viewers / seconds, (await index.views([story.story_id]))[story.story_id]


def _report(trays: Sequence[Tray], rate: float, viewers: int, counted: int) -> str:
    lines = [
        "# Stories",
        "",
        f"{machine()}. A tenth of whom somebody follows has {_STORIES} stories each. One Redis and one reader; what"
        " post answers for names comes on top.",
        "",
        "| follows | tray P50 | P99 | loop P50 | P99 | P50, as a share of the loop's |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in trays:
        shown = [ms(quantile(values, share)) for values in (one.pulled, one.loop) for share in (0.5, 0.99)]
        ratio = quantile(one.pulled, 0.5) / quantile(one.loop, 0.5)
        lines.append(f"| {one.following:,} | {' | '.join(shown)} | {ratio:.2f} |")
    most = trays[-1].pulled
    met = quantile(most, 0.5) <= _AIM_P50 and quantile(most, 0.99) <= _AIM_P99
    lines += [
        "",
        f"Aim: P50 {ms(_AIM_P50)} and P99 {ms(_AIM_P99)} at {_FOLLOWING[-1]:,}: {'met' if met else 'missed'}.",
        f"Views of one story by one process: {rate:,.0f} a second (aim {_AIM_VIEWS:,});"
        f" {counted:,} of {viewers:,} counted.",
    ]
    summary = {
        "trays": [
            {
                "follows": one.following,
                "index": {"p50": quantile(one.pulled, 0.5), "p99": quantile(one.pulled, 0.99)},
                "loop": {"p50": quantile(one.loop, 0.5), "p99": quantile(one.loop, 0.99)},
            }
            for one in trays
        ],
        "views_per_second": rate,
        "viewers": viewers,
        "counted": counted,
    }
    return write("stories", lines, summary)


async def _main(reads: int, viewers: int) -> str:
    async with _redis() as redis:
        index = StoryIndex(redis)
        assert await index.begin_building("benchmark")
        assert await index.finish_building("benchmark")
        trays = await _trays(index, redis, reads)
        rate, counted = await _views(index, viewers)
    return _report(trays, rate, viewers, counted)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="benchmarks.stories", description=__doc__)
    parser.add_argument("--reads", type=int, default=300, help="of each tray")
    parser.add_argument("--viewers", type=int, default=10_000, help="beyond 10,000 they are not counted exactly")
    parser.add_argument("--quick", action="store_true", help="to see that it works")
    chosen = parser.parse_args()
    quick = chosen.quick
    print(asyncio.run(_main(20 if quick else chosen.reads, 500 if quick else chosen.viewers)))
