"""Pushes in memory: stores as those in Cassandra, and a channel that answers as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from photomesh_notification.push.domain import (
    Hint,
    Outcome,
    Pending,
    StackState,
    Subscription,
    Verdict,
    shard_of,
    subscription_id,
)
from photomesh_notification.push.payload import Shown
from photomesh_notification.push.sending import Message, PushSender
from photomesh_notification.push.worker import PushWorker
from tests.support.clock import LoopClock

__all__ = ["MemoryPushes", "MemorySchedule", "MemorySubscriptions", "PushWorld", "RecordingChannel"]

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
ACCEPTED = Verdict(Outcome.ACCEPTED)
_START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)  # of LoopClock


class MemorySubscriptions:
    def __init__(self) -> None:
        self.rows: dict[tuple[int, int], Subscription] = {}
        self.owners: dict[str, int] = {}

    async def register(self, subscription: Subscription) -> None:
        self.rows[subscription.account_id, subscription.id] = subscription
        self.owners[subscription.endpoint] = subscription.account_id

    async def of_account(self, account_id: int) -> Sequence[Subscription]:
        found = [
            one
            for (owner, _), one in self.rows.items()
            if owner == account_id and self.owners.get(one.endpoint) == account_id
        ]
        return sorted(found, key=lambda one: (one.registered_at, one.id), reverse=True)

    async def has_any(self, account_id: int) -> bool:
        return any(owner == account_id for owner, _ in self.rows)

    async def delete(self, subscription: Subscription) -> None:
        key = subscription.account_id, subscription.id
        stored = self.rows.get(key)
        if stored is not None and stored.registered_at <= subscription.registered_at:
            del self.rows[key]

    async def quarantine(self, subscription: Subscription, until: datetime) -> None:
        key = subscription.account_id, subscription.id
        stored = self.rows.get(key)
        if stored is not None and stored.registered_at <= subscription.registered_at:
            self.rows[key] = replace(stored, quarantined_until=until)


class MemoryPushes:
    """Rows keep the version of their last write, as Cassandra its timestamp."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, str], tuple[int, Pending | None]] = {}
        self.states: dict[tuple[int, str], StackState] = {}

    async def put(self, account_id: int, pending: Pending) -> None:
        self._write(account_id, pending.group_id, pending.version, pending)

    async def remove(self, account_id: int, group_id: str, version: int) -> None:
        self._write(account_id, group_id, version, None)

    def _write(self, account_id: int, group_id: str, version: int, pending: Pending | None) -> None:
        known, _ = self._rows.get((account_id, group_id), (-1, None))
        if version > known or (version == known and pending is None):  # of equal timestamps, a deletion wins
            self._rows[account_id, group_id] = version, pending

    async def pending(self, account_id: int, stack: str) -> Sequence[Pending]:
        return [
            pending
            for (owner, _), (_, pending) in self._rows.items()
            if owner == account_id and pending is not None and pending.stack == stack
        ]

    async def state(self, account_id: int, stack: str) -> StackState:
        return self.states.get((account_id, stack), StackState())

    async def save(self, account_id: int, stack: str, state: StackState) -> None:
        self.states[account_id, stack] = state

    async def postpone(self, account_id: int, stack: str, subscription_id: int, at: datetime) -> None:
        state = self.states[account_id, stack]
        self.states[account_id, stack] = replace(state, owed={**state.owed, subscription_id: at})

    async def settle(self, account_id: int, stack: str, subscription_id: int) -> None:
        state = self.states[account_id, stack]
        owed = {id_: at for id_, at in state.owed.items() if id_ != subscription_id}
        self.states[account_id, stack] = replace(state, owed=owed)


class MemorySchedule:
    def __init__(self) -> None:
        self.hints: set[Hint] = set()
        self._workers: dict[int, str] = {}

    async def add(self, hint: Hint) -> None:
        self.hints.add(hint)

    async def due(self, shard: int, until: datetime, *, after: Hint | None = None, limit: int) -> Sequence[Hint]:
        found = (
            hint
            for hint in sorted(self.hints)
            if shard_of(hint.account_id) == shard and hint.due <= until and (after is None or hint > after)
        )
        return list(found)[:limit]

    async def remove(self, hint: Hint) -> None:
        self.hints.discard(hint)

    async def claim(self, shard: int, worker: str) -> bool:
        return self._workers.setdefault(shard, worker) == worker

    async def release(self, shard: int, worker: str) -> None:
        if self._workers.get(shard) == worker:
            del self._workers[shard]

    def crash(self) -> None:
        """The leases of a worker that crashed expire."""
        self._workers.clear()


@dataclass
class RecordingChannel:
    """Keeps what was sent, with the time. `answers` by endpoint: one after the other, the last for ever; accepted by
    default. `seconds`: how long a push takes, by origin."""

    clock: LoopClock
    sent: list[tuple[datetime, Subscription, Message]] = field(default_factory=list)
    answers: dict[str, list[Verdict]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    in_flight: dict[str, int] = field(default_factory=dict)
    most_in_flight: dict[str, int] = field(default_factory=dict)

    def origin(self, subscription: Subscription) -> str:
        return subscription.endpoint.rsplit("/", 1)[0]

    async def send(self, subscription: Subscription, message: Message) -> Verdict:
        origin = self.origin(subscription)
        self.sent.append((self.clock.now(), subscription, message))
        self.in_flight[origin] = self.in_flight.get(origin, 0) + 1
        self.most_in_flight[origin] = max(self.most_in_flight.get(origin, 0), self.in_flight[origin])
        try:
            await asyncio.sleep(self.seconds.get(origin, 0.01))
        finally:
            self.in_flight[origin] -= 1
        answers = self.answers.get(subscription.endpoint, [ACCEPTED])
        return answers.pop(0) if len(answers) > 1 else answers[0]


class PushWorld:
    """A worker and everything that it asks. Attributes say what it hears."""

    def __init__(self, *, poll_seconds: float = 1.0) -> None:
        """`poll_seconds`: how often the worker looks; rarely for scenarios that take days."""
        self._poll_seconds = poll_seconds
        self.clock = LoopClock()
        self.schedule, self.pushes, self.subscriptions = MemorySchedule(), MemoryPushes(), MemorySubscriptions()
        self.channel = RecordingChannel(self.clock)
        self.streaming: set[int] = set()
        self.unwanted: set[str] = set()
        self.seen: dict[int, datetime] = {}
        self.quiet: dict[int, datetime] = {}
        self.hidden: set[str] = set()
        self.ended_sessions: set[int] = set()
        self.failing: Exception | None = None
        self.sender = self.new_sender()
        self.worker = self.new_worker()

    def new_sender(self, **options: int) -> PushSender:
        return PushSender(self.channel, self.subscriptions, self.pushes, self.schedule, self.clock, **options)

    def new_worker(self) -> PushWorker:
        return PushWorker(
            self.schedule,
            self.pushes,
            self.subscriptions,
            self,
            self,
            self,
            self,
            self.sender,
            self.clock,
            app_url="https://photomesh.example",
            topic_secret=b"topic",
            poll_seconds=self._poll_seconds,
        )

    async def register(
        self, account_id: int, endpoint: str = "https://push.example.org/1", *, session_id: int = 1
    ) -> Subscription:
        subscription = Subscription(
            account_id, subscription_id(endpoint), endpoint, b"", b"", session_id, self.clock.now()
        )
        await self.subscriptions.register(subscription)
        return subscription

    def times(self) -> list[timedelta]:
        """When something was sent, since the start of the world."""
        return [at - _START for at, _, _ in self.channel.sent]

    # What the worker asks others.

    async def open_among(self, account_id: int, session_ids: Collection[int]) -> Collection[int]:
        return set(session_ids) - self.ended_sessions

    async def is_open(self, account_id: int) -> bool:
        return account_id in self.streaming

    async def wants(self, account_id: int, kind: str) -> bool:
        return kind not in self.unwanted

    async def quiet_until(self, account_id: int, now: datetime) -> datetime | None:
        until = self.quiet.get(account_id)
        return until if until and until > now else None

    async def seen_at(self, account_id: int) -> datetime:
        return self.seen.get(account_id, NEVER)

    async def shown(self, account_id: int, group_ids: Collection[str]) -> Mapping[str, Shown]:
        if self.failing:
            raise self.failing
        return {
            group_id: Shown(group_id.partition(".")[0], ("Grace",), 1)
            for group_id in group_ids
            if group_id not in self.hidden
        }
