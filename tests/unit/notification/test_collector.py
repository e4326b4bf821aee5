"""When what is folded is published: at once, and then once a second; and what a failure leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from photomesh_notification.collecting.event_handlers import Collector
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, Event, NotificationCollected, PostLiked
from tests.support.clock import LoopClock, run_virtually
from tests.unit.notification.memory import MemoryGroups, Published

AT = datetime(2026, 11, 21, 10, 20, tzinfo=UTC)


def liked(actor: int, post: int = 5) -> Envelope[Event]:
    at = AT + timedelta(microseconds=actor)
    return Envelope.of(PostLiked(post_id=post, post_author_id=1, account_id=actor, liked_at=at), entityversion=actor)


class Broker(Published):
    """Takes a while, or is away."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.calls = 0

    async def publish_many(self, envelopes: Sequence[Envelope[Event]]) -> None:
        self.calls += 1
        await asyncio.sleep(0.05)
        if self.away:
            raise Unavailable
        await super().publish_many(envelopes)


class World:
    def __init__(self) -> None:
        self.broker = Broker()
        self.collector = Collector(MemoryGroups(), self.broker, LoopClock())

    def told(self) -> list[tuple[int | None, set[int]]]:
        """Posts, and whom the tasks since the last look name."""
        tasks = [one.data for one in self.broker.taken()]
        assert all(isinstance(task, NotificationCollected) for task in tasks)
        return [
            (task.post_id, {change.actor_id for change in task.changes})
            for task in tasks
            if isinstance(task, NotificationCollected)
        ]


def virtually(test: Callable[[World], Awaitable[None]]) -> None:
    async def run() -> None:
        await test(World())

    run_virtually(run())


def test_what_is_alone_is_published_at_once_and_what_follows_by_the_next_flush() -> None:
    async def test(world: World) -> None:
        await world.collector.collect([liked(7), liked(8)])
        assert world.told() == [(5, {7, 8})]
        await world.collector.collect([liked(9)])
        await world.collector.collect([liked(10), liked(11, post=6)])
        assert world.told() == [(6, {11})]
        await world.collector.flush()
        assert world.told() == [(5, {9, 10})]

    virtually(test)


def test_a_crowd_is_a_task_a_second() -> None:
    async def test(world: World) -> None:
        async def flushing() -> None:
            while True:
                await asyncio.sleep(1)
                await world.collector.flush()

        task = asyncio.create_task(flushing())
        for actor in range(2, 1_202):  # 20 a second
            await world.collector.collect([liked(actor)])
            await asyncio.sleep(0.05)
        task.cancel()
        await world.collector.flush()
        tasks = world.told()
        assert len(tasks) <= 62
        assert set().union(*(actors for _, actors in tasks)) == set(range(2, 1_202))

    virtually(test)


def test_who_is_seldom_liked_hears_of_each_at_once() -> None:
    async def test(world: World) -> None:
        for actor in range(2, 12):
            await world.collector.collect([liked(actor)])
            assert world.told() == [(5, {actor})]
            for _ in range(4):
                await asyncio.sleep(1)
                await world.collector.flush()

    virtually(test)


def test_what_comes_together_is_published_together() -> None:
    async def test(world: World) -> None:
        await asyncio.gather(*(world.collector.collect([liked(100 + post, post)]) for post in range(1, 41)))
        assert len(world.told()) == 40
        assert world.broker.calls <= 2

    virtually(test)


def test_a_flush_waits_for_what_is_being_published() -> None:
    """Offsets are committed after it, also those of records whose changes another call has taken along."""

    async def test(world: World) -> None:
        collecting = asyncio.create_task(world.collector.collect([liked(7)]))
        await asyncio.sleep(0.01)
        await world.collector.flush()
        assert world.told() == [(5, {7})]
        await collecting

    virtually(test)


def test_what_cannot_be_published_stays_and_nothing_more_is_taken() -> None:
    async def test(world: World) -> None:
        world.broker.away = True
        for actor in (7, 8):
            with pytest.raises(Unavailable):
                await world.collector.collect([liked(actor)])
        with pytest.raises(Unavailable):
            await world.collector.flush()
        assert world.told() == []
        world.broker.away = False
        await world.collector.collect([liked(8)])  # again, as its record is
        await world.collector.flush()
        assert set().union(*(actors for _, actors in world.told())) == {7, 8}

    virtually(test)
