"""``python -m benchmarks.fanout``: see the package."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from statistics import median

from redis.asyncio import Redis

import photomesh_local as local
from benchmarks.fanout.stage import Crowd, bytes_per_entry, consumers, fill, serve
from benchmarks.report import machine, ms, write
from benchmarks.users import kafka_user
from photomesh_feed.delivery.fanout_planner import TASK_FOLLOWERS
from photomesh_feed.domain.timelines import FEED_POSTS
from photomesh_feed.store import keys
from photomesh_feed.store.connection import open_redis
from photomesh_feed.store.writer import FeedWriter
from photomesh_local.configuration.environment import redis_url
from photomesh_local.configuration.stack import Stack
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import Envelope, PostPublished
from photomesh_shared.ids import IdGenerator
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher

_DATABASE = 15  # of the test stack's Redis, flushed before and after
_FULL = FEED_POSTS
_AIM_RATE, _AIM_SECONDS, _AIM_BYTES = 100_000, 0.150, 25.0


@dataclass(frozen=True)
class Sample:
    """Seconds for all followers, each way."""

    platform: float
    script: float
    naive: float


@dataclass(frozen=True)
class Result:
    followers: int
    length: int
    bytes_per_entry: float
    samples: Sequence[Sample]

    def rate(self, way: str) -> float:
        return self.followers / median(float(getattr(sample, way)) for sample in self.samples)

    def ratio(self, way: str) -> float:
        """To the naive way, round by round: both met the same weather."""
        return median(sample.naive / float(getattr(sample, way)) for sample in self.samples)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.fanout", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of all ways in turn (default: %(default)s)")
    parser.add_argument("--million", type=int, default=1_000_000, help="followers of the third author")
    parser.add_argument("--short", type=int, default=20, help="posts in the feeds of the third author's followers")
    parser.add_argument("--quick", action="store_true", help="2 rounds, 100,000 followers instead of a million")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.million = 2, 100_000
    return arguments


async def _platform(redis: Redis, publisher: KafkaPublisher, crowd: Crowd, post: int) -> float:
    """From the event's write to the last insert."""
    event = PostPublished.example().model_copy(update={"post_id": post, "author_id": crowd.author_id})
    started = time.perf_counter()
    await publisher.publish(Envelope.of(event, entityversion=1))
    waiting = crowd.last_of_tasks
    while waiting:
        async with redis.pipeline(transaction=False) as pipe:
            for follower in waiting[:16]:
                pipe.zscore(keys.feed(follower), str(post))
            found = await pipe.execute()
        waiting = [f for f, score in zip(waiting, found, strict=False) if score is None] + waiting[16:]
        if waiting:
            await asyncio.sleep(0.002 if len(crowd.last_of_tasks) < 100 else 0.02)
    return time.perf_counter() - started


async def _script(redis: Redis, crowd: Crowd, post: int) -> float:
    """The tasks' script alone, one call after another: what Redis itself takes."""
    store = FeedWriter(redis)
    started = time.perf_counter()
    for start in range(0, len(crowd.followers), TASK_FOLLOWERS):
        await store.fan_out(post, crowd.followers[start : start + TASK_FOLLOWERS], older_remain=False)
    return time.perf_counter() - started


async def _naive(redis: Redis, crowd: Crowd, post: int) -> float:
    """Commands in pipelines of 1,000 followers, from one process, without a log: a crash loses the rest."""
    started = time.perf_counter()
    for start in range(0, len(crowd.followers), TASK_FOLLOWERS):
        names = [keys.feed(follower) for follower in crowd.followers[start : start + TASK_FOLLOWERS]]
        async with redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.exists(name)
            known = await pipe.execute()
        async with redis.pipeline(transaction=False) as pipe:
            for name, exists in zip(names, known, strict=True):
                if exists:
                    pipe.zadd(name, {str(post): keys.score(post)})
                    pipe.zremrangebyrank(name, 1 + FEED_POSTS, -1)
            await pipe.execute()
    return time.perf_counter() - started


async def _measure(arguments: argparse.Namespace) -> list[Result]:
    database_url = redis_url(Stack("test"), None, database=_DATABASE)
    new_id = IdGenerator(1, os.getpid() % 1024, SystemClock()).next
    first = new_id()
    crowds = [
        Crowd(first, 1_000, _FULL),
        Crowd(first + (1 << 40), 10_000, _FULL),
        Crowd(first + (1 << 41), arguments.million, arguments.short),
    ]
    results = []
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(database_url))
        await redis.flushdb()
        stack.push_async_callback(redis.flushdb)
        publisher = await stack.enter_async_context(open_publisher(kafka_user("feed-consumer"), "bench"))
        graph_url = await stack.enter_async_context(serve(crowds))
        await stack.enter_async_context(consumers(graph_url, database_url))
        for crowd in crowds:
            print(f"… {len(crowd.followers):,} followers", flush=True)
            await fill(redis, crowd, new_id())
            size = await bytes_per_entry(redis, crowd)
            samples = []
            for number in range(arguments.rounds + 1):
                sample = Sample(
                    await _platform(redis, publisher, crowd, new_id()),
                    await _script(redis, crowd, new_id()),
                    await _naive(redis, crowd, new_id()),
                )
                if number:  # the first round warms up
                    samples.append(sample)
            results.append(Result(len(crowd.followers), crowd.length, size, samples))
            await redis.flushdb()
    return results


def _table(results: Sequence[Result]) -> list[str]:
    lines = [
        "| followers, posts in each feed | event → last insert | followers/s | script alone | naive | "
        "followers/s ÷ naive | script ÷ naive |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for result in results:
        seconds = median(sample.platform for sample in result.samples)
        lines.append(
            f"| {result.followers:,}, {result.length} | {ms(seconds)} | {result.rate('platform'):,.0f} | "
            f"{result.rate('script'):,.0f} | {result.rate('naive'):,.0f} | {result.ratio('platform'):.1f} | "
            f"{result.ratio('script'):.1f} |"
        )
    return lines


def main() -> None:
    arguments = _arguments()
    print("… bringing up the test stack's servers", flush=True)
    local.up("test", only="servers")
    for program in local.services_of("test"):  # those that were up would take a share of the tasks
        local.stop("test", program)
    load_before = os.getloadavg()[0]
    results = asyncio.run(_measure(arguments))
    small, large, full = results[0], results[-1], results[1]
    latency = median(sample.platform for sample in small.samples)
    lines = [
        "# The fan-out of a post",
        "",
        f"`make bench-fanout{' ARGS=--quick' if arguments.quick else ''}` on {machine()}; medians of "
        f"{arguments.rounds} rounds, the ways in turn. One feed-consumer and one feed-fanout; Kafka, Redis and the "
        f"benchmark share the cores. Load average before it began: {load_before:.1f}.",
        "",
        f"Aims: {_AIM_RATE:,} followers a second per consumer; reached with {large.followers:,}: "
        f"**{large.rate('platform'):,.0f}**. 1,000 followers within {ms(_AIM_SECONDS)}: **{ms(latency)}**. "
        f"{_AIM_BYTES:g} bytes of Redis for each entry: **{full.bytes_per_entry:.1f}** in a full feed.",
        "",
        *_table(results),
        "",
        "What bounds it is Redis' one thread: *script alone* is one client that waits for each call, without Kafka, "
        "followers or JSON. Most of it is ZADD, which walks the listpack of a full feed to see that the post is not "
        "there yet; skiplists would not walk, and take six times the memory. Naive: the same commands in pipelines of "
        "1,000 followers, from one process, without a log of what is left to do.",
    ]
    summary = {"load_before": load_before, "results": [asdict(result) for result in results]}
    print(write("fanout", lines, summary))


if __name__ == "__main__":
    main()
