"""The fan-out of a post to 30,000 followers, whose processes are killed between any two steps: afterwards every feed
has the post, once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
from redis.asyncio import Redis

from photomesh_feed.delivery import fanout_planner, fanout_worker, popularity
from photomesh_feed.event_handlers import posts as post_events
from photomesh_feed.event_handlers import relations
from photomesh_feed.store import keys
from photomesh_feed.store.connection import open_redis
from photomesh_shared import ids
from photomesh_shared.events import Envelope, Event, encode
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from tests.support.feed.events import post_deleted, post_published, user_followed
from tests.support.feed.sources import InMemorySources
from tests.support.feed.stand_ins import serve
from tests.support.feed.write_side import FeedLists
from tests.support.groups import forget_members
from tests.support.kafka import Topics, kafka_variables
from tests.support.redis import as_administrator, database_of
from tests.support.services import Process, process
from tests.support.tokens import free_port
from tests.support.waiting import eventually

Environment = Mapping[str, str]
CONSUMER, FANOUT = "photomesh_feed.consumer", "photomesh_feed.fanout"
GROUPS = {CONSUMER: "feed", FANOUT: "feed-fanout"}
USERS = {CONSUMER: "feed-consumer", FANOUT: "feed-fanout"}
FOLLOWERS, ACTIVE = 30_000, 20_000


class Programs:
    """The consumer and the fan-out as processes, on a Redis database and stand-ins of their own."""

    def __init__(
        self,
        environment: Environment,
        redis_urls: Mapping[str, str],
        redis: Redis,
        publisher: KafkaPublisher,
        topics: Topics,
        sources: InMemorySources,
    ) -> None:
        self.environment = environment
        self.redis_urls = redis_urls
        self.lists = FeedLists(redis)
        self.publisher = publisher
        self.topics = topics
        self.sources = sources

    @asynccontextmanager
    async def running(self, module: str, failpoints: str = "") -> AsyncIterator[Process]:
        """A process with a failpoint need not become ready: an earlier event may trigger it."""
        user = USERS[module]
        environment = {
            **self.environment,
            **kafka_variables(user),
            "PHOTOMESH_FEED_REDIS_URL": self.redis_urls[user],
        }
        async with process(
            module, environment, port=free_port(), failpoints=failpoints, ready=not failpoints
        ) as running:
            if failpoints:
                with suppress(RuntimeError):
                    await running.ready(60)
            yield running

    async def publish(self, *envelopes: Envelope[Event]) -> None:
        await self.publisher.send([encode(envelope) for envelope in envelopes])


@pytest.fixture
async def programs(service_environment: Callable[[str], Environment], topics: Topics) -> AsyncIterator[Programs]:
    environment = dict(service_environment("feed-consumer"))
    redis_urls = {
        user: database_of(service_environment(user)["PHOTOMESH_FEED_REDIS_URL"], 8) for user in USERS.values()
    }
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(as_administrator(redis_urls["feed-consumer"])))
        await redis.flushdb()
        sources = InMemorySources()
        url = await stack.enter_async_context(serve(sources))
        publisher = await stack.enter_async_context(open_publisher(topics.kafka, "test"))
        environment |= {
            "PHOTOMESH_SOCIAL_GRAPH_URL": url,
            "PHOTOMESH_POST_URL": url,
            "PHOTOMESH_CELEBRITY_FOLLOWERS": "1000000",
        }
        yield Programs(environment, redis_urls, redis, publisher, topics, sources)
        await redis.flushdb()


@pytest.fixture
def some(new_id: Callable[[], int]) -> list[int]:
    first = new_id()
    return [first + (number << 22) for number in range(100)]


def _followers(new_id: int) -> list[int]:
    return [new_id + 1000 + number for number in range(FOLLOWERS)]


async def _all_have(programs: Programs, post: int, followers: list[int]) -> None:
    # One of each task, as a task is one call; then all of them.
    some = followers[:ACTIVE:500]
    await eventually(
        lambda: programs.lists.count_having(post, some), until=lambda n: n == len(some), every=0.2, within=60
    )
    assert await programs.lists.count_having(post, followers) == ACTIVE  # and nobody else has a feed
    assert await programs.lists.feed(followers[0]) == [post]
    assert await programs.lists.feed(followers[ACTIVE - 1]) == [post]
    assert await programs.lists.timeline(_author(followers)) == [post]


def _author(followers: list[int]) -> int:
    return followers[0] - 1000


@pytest.mark.parametrize(
    ("victim", "failpoint"),
    [
        (CONSUMER, f"{post_events.AFTER_SNAPSHOT}=kill"),
        (CONSUMER, f"{post_events.AFTER_TIMELINE}=kill"),
        (CONSUMER, f"{fanout_planner.AFTER_PAGE}=kill"),
        (CONSUMER, f"{fanout_planner.AFTER_PAGE}=kill@4"),
        (CONSUMER, f"{post_events.AFTER_TASKS}=kill"),
        (FANOUT, f"{fanout_worker.BEFORE_INSERT}=kill@12"),
        (FANOUT, f"{fanout_worker.AFTER_INSERT}=kill"),
        (FANOUT, f"{fanout_worker.AFTER_INSERT}=kill@15"),
        (FANOUT, "runner.after_handle=kill@20"),
        (FANOUT, "runner.before_commit=kill"),
    ],
)
async def test_killed_during_a_fan_out(programs: Programs, some: list[int], victim: str, failpoint: str) -> None:
    followers, post = _followers(some[0]), some[1]
    programs.sources.followers[_author(followers)] = followers
    await programs.lists.open_lists(followers[:ACTIVE])
    other = FANOUT if victim == CONSUMER else CONSUMER
    async with programs.running(other), programs.running(victim, failpoint) as doomed:
        await programs.publish(post_published(post, _author(followers)))
        assert await doomed.ended(60) == -9
        await forget_members(programs.topics.kafka, GROUPS[victim])
        async with programs.running(victim):
            await _all_have(programs, post, followers)
            await programs.topics.caught_up(GROUPS[FANOUT])
            await _all_have(programs, post, followers)


@pytest.mark.parametrize("failpoint", [relations.AFTER_FOLLOW, relations.AFTER_COUNT])
async def test_killed_while_a_follow_is_applied(programs: Programs, some: list[int], failpoint: str) -> None:
    author, reader, posts = some[0], some[1], some[10:20]
    programs.sources.by_author[author] = posts
    await programs.lists.open([reader])
    async with programs.running(CONSUMER, f"{failpoint}=kill") as doomed:
        await programs.publish(user_followed(reader, author))
        assert await doomed.ended(60) == -9
    await forget_members(programs.topics.kafka, GROUPS[CONSUMER])
    async with programs.running(CONSUMER):
        await eventually(lambda: programs.lists.feed(reader), until=lambda feed: feed == sorted(posts, reverse=True))
        assert await programs.lists.redis.sismember(keys.following(reader), str(author))


@pytest.mark.parametrize("failpoint", [popularity.AFTER_DECISION, popularity.AFTER_REFILL])
async def test_killed_while_an_author_is_pushed_again(programs: Programs, some: list[int], failpoint: str) -> None:
    author, reader, posts = some[0], some[1], some[10:20]
    programs.sources.by_author[author] = posts
    programs.sources.followers[author] = [reader]
    await programs.lists.open([reader], following=[author])
    await programs.lists.redis.zadd(keys.PULLED, {str(author): "+inf"})
    async with programs.running(CONSUMER, f"{failpoint}=kill") as doomed, programs.running(FANOUT):
        await programs.publish(user_followed(some[2], author, followers=1))
        assert await doomed.ended(60) == -9
        await forget_members(programs.topics.kafka, GROUPS[CONSUMER])
        async with programs.running(CONSUMER):
            await eventually(
                lambda: programs.lists.feed(reader), until=lambda feed: feed == sorted(posts, reverse=True)
            )
            await eventually(lambda: programs.lists.redis.scard(keys.REFILLING), until=lambda left: left == 0)


async def test_deletion_overtakes_the_tasks(programs: Programs, some: list[int]) -> None:
    followers, post = _followers(some[0])[:2500], some[1]
    programs.sources.followers[_author(followers)] = followers
    await programs.lists.open(followers)
    async with programs.running(CONSUMER):
        await programs.publish(post_published(post, _author(followers)))
        await programs.topics.wait_for("feed_tasks", f"{ids.encode('o', post)}.3")
        await programs.publish(post_deleted(post, _author(followers)))
        await eventually(lambda: programs.lists.redis.hget(keys.post(post), "x"))
    async with programs.running(FANOUT):
        await programs.topics.caught_up(GROUPS[FANOUT])
    assert await programs.lists.count_having(post, followers) == 0


async def test_nothing_is_lost_while_social_graph_is_unavailable(programs: Programs, some: list[int]) -> None:
    followers, post = _followers(some[0])[:1500], some[1]
    await programs.lists.open(followers)
    url = programs.environment["PHOTOMESH_SOCIAL_GRAPH_URL"]
    programs.environment = {**programs.environment, "PHOTOMESH_SOCIAL_GRAPH_URL": f"http://127.0.0.1:{free_port()}"}
    async with programs.running(CONSUMER), programs.running(FANOUT):
        await programs.publish(post_published(post, _author(followers)))
        await eventually(lambda: programs.lists.timeline(_author(followers)), until=[post].__eq__, within=60)
    programs.environment = {**programs.environment, "PHOTOMESH_SOCIAL_GRAPH_URL": url}
    programs.sources.followers[_author(followers)] = followers
    async with programs.running(CONSUMER), programs.running(FANOUT):
        await eventually(lambda: programs.lists.count_having(post, followers), until=len(followers).__eq__, within=60)
