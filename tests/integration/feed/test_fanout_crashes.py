"""The fan-out of a post to 30,000 followers, whose processes are killed between any two steps: afterwards everybody who
reads their feed has the post, once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
from redis.asyncio import Redis

from photomesh_feed.store import keys
from photomesh_feed.store.connection import open_redis
from photomesh_shared import ids
from photomesh_shared.events import Envelope, Event, encode
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from tests.integration.feed.writing import Lists, Neighbours, deleted, follow, published
from tests.support.groups import forget_members
from tests.support.kafka import Topics
from tests.support.services import Process, process
from tests.support.tokens import free_port
from tests.support.waiting import eventually

Environment = Mapping[str, str]
CONSUMER, FANOUT = "photomesh_feed.consumer", "photomesh_feed.fanout"
GROUPS = {CONSUMER: "feed", FANOUT: "feed-fanout"}
FOLLOWERS, ACTIVE = 30_000, 20_000


class World:
    """An author with 30,000 followers, of whom two thirds read their feeds."""

    def __init__(
        self, environment: Environment, redis: Redis, publisher: KafkaPublisher, topics: Topics, near: Neighbours
    ) -> None:
        self.environment = environment
        self.lists = Lists(redis)
        self.publisher = publisher
        self.topics = topics
        self.neighbours = near

    @asynccontextmanager
    async def running(self, module: str, failpoints: str = "") -> AsyncIterator[Process]:
        """One with a failpoint need not become ready: an event that was there before may take it there."""
        async with process(
            module, self.environment, port=free_port(), failpoints=failpoints, ready=not failpoints
        ) as running:
            if failpoints:
                with suppress(RuntimeError):
                    await running.ready(60)
            yield running

    async def says(self, *envelopes: Envelope[Event]) -> None:
        await self.publisher.send([encode(envelope) for envelope in envelopes])


@pytest.fixture
async def world(service_environment: Callable[[str], Environment], topics: Topics) -> AsyncIterator[World]:
    environment = dict(service_environment("feed-consumer"))
    redis_url = environment["PHOTOMESH_FEED_REDIS_URL"].rsplit("/", 1)[0] + "/8"
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(redis_url))
        await redis.flushdb()
        near = await stack.enter_async_context(Neighbours().serving())
        publisher = await stack.enter_async_context(open_publisher(topics.bootstrap, "test"))
        environment |= {
            "PHOTOMESH_FEED_REDIS_URL": redis_url,
            "PHOTOMESH_SOCIAL_GRAPH_URL": near.url,
            "PHOTOMESH_POST_URL": near.url,
            "PHOTOMESH_CELEBRITY_FOLLOWERS": "1000000",
        }
        yield World(environment, redis, publisher, topics, near)
        await redis.flushdb()


@pytest.fixture
def some(new_id: Callable[[], int]) -> list[int]:
    first = new_id()
    return [first + (number << 22) for number in range(100)]


def _followers(new_id: int) -> list[int]:
    return [new_id + 1000 + number for number in range(FOLLOWERS)]


async def _everybody_has(world: World, post: int, followers: list[int]) -> None:
    # One of each task, as a task is one call; then all of them.
    some = followers[:ACTIVE:500]
    await eventually(lambda: world.lists.having(post, some), until=lambda n: n == len(some), every=0.2, within=60)
    assert await world.lists.having(post, followers) == ACTIVE  # and nobody else has a feed
    assert await world.lists.feed(followers[0]) == [post]
    assert await world.lists.feed(followers[ACTIVE - 1]) == [post]
    assert await world.lists.timeline(_author(followers)) == [post]


def _author(followers: list[int]) -> int:
    return followers[0] - 1000


@pytest.mark.parametrize(
    ("victim", "failpoint"),
    [
        (CONSUMER, "feed.consumer.after_snapshot=kill"),
        (CONSUMER, "feed.consumer.after_timeline=kill"),
        (CONSUMER, "feed.tasks.after_page=kill"),
        (CONSUMER, "feed.tasks.after_page=kill@4"),
        (CONSUMER, "feed.consumer.after_tasks=kill"),
        (FANOUT, "feed.fanout.before_insert=kill@12"),
        (FANOUT, "feed.fanout.after_insert=kill"),
        (FANOUT, "feed.fanout.after_insert=kill@15"),
        (FANOUT, "runner.after_handle=kill@20"),
        (FANOUT, "runner.before_commit=kill"),
    ],
)
async def test_killed_during_a_fan_out(world: World, some: list[int], victim: str, failpoint: str) -> None:
    followers, post = _followers(some[0]), some[1]
    world.neighbours.followers[_author(followers)] = followers
    await world.lists.open_lists(followers[:ACTIVE])
    other = FANOUT if victim == CONSUMER else CONSUMER
    async with world.running(other), world.running(victim, failpoint) as doomed:
        await world.says(published(post, _author(followers)))
        assert await doomed.ended(60) == -9
        await forget_members(world.topics.bootstrap, GROUPS[victim])
        async with world.running(victim):
            await _everybody_has(world, post, followers)
            await world.topics.caught_up(GROUPS[FANOUT])
            await _everybody_has(world, post, followers)


@pytest.mark.parametrize("failpoint", ["feed.consumer.after_follow=kill", "feed.consumer.after_count=kill"])
async def test_killed_while_a_follow_is_taken_in(world: World, some: list[int], failpoint: str) -> None:
    author, reader, posts = some[0], some[1], some[10:20]
    world.neighbours.posts[author] = sorted(posts, reverse=True)
    await world.lists.open([reader])
    async with world.running(CONSUMER, failpoint) as doomed:
        await world.says(follow(reader, author))
        assert await doomed.ended(60) == -9
    await forget_members(world.topics.bootstrap, GROUPS[CONSUMER])
    async with world.running(CONSUMER):
        await eventually(lambda: world.lists.feed(reader), until=lambda feed: feed == sorted(posts, reverse=True))
        assert await world.lists.redis.sismember(keys.following(reader), str(author))


@pytest.mark.parametrize("failpoint", ["feed.popularity.after_judgement=kill", "feed.popularity.after_refill=kill"])
async def test_killed_while_an_author_is_pushed_again(world: World, some: list[int], failpoint: str) -> None:
    author, reader, posts = some[0], some[1], some[10:20]
    world.neighbours.posts[author] = sorted(posts, reverse=True)
    world.neighbours.followers[author] = [reader]
    await world.lists.open([reader], following=[author])
    await world.lists.redis.zadd(keys.PULLED, {str(author): "+inf"})
    async with world.running(CONSUMER, failpoint) as doomed, world.running(FANOUT):
        await world.says(follow(some[2], author, followers=1))
        assert await doomed.ended(60) == -9
        await forget_members(world.topics.bootstrap, GROUPS[CONSUMER])
        async with world.running(CONSUMER):
            await eventually(lambda: world.lists.feed(reader), until=lambda feed: feed == sorted(posts, reverse=True))
            await eventually(lambda: world.lists.redis.scard(keys.REFILLING), until=lambda left: left == 0)


async def test_a_deletion_overtakes_the_tasks(world: World, some: list[int]) -> None:
    followers, post = _followers(some[0])[:2500], some[1]
    world.neighbours.followers[_author(followers)] = followers
    await world.lists.open(followers)
    async with world.running(CONSUMER):
        await world.says(published(post, _author(followers)))
        await world.topics.wait_for("feed_tasks", f"{ids.encode('o', post)}.3")
        await world.says(deleted(post, _author(followers)))
        await eventually(lambda: world.lists.redis.hget(keys.post(post), "x"))
    async with world.running(FANOUT):
        await world.topics.caught_up(GROUPS[FANOUT])
    assert await world.lists.having(post, followers) == 0


async def test_nothing_is_lost_while_social_graph_is_away(world: World, some: list[int]) -> None:
    followers, post = _followers(some[0])[:1500], some[1]
    await world.lists.open(followers)
    url = world.environment["PHOTOMESH_SOCIAL_GRAPH_URL"]
    world.environment = {**world.environment, "PHOTOMESH_SOCIAL_GRAPH_URL": f"http://127.0.0.1:{free_port()}"}
    async with world.running(CONSUMER), world.running(FANOUT):
        await world.says(published(post, _author(followers)))
        await eventually(lambda: world.lists.timeline(_author(followers)), until=lambda found: found == [post])
    world.environment = {**world.environment, "PHOTOMESH_SOCIAL_GRAPH_URL": url}
    world.neighbours.followers[_author(followers)] = followers
    async with world.running(CONSUMER), world.running(FANOUT):
        await eventually(lambda: world.lists.having(post, followers), until=lambda count: count == len(followers))
