"""Counts of likes are those of their rows, whichever process is killed and whatever is repeated.

No engagement consumer runs here except those that a test starts.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest

from photomesh_post.counts.publisher import CountPublisher
from photomesh_post.counts.store import CassandraCounts
from photomesh_post.likes.domain import LikeEvent, bucket_of
from photomesh_post.likes.event_handlers import LikeEventHandlers
from photomesh_post.likes.store import CassandraLikes
from photomesh_post.reconcile import reconcile
from photomesh_post.settings import EngagementSettings
from photomesh_shared import failpoints, ids
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import Envelope, PostCounted, PostLiked, PostUnliked
from photomesh_shared.failpoints import FailpointReached
from photomesh_shared.stores.cassandra import CassandraSession
from tests.integration.post.api_user import ApiUser, Platform
from tests.integration.post.conftest import Environment, NewUser
from tests.support.groups import forget_members
from tests.support.kafka import Topics
from tests.support.post.memory_log import MemoryLog
from tests.support.services import Process, process, settings_from
from tests.support.tokens import Issuer, free_port
from tests.support.waiting import eventually

API, ENGAGEMENT = "photomesh_post", "photomesh_post.engagement"
PROGRAMS = {API: "post", ENGAGEMENT: "post-engagement"}
STEPS = [
    "likes.before_bucket",
    "likes.after_bucket",
    "likes.after_buckets",
    "likes.after_counts",
    "counts.after_version",
    "counts.after_produce",
]


@asynccontextmanager
async def _running(environment: Environment, module: str, failpoints: str = "") -> AsyncIterator[Process]:
    async with process(module, environment(PROGRAMS[module]), port=free_port(), failpoints=failpoints) as running:
        yield running


class Counter:
    """What the engagement consumer does with likes, in this process."""

    def __init__(self, database: CassandraSession, log: MemoryLog | None = None) -> None:
        counts, clock = CassandraCounts(database), SystemClock()
        self.publisher = CountPublisher(counts, log or MemoryLog(), clock)
        self._handlers = LikeEventHandlers(CassandraLikes(database), counts, self.publisher, clock)

    async def count(self, events: Sequence[Envelope[LikeEvent]]) -> None:
        await self._handlers.likes_changed(events)


@pytest.fixture
def armed() -> Iterator[Callable[[str], None]]:
    """Arms a failpoint in this process."""
    yield lambda spec: failpoints.configure({"PHOTOMESH_ENV": "test", "PHOTOMESH_FAILPOINTS": spec})
    failpoints.configure({})


def crowd(post_id: int, size: int, new_id: Callable[[], int]) -> tuple[list[Envelope[LikeEvent]], set[int]]:
    """Events of many accounts that like and unlike a post; and which of them like it in the end."""
    rng = random.Random(size)
    accounts = [new_id() for _ in range(size)]
    liked: dict[int, bool] = {}
    events: list[Envelope[LikeEvent]] = []
    for version, account_id in enumerate(accounts + rng.sample(accounts, size // 3), start=1):
        liked[account_id] = not liked.get(account_id, False)
        event = PostLiked.example() if liked[account_id] else PostUnliked.example()
        who = {"post_id": post_id, "account_id": account_id}
        events.append(Envelope.of(event.model_copy(update=who), entityversion=version))
    return events, {account_id for account_id, likes in liked.items() if likes}


async def assert_exact(database: CassandraSession, post_id: int, likers: set[int]) -> None:
    """Rows, the counts of their partitions, and the copied counts agree."""
    [shown] = await database.execute("SELECT likes FROM counts WHERE subject_id = ?", post_id)
    found = set()
    for number in range(16):
        rows = await database.execute(
            "SELECT account_id, liked, count FROM likes WHERE subject_id = ? AND bucket = ?", post_id, number
        )
        liked = {row["account_id"] for row in rows if row["liked"]}
        assert all(bucket_of(account_id) == number for account_id in liked)
        assert {row["count"] for row in rows} <= {len(liked)}
        assert (shown["likes"] or {}).get(number, 0) == len(liked)
        found |= liked
    assert found == likers


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("hit", [1, 2, 7])
async def test_the_counter_crashes_between_any_two_steps(
    step: str,
    hit: int,
    database: CassandraSession,
    new_id: Callable[[], int],
    armed: Callable[[str], None],
) -> None:
    post_id, log = new_id(), MemoryLog()
    events, likers = crowd(post_id, 90, new_id)
    armed(f"{step}=raise@{hit}")
    for counter in (Counter(database, log), Counter(database, log)):
        try:
            await counter.count(events)
            await counter.publisher.flush()
        except FailpointReached:
            armed("")
    armed("")
    await assert_exact(database, post_id, likers)
    counted = [envelope.data for envelope in log.events if isinstance(envelope.data, PostCounted)]
    assert counted[-1].likes == len(likers)
    assert [e.entityversion for e in log.events] == sorted({e.entityversion for e in log.events})


@pytest.mark.parametrize(
    "failpoint",
    ["likes.after_bucket=kill@3", "likes.after_counts=kill", "runner.before_commit=kill"],
)
async def test_the_consumer_is_killed_in_the_middle_of_a_batch(
    environment: Environment,
    platform: Platform,
    topics: Topics,
    database: CassandraSession,
    new_id: Callable[[], int],
    failpoint: str,
) -> None:
    post_id = new_id()
    events, likers = crowd(post_id, 120, new_id)
    async with _running(environment, ENGAGEMENT, failpoint) as victim:
        await platform.publisher.publish_many(events)
        assert await victim.ended(60) == -9
    await forget_members(topics.kafka, "post-engagement")
    async with _running(environment, ENGAGEMENT):
        await until_published(topics, post_id, len(likers))
        await assert_exact(database, post_id, likers)


async def until_published(topics: Topics, post_id: int, count: int) -> None:
    """Waits until the latest published count is this."""

    async def latest() -> int | None:
        events = await topics.events("engagement_counts", f"{ids.encode('o', post_id)}.counts")
        counted = max(events, key=lambda envelope: envelope.entityversion, default=None)
        return counted.data.likes if counted and isinstance(counted.data, PostCounted) else None

    await eventually(latest, until=lambda seen: seen == count, within=60, every=0.3)


async def test_repeated_events_and_a_replay_from_the_start_change_nothing(
    database: CassandraSession, new_id: Callable[[], int]
) -> None:
    post_id = new_id()
    events, likers = crowd(post_id, 150, new_id)
    counter = Counter(database)
    twice = [envelope for envelope in events for _ in range(2)]
    for start in range(0, len(twice), 33):
        await counter.count(twice[start : start + 33])
    await assert_exact(database, post_id, likers)
    for start in range(0, len(events), 50):
        await counter.count(events[start : start + 50])
        await assert_exact(database, post_id, likers)
    await database.execute("DELETE FROM counts WHERE subject_id = ?", post_id)
    for number in range(16):
        await database.execute("DELETE FROM likes WHERE subject_id = ? AND bucket = ?", post_id, number)
    rebuilt = new_id()
    moved = [Envelope.of(e.data.model_copy(update={"post_id": rebuilt}), entityversion=e.entityversion) for e in events]
    await counter.count(moved)
    await assert_exact(database, rebuilt, likers)


@pytest.mark.parametrize("seed", range(3))
async def test_concurrent_counters(database: CassandraSession, new_id: Callable[[], int], seed: int) -> None:
    """One of them does not know yet that it has lost its partitions."""
    post_id, rng = new_id(), random.Random(seed)
    events, likers = crowd(post_id, 200, new_id)

    async def work(events: Sequence[Envelope[LikeEvent]]) -> None:
        counter = Counter(database)
        start = 0
        while start < len(events):
            size = rng.randrange(10, 90)
            await counter.count(events[start : start + size])
            start += size

    await asyncio.gather(work(events), work(events[60:]), work(events))
    await assert_exact(database, post_id, likers)


@pytest.fixture
async def post(consumer: None, new_user: NewUser) -> str:
    """The id of a published post."""
    return await (await new_user()).publish_post()


@pytest.fixture
def stranger(platform: Platform, api: httpx.AsyncClient, issuer: Issuer) -> ApiUser:
    account_id = platform.new_id()
    return ApiUser(api, platform, account_id, issuer.headers(account_id))


@pytest.mark.parametrize("failpoint", ["like.after_produce=kill", "like.after_own=kill"])
async def test_the_api_is_killed_while_it_handles_a_like(
    post: str, stranger: ApiUser, environment: Environment, topics: Topics, database: CassandraSession, failpoint: str
) -> None:
    async with _running(environment, API, failpoint) as victim, httpx.AsyncClient() as client:
        with pytest.raises(httpx.TransportError):
            await client.put(f"{victim.url}/v1/posts/{post}/like", headers=stranger.headers, timeout=30)
        assert await victim.ended() == -9
    async with _running(environment, ENGAGEMENT):
        await until_published(topics, ids.decode("o", post), 1)
        seen = await stranger.get(f"/v1/posts/{post}")
        assert (seen["like_count"], seen["viewer"]["liked"]) == (1, True)
        answer = await stranger.request("DELETE", f"/v1/posts/{post}/like")
        assert answer.json() == {"liked": False, "like_count": 0}
        await until_published(topics, ids.decode("o", post), 0)
        await assert_exact(database, ids.decode("o", post), set())


async def test_two_hundred_concurrent_requests_of_one_account(
    post: str, stranger: ApiUser, environment: Environment, topics: Topics, database: CassandraSession
) -> None:
    """Whichever comes last, all tables agree on it."""
    path, post_id = f"/v1/posts/{post}/like", ids.decode("o", post)
    async with _running(environment, ENGAGEMENT):
        await asyncio.gather(*(stranger.request(method, path) for _ in range(100) for method in ("PUT", "DELETE")))
        seen = await stranger.get(f"/v1/posts/{post}")
        liked = bool(seen["viewer"]["liked"])
        assert seen["like_count"] == liked
        await topics.caught_up("post-engagement")
        await assert_exact(database, post_id, {stranger.account_id} if liked else set())
        [own] = await database.execute(
            "SELECT liked, version FROM likes_by_account WHERE account_id = ? AND month = ? AND subject_id = ?",
            stranger.account_id,
            int(f"{ids.timestamp_of(post_id):%Y%m}"),
            post_id,
        )
        [row] = await database.execute(
            "SELECT liked, version FROM likes WHERE subject_id = ? AND bucket = ? AND account_id = ?",
            post_id,
            bucket_of(stranger.account_id),
            stranger.account_id,
        )
        assert own == row
        assert own["liked"] is liked
        for method, count in (("PUT", 1), ("DELETE", 0)):
            assert (await stranger.request(method, path)).json() == {"liked": bool(count), "like_count": count}


async def test_drift_is_found_and_repaired(
    database: CassandraSession,
    environment: Environment,
    new_id: Callable[[], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings, clock = settings_from(EngagementSettings, environment("post-engagement")), SystemClock()
    post_id = new_id()
    events, likers = crowd(post_id, 60, new_id)
    counter = Counter(database)
    await counter.count(events)
    assert await reconcile(settings, clock, post_id, repair=False) == []

    numbers = sorted({bucket_of(account_id) for account_id in likers})[:3]
    await database.execute("UPDATE counts SET likes[?] = 99 WHERE subject_id = ?", numbers[0], post_id)
    await database.execute(
        "UPDATE likes SET count = 0 WHERE subject_id = ? AND bucket = ? IF count > 0", post_id, numbers[1]
    )
    removed = next(account_id for account_id in likers if bucket_of(account_id) == numbers[2])
    await database.execute(
        "UPDATE likes SET liked = false WHERE subject_id = ? AND bucket = ? AND account_id = ? IF EXISTS",
        post_id,
        numbers[2],
        removed,
    )
    found = await reconcile(settings, clock, post_id, repair=False)
    assert [(drift.ref.number, drift.repaired) for drift in found] == [(number, False) for number in numbers]
    found = await reconcile(settings, clock, post_id, repair=True)
    assert [(drift.ref.number, drift.repaired) for drift in found] == [(number, True) for number in numbers]
    assert len(re.findall("repaired", capsys.readouterr().out)) == 3
    assert await reconcile(settings, clock, post_id, repair=False) == []
    await assert_exact(database, post_id, likers - {removed})
    more, others = crowd(post_id, 40, new_id)
    await counter.count(more)
    await assert_exact(database, post_id, (likers - {removed}) | others)
