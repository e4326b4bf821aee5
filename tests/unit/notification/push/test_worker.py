"""When devices hear of something, on a virtual clock: windows, pauses, take-back, and what a crash leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from photomesh_notification.push.domain import Hint, Outcome, Verdict, Windows
from photomesh_notification.push.event_handlers import AFTER_PENDING, PushEventHandlers
from photomesh_notification.push.sending import AFTER_SEND
from photomesh_notification.push.worker import AFTER_BEGIN
from photomesh_shared import failpoints
from photomesh_shared.errors import ServiceUnavailable
from photomesh_shared.events import Envelope, NotificationRemoved, NotificationUpdated
from photomesh_shared.failpoints import FailpointReached
from photomesh_shared.ids import encode
from tests.support.clock import run_virtually
from tests.support.notification.memory_push import PushWorld

ADA = 382_764_105_932_316_672
GRACE = 382_764_211_093_504_000
POST = 382_764_298_916_429_824
LIKES = f"like.{encode('o', POST)}.0"
SECONDS, MINUTES, HOURS = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours"))


class World(PushWorld):
    """With the handlers of events; each event has the next version."""

    def __init__(self, *, poll_seconds: float = 1.0) -> None:
        super().__init__(poll_seconds=poll_seconds)
        self.handlers = PushEventHandlers(self.subscriptions, self.pushes, self.schedule, self.clock, Windows())
        self.version = 0

    def updated(
        self, group_id: str = LIKES, *, at: datetime | None = None, recipient_id: int = ADA, post_id: int | None = POST
    ) -> Envelope[NotificationUpdated]:
        self.version += 1
        now = self.clock.now()
        event = NotificationUpdated(
            recipient_id=recipient_id,
            group_id=group_id,
            kind=group_id.partition(".")[0],
            post_id=post_id,
            count=1,
            capped=False,
            actors=(GRACE,),
            first_at=at or now,
            changed_at=at or now,
        )
        return Envelope.of(event, entityversion=self.version, time=now)

    async def happens(self, group_id: str = LIKES, **options: Any) -> None:
        await self.handlers.updated(self.updated(group_id, **options))

    async def undone(self, group_id: str = LIKES, *, recipient_id: int = ADA) -> None:
        self.version += 1
        event = NotificationRemoved(recipient_id=recipient_id, group_id=group_id)
        await self.handlers.removed(Envelope.of(event, entityversion=self.version, time=self.clock.now()))

    async def work(self, duration: timedelta) -> None:
        """Lets the worker run for so long."""
        async with self.worker.running():
            await asyncio.sleep(duration.total_seconds())

    async def crash(self, failpoint: str, duration: timedelta) -> None:
        """A process dies at a failpoint; another works from then on."""
        failpoints.configure({"PHOTOMESH_ENV": "test", "PHOTOMESH_FAILPOINTS": f"{failpoint}=raise"})
        await asyncio.sleep(duration.total_seconds())
        while (due := [hint for hint in sorted(self.schedule.hints) if hint.due <= self.clock.now()]) and due:
            try:
                await self.worker.look_at(due[0].account_id, due[0].stack)
            except FailpointReached:
                break
            await self.schedule.remove(due[0])
            await asyncio.sleep(1)
        failpoints.configure({})
        self.schedule.crash()
        self.sender = self.new_sender()
        self.worker = self.new_worker()


@pytest.fixture(autouse=True)
def no_failpoints() -> Iterator[None]:
    yield
    failpoints.configure({})


def test_likes_of_a_window_are_one_push_when_it_ends() -> None:
    async def scenario() -> World:
        world = World()
        await world.register(ADA)
        async with world.worker.running():
            for _ in range(40):
                await world.happens()
                await asyncio.sleep(1)
            await asyncio.sleep(300)
        return world

    [sent] = run_virtually(scenario()).times()
    assert 44 * SECONDS <= sent <= 47 * SECONDS


def test_a_thousand_who_like_and_unlike_within_the_window_are_never_pushed() -> None:
    async def scenario() -> World:
        world = World()
        await world.register(ADA)
        async with world.worker.running():
            for _ in range(1_000):
                await world.happens()
                await asyncio.sleep(0.02)
                await world.undone()
                await asyncio.sleep(0.02)
            await asyncio.sleep(3_600)
        return world

    world = run_virtually(scenario())
    assert world.channel.sent == []
    assert not world.schedule.hints


def test_whom_somebody_turns_to_hears_of_it_sooner() -> None:
    async def scenario() -> World:
        world = World()
        await world.register(ADA)
        await world.happens("comment.c_1")
        await world.work(5 * MINUTES)
        return world

    [sent] = run_virtually(scenario()).times()
    assert 29 * SECONDS <= sent <= 32 * SECONDS


def test_what_is_taken_back_within_the_window_is_not_pushed() -> None:
    async def scenario() -> World:
        world = World(poll_seconds=5)
        await world.register(ADA)
        async with world.worker.running():
            for _ in range(1_000):
                await world.happens()
                await world.undone()
                await asyncio.sleep(0.04)
            await asyncio.sleep(3600)
        assert not world.schedule.hints
        return world

    assert run_virtually(scenario()).times() == []


def test_a_viral_post_wakes_a_phone_four_times_on_its_first_day_and_daily_after_that() -> None:
    async def scenario() -> World:
        world = World(poll_seconds=60)
        await world.register(ADA)
        async with world.worker.running():
            for minute in range(3 * 24 * 60):
                bucket = (1 + minute // 60).bit_length() - 1
                await world.happens(f"like.{encode('o', POST)}.{bucket}")
                await asyncio.sleep(60)
        return world

    times = run_virtually(scenario()).times()
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert len([at for at in times if at < 24 * HOURS]) == 4
    for pause, expected in zip(pauses, (10 * MINUTES, 1 * HOURS, 6 * HOURS, 24 * HOURS, 24 * HOURS), strict=False):
        assert expected <= pause <= expected + 2 * MINUTES


def test_pauses_of_comments_begin_again_when_somebody_has_looked() -> None:
    async def scenario() -> World:
        world = World()
        await world.register(ADA)
        async with world.worker.running():
            for number in range(1, 7):
                await world.happens(f"comment.c_{number}")
                await asyncio.sleep(40)
                world.seen[ADA] = world.clock.now()
                await asyncio.sleep(60)
        return world

    assert len(run_virtually(scenario()).times()) == 6


def test_comments_that_nobody_looks_at_wait_together_for_the_pause() -> None:
    async def scenario() -> World:
        world = World()
        await world.register(ADA)
        async with world.worker.running():
            for number in range(1, 7):
                await world.happens(f"comment.c_{number}")
                await asyncio.sleep(60)
            await asyncio.sleep(1_000)
        return world

    world = run_virtually(scenario())
    assert len(world.times()) == 2
    assert world.times()[1] - world.times()[0] >= 10 * MINUTES


def test_somebody_who_leaves_a_group_is_no_news() -> None:
    async def scenario() -> World:
        world = World(poll_seconds=5)
        await world.register(ADA)
        liked_at = world.clock.now()
        await world.happens(at=liked_at)
        async with world.worker.running():
            await asyncio.sleep(120)
            await world.happens(at=liked_at)  # one of two likes is gone: the newest is as old as before
            await asyncio.sleep(3 * 3600)
        return world

    assert len(run_virtually(scenario()).times()) == 1


@pytest.mark.parametrize("reason", ["streaming", "seen", "unwanted", "hidden", "no device"])
def test_nobody_is_woken_without_need(reason: str) -> None:
    async def scenario() -> World:
        world = World()
        if reason != "no device":
            await world.register(ADA)
        await world.happens()
        match reason:
            case "streaming":
                world.streaming.add(ADA)
            case "seen":
                world.seen[ADA] = world.clock.now() + 10 * SECONDS
            case "unwanted":
                world.unwanted.add("like")
            case "hidden":
                world.hidden.add(LIKES)
        await world.work(5 * MINUTES)
        world.streaming.clear()
        world.unwanted.clear()
        world.hidden.clear()
        await world.work(5 * MINUTES)
        assert not world.schedule.hints
        return world

    assert run_virtually(scenario()).times() == []


def test_quiet_hours_gather_until_they_end() -> None:
    async def scenario() -> World:
        world = World(poll_seconds=5)
        await world.register(ADA)
        world.quiet[ADA] = world.clock.now() + 8 * HOURS
        async with world.worker.running():
            for number in range(1, 5):
                await world.happens(f"comment.c_{number}")
                await asyncio.sleep(3600)
            await asyncio.sleep(6 * 3600)
        return world

    world = run_virtually(scenario())
    [sent] = world.times()
    assert 8 * HOURS <= sent <= 8 * HOURS + 5 * SECONDS


def test_what_is_a_day_old_wakes_nobody() -> None:
    async def scenario() -> World:
        world = World()
        await world.register(ADA)
        await world.happens(at=world.clock.now() - 25 * HOURS)
        await world.happens("follow_request.u_1", at=world.clock.now() - 25 * HOURS, post_id=None)
        await world.work(5 * MINUTES)
        return world

    [(_, _, message)] = run_virtually(scenario()).channel.sent
    assert b"asked to follow you" in message.payload


def test_devices_of_sessions_that_ended_hear_nothing_and_are_forgotten() -> None:
    async def scenario() -> World:
        world = World()
        await world.register(ADA, "https://push.example.org/1", session_id=1)
        await world.register(ADA, "https://push.example.org/2", session_id=2)
        world.ended_sessions.add(1)
        await world.happens()
        await world.work(5 * MINUTES)
        return world

    world = run_virtually(scenario())
    assert [one.endpoint for _, one, _ in world.channel.sent] == ["https://push.example.org/2"]
    assert [one.session_id for one in world.subscriptions.rows.values()] == [2]


def test_a_device_reports_to_who_registered_it_last() -> None:
    async def scenario() -> World:
        world = World()
        await world.register(ADA)
        await world.register(GRACE)
        await world.happens()
        await world.happens(recipient_id=GRACE)
        await world.work(5 * MINUTES)
        return world

    assert [one.account_id for _, one, _ in run_virtually(scenario()).channel.sent] == [GRACE]


# --- Answers of push services ---------------------------------------------------------------------------------------


def answered(*verdicts: Verdict, during: timedelta = 30 * MINUTES, poll_seconds: float = 1.0) -> World:
    """A world in which the push service answered one push so."""

    async def scenario() -> World:
        world = World(poll_seconds=poll_seconds)
        subscription = await world.register(ADA)
        world.channel.answers[subscription.endpoint] = list(verdicts)
        await world.happens()
        await world.work(during)
        return world

    return run_virtually(scenario())


def test_a_subscription_that_has_ended_is_deleted() -> None:
    world = answered(Verdict(Outcome.GONE))
    assert len(world.times()) == 1
    assert not world.subscriptions.rows


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.TOO_LARGE, Outcome.ACCEPTED])
def test_nothing_else_deletes_one(outcome: Outcome) -> None:
    world = answered(Verdict(outcome))
    assert len(world.times()) == 1
    assert len(world.subscriptions.rows) == 1


def test_who_is_refused_rests_for_six_hours() -> None:
    async def scenario() -> World:
        world = World(poll_seconds=20)
        subscription = await world.register(ADA)
        world.channel.answers[subscription.endpoint] = [Verdict(Outcome.REFUSED), Verdict(Outcome.ACCEPTED)]
        async with world.worker.running():
            for hour in range(8):
                await world.happens(f"comment.c_{hour}", post_id=POST + hour)
                await asyncio.sleep(3600)
        return world

    times = run_virtually(scenario()).times()
    assert [round(at / HOURS) for at in times] == [0, 7]


def test_who_is_overloaded_is_asked_again_as_late_as_it_says() -> None:
    world = answered(Verdict(Outcome.LATER, 10 * MINUTES), Verdict(Outcome.ACCEPTED))
    first, second = world.times()
    assert 10 * MINUTES <= second - first <= 11 * MINUTES
    assert not world.pushes.states[ADA, f"like.{encode('o', POST)}"].owed


def test_who_does_not_answer_is_asked_more_and_more_seldom_for_a_day() -> None:
    world = answered(Verdict(Outcome.LATER), during=50 * HOURS, poll_seconds=20)
    times = world.times()
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert 29 * SECONDS <= pauses[0] <= 60 * SECONDS
    assert all(pause <= 31 * MINUTES for pause in pauses)
    assert 23 * HOURS <= times[-1] <= 24.1 * HOURS
    assert not world.schedule.hints
    ttls = [message.ttl for _, _, message in world.channel.sent]
    assert ttls == sorted(ttls, reverse=True)
    assert ttls[0] == 24 * HOURS
    assert ttls[-1] < HOURS


def test_one_dead_push_service_delays_nobody_else() -> None:
    async def scenario() -> World:
        world = World()
        world.channel.seconds["https://dead.example.org"] = 10.0
        accounts = [ADA + (number << 22) for number in range(200)]
        for number, account_id in enumerate(accounts):
            await world.register(account_id, f"https://dead.example.org/{number}")
            await world.register(account_id, f"https://push.example.org/{number}")
            await world.happens(recipient_id=account_id)
        await world.work(3 * MINUTES)
        return world

    world = run_virtually(scenario())
    alive = [at for at, one, _ in world.channel.sent if "push.example.org" in one.endpoint]
    assert len(alive) == 200
    assert max(alive) - min(alive) <= 15 * SECONDS
    assert world.channel.most_in_flight["https://dead.example.org"] <= 32


# --- What else may be away, and crashes -----------------------------------------------------------------------------


def test_pushes_wait_while_a_service_is_away() -> None:
    async def scenario() -> World:
        world = World()
        await world.register(ADA)
        world.failing = ServiceUnavailable("post")
        await world.happens()
        async with world.worker.running():
            await asyncio.sleep(600)
            assert not world.channel.sent
            world.failing = None
            await asyncio.sleep(60)
        return world

    assert len(run_virtually(scenario()).times()) == 1


def test_events_may_be_handled_again() -> None:
    async def scenario() -> World:
        world = World(poll_seconds=5)
        await world.register(ADA)
        first, second = world.updated("comment.c_1"), world.updated("comment.c_2")
        async with world.worker.running():
            for envelope in (first, second, first, second):
                await world.handlers.updated(envelope)
            await asyncio.sleep(60)
            for envelope in (first, second):
                await world.handlers.updated(envelope)
            await asyncio.sleep(3600)
        return world

    assert len(run_virtually(scenario()).times()) == 1


def test_an_event_handled_again_after_its_group_was_removed_brings_nothing_back() -> None:
    async def scenario() -> World:
        world = World()
        await world.register(ADA)
        envelope = world.updated()
        await world.handlers.updated(envelope)
        await world.undone()
        await world.handlers.updated(envelope)
        await world.work(5 * MINUTES)
        return world

    assert run_virtually(scenario()).times() == []


@pytest.mark.parametrize("group_id", [LIKES, "comment.c_1"])
def test_a_crash_before_the_hint_is_repaired_by_the_event_that_comes_again(group_id: str) -> None:
    async def scenario() -> World:
        world = World()
        await world.register(ADA)
        envelope = world.updated(group_id)
        failpoints.configure({"PHOTOMESH_ENV": "test", "PHOTOMESH_FAILPOINTS": f"{AFTER_PENDING}=raise"})
        with pytest.raises(FailpointReached):
            await world.handlers.updated(envelope)
        failpoints.configure({})
        await world.handlers.updated(envelope)
        await world.work(30 * MINUTES)
        return world

    assert len(run_virtually(scenario()).times()) == 1


@pytest.mark.parametrize("group_id", [LIKES, "comment.c_1"])
def test_a_crash_after_a_push_began_delays_it_and_sends_it_once(group_id: str) -> None:
    async def scenario() -> World:
        world = World(poll_seconds=5)
        await world.register(ADA)
        await world.happens(group_id)
        await world.crash(AFTER_BEGIN, MINUTES)
        assert not world.channel.sent
        await world.work(3 * HOURS)
        assert not world.schedule.hints
        return world

    [sent] = run_virtually(scenario()).times()
    assert sent <= 4 * MINUTES


def test_a_crash_after_sending_sends_it_again_under_the_same_topic() -> None:
    """At least once: the push service or the device replaces the first by the second."""

    async def scenario() -> World:
        world = World(poll_seconds=5)
        await world.register(ADA)
        await world.happens()
        failpoints.configure({"PHOTOMESH_ENV": "test", "PHOTOMESH_FAILPOINTS": f"{AFTER_SEND}=raise"})
        await world.work(50 * SECONDS)
        failpoints.configure({})
        await world.work(3 * HOURS)
        return world

    world = run_virtually(scenario())
    (_, _, first), (_, _, second) = world.channel.sent
    assert first.topic == second.topic
    assert not world.schedule.hints


def test_hints_without_anything_to_push_are_removed() -> None:
    async def scenario() -> World:
        world = World()
        await world.schedule.add(Hint(world.clock.now(), ADA, "like.o_1"))
        await world.work(MINUTES)
        return world

    assert not run_virtually(scenario()).schedule.hints


def test_without_a_device_nothing_is_owed_until_one_is_registered() -> None:
    """A device hears of what happened before only if it is handled, or handled again, after its registration."""

    async def scenario() -> World:
        world = World()
        earlier = world.updated("comment.c_1")
        await world.handlers.updated(earlier)
        assert await world.pushes.pending(ADA, f"comment.{encode('o', POST)}") == []
        assert not world.schedule.hints
        await world.register(ADA)
        await world.work(5 * MINUTES)
        assert world.channel.sent == []
        await world.happens("comment.c_2")
        await world.work(5 * MINUTES)
        assert len(world.channel.sent) == 1
        for _ in range(2):  # the topic is read again
            await world.handlers.updated(earlier)
            await world.work(30 * MINUTES)
        return world

    assert len(run_virtually(scenario()).channel.sent) == 2
