"""Looks at stacks when their hints are due, and begins their pushes.

A push begins by noting in the stack's state what it contains and to whom it is owed; then the devices are told, each by
itself. What a crash leaves owed is sent a minute later, by whichever process then works on the shard.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from photomesh_notification.push.domain import (
    SHARDS,
    Hint,
    Pending,
    StackState,
    Subscription,
    earliest_push,
    is_news,
    kind_of,
    lifetime,
    pushed,
    topic_of,
    urgency_of,
)
from photomesh_notification.push.metrics import OLDEST_PUSH, PUSHES_SKIPPED
from photomesh_notification.push.payload import Shown, payload_of
from photomesh_notification.push.sending import Message, Push, PushSender
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.background import in_background
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.errors import Unavailable
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["Presence", "PushWorker", "Sessions", "Sights", "Wishes"]

log = logging.getLogger(__name__)

AFTER_BEGIN = declare("push.after_begin", "a push is noted as begun, what it contains still waits")

_CONCURRENCY = 8
_CHUNK = 64
_POLL_SECONDS = 1.0
_RENEW_SECONDS = 5.0
_BACKOFF = Backoff(base=1.0, cap=10.0)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Schedule(Protocol):
    """See `store.CassandraSchedule`."""

    async def add(self, hint: Hint) -> None: ...
    async def due(self, shard: int, until: datetime, *, after: Hint | None = None, limit: int) -> Sequence[Hint]: ...
    async def remove(self, hint: Hint) -> None: ...
    async def claim(self, shard: int, worker: str) -> bool: ...
    async def release(self, shard: int, worker: str) -> None: ...


class Stacks(Protocol):
    """See `store.CassandraPushes`."""

    async def pending(self, account_id: int, stack: str) -> Sequence[Pending]: ...
    async def remove(self, account_id: int, group_id: str, version: int) -> None: ...
    async def state(self, account_id: int, stack: str) -> StackState: ...
    async def save(self, account_id: int, stack: str, state: StackState) -> None: ...
    async def postpone(self, account_id: int, stack: str, subscription_id: int, at: datetime) -> None: ...


class Subscriptions(Protocol):
    """See `store.CassandraSubscriptions`."""

    async def of_account(self, account_id: int) -> Sequence[Subscription]: ...
    async def delete(self, subscription: Subscription) -> None: ...


class Sessions(Protocol):
    """Which log-in sessions are still open."""

    async def open_among(self, account_id: int, session_ids: Collection[int]) -> Collection[int]: ...


class Presence(Protocol):
    """Whether somebody has a stream open, and so has seen already what happens."""

    async def is_open(self, account_id: int) -> bool: ...


class Wishes(Protocol):
    """What an account wants."""

    async def wants(self, account_id: int, kind: str) -> bool: ...
    async def quiet_until(self, account_id: int, now: datetime) -> datetime | None:
        """When its quiet hours end, if it has some now."""
        ...

    async def seen_at(self, account_id: int) -> datetime:
        """Until when it has seen its list."""
        ...


class Sights(Protocol):
    """What an account may see now of groups; what it may not see, or does not want, is left out."""

    async def shown(self, account_id: int, group_ids: Collection[str]) -> Mapping[str, Shown]: ...


class PushWorker:
    """Of several processes one works on a shard at a time. A stack that cannot be looked at stays, and does not stop
    those behind it."""

    def __init__(
        self,
        schedule: Schedule,
        stacks: Stacks,
        subscriptions: Subscriptions,
        sessions: Sessions,
        presence: Presence,
        wishes: Wishes,
        sights: Sights,
        sender: PushSender,
        clock: Clock,
        *,
        app_url: str,
        topic_secret: bytes,
        again_after: timedelta = timedelta(seconds=60),
        poll_seconds: float = _POLL_SECONDS,
    ) -> None:
        """`app_url`: where notifications lead. `again_after`: when what is owed is tried again if nothing is known of
        it; longer than a push takes, with its wait for others of its origin."""
        self._schedule = schedule
        self._stacks = stacks
        self._subscriptions = subscriptions
        self._sessions = sessions
        self._presence = presence
        self._wishes = wishes
        self._sights = sights
        self._sender = sender
        self._clock = clock
        self._app_url = app_url
        self._topic_secret = topic_secret
        self._again_after = again_after
        self._poll_seconds = poll_seconds
        self._name = secrets.token_hex(8)
        self._places = asyncio.Semaphore(_CONCURRENCY)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works in the background of the context."""
        async with self._sender.running(), in_background("pushes", self._run, self._clock):
            yield

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                done = await self.run_once()
            except Unavailable as error:
                log.warning("pushes wait", extra={"reason": str(error)})
                done = False
            failures = 0 if done else failures + 1
            await self._clock.sleep(self._poll_seconds if done else _BACKOFF.delay(failures))

    async def run_once(self) -> bool:
        """Look at each stack that is due once; returns whether all could be. Raises DatabaseUnavailable."""
        now = self._clock.now()
        shards = random.sample(range(SHARDS), SHARDS)  # processes should meet rarely
        first = await asyncio.gather(*(self._schedule.due(shard, now, limit=1) for shard in shards))
        oldest = min((hint.due for of_shard in first for hint in of_shard), default=now)
        OLDEST_PUSH.set(max((now - oldest).total_seconds(), 0.0))
        outcomes = [
            await self._run_shard(shard, now) for shard, of_shard in zip(shards, first, strict=True) if of_shard
        ]
        return all(outcomes)

    async def _run_shard(self, shard: int, until: datetime) -> bool:
        if not await self._schedule.claim(shard, self._name):
            return True
        succeeded, last = True, None
        keeping = asyncio.create_task(self._keep(shard))
        try:
            while chunk := await self._schedule.due(shard, until, after=last, limit=_CHUNK):
                by_stack: dict[tuple[int, str], list[Hint]] = {}
                for hint in chunk:
                    by_stack.setdefault((hint.account_id, hint.stack), []).append(hint)
                outcomes = await asyncio.gather(*(self._try(*key, hints) for key, hints in by_stack.items()))
                succeeded = succeeded and all(outcomes)
                last = chunk[-1]
                if not any(outcomes) or not await self._schedule.claim(shard, self._name):
                    break  # what they need is away, or another process took over
        finally:
            keeping.cancel()
            await self._schedule.release(shard, self._name)
        return succeeded

    async def _keep(self, shard: int) -> None:
        """Stays the shard's worker while stacks take long."""
        while True:
            await self._clock.sleep(_RENEW_SECONDS)
            with suppress(Unavailable):
                await self._schedule.claim(shard, self._name)

    async def _try(self, account_id: int, stack: str, hints: Sequence[Hint]) -> bool:
        async with self._places:
            try:
                await self.look_at(account_id, stack)
                for hint in hints:
                    await self._schedule.remove(hint)
            except Exception as error:
                where = {"stack": stack, "reason": str(error)}
                log.warning("a push waits", extra=where, exc_info=not isinstance(error, Unavailable))
                return False
        return True

    async def look_at(self, account_id: int, stack: str) -> None:
        """Push what is new of a stack, if it is time; send again what is owed, if it is time. Raises Unavailable."""
        kind, now = kind_of(stack), self._clock.now()
        pending, state = await asyncio.gather(
            self._stacks.pending(account_id, stack), self._stacks.state(account_id, stack)
        )
        seen_at = await self._wishes.seen_at(account_id) if pending or state.owed else _NEVER
        news = [one for one in pending if is_news(one, state, seen_at, now)]
        await self._forget(account_id, [one for one in pending if one not in news])
        if news and await self._may_push(account_id, kind, stack, state, news, seen_at, now):
            await self._begin(account_id, kind, stack, state, news, seen_at, now)
        else:
            await self._send_again(account_id, kind, stack, state, now)

    async def _may_push(
        self,
        account_id: int,
        kind: str,
        stack: str,
        state: StackState,
        news: Sequence[Pending],
        seen_at: datetime,
        now: datetime,
    ) -> bool:
        if not await self._wishes.wants(account_id, kind):
            await self._skip(account_id, news, "unwanted")
            return False
        if await self._presence.is_open(account_id):
            await self._skip(account_id, news, "streamed")
            return False
        later = max(earliest_push(kind, state, seen_at), await self._wishes.quiet_until(account_id, now) or _NEVER)
        if later > now:
            await self._schedule.add(Hint(_next_second(later), account_id, stack))
            return False
        return True

    async def _begin(
        self,
        account_id: int,
        kind: str,
        stack: str,
        state: StackState,
        news: Sequence[Pending],
        seen_at: datetime,
        now: datetime,
    ) -> None:
        subscriptions = await self._active(account_id, now)
        shown = await self._shown(account_id, {one.group_id for one in news}) if subscriptions else []
        if not shown:
            await self._skip(account_id, news, "hidden" if subscriptions else "no_device")
            return
        # The hint first: whatever follows, somebody looks again at what is owed.
        again = now + self._again_after
        await self._schedule.add(Hint(_next_second(again), account_id, stack))
        begun = pushed(kind, state, news, {one.id: again for one in subscriptions}, seen_at, now)
        await self._stacks.save(account_id, stack, begun)
        await failpoint(AFTER_BEGIN)
        await self._forget(account_id, news)
        self._offer(account_id, kind, stack, subscriptions, shown, now, lifetime(kind))

    async def _send_again(self, account_id: int, kind: str, stack: str, state: StackState, now: datetime) -> None:
        due = {id_ for id_, at in state.owed.items() if at <= now}
        if not due or state.pushed_at is None:
            return
        remaining = state.pushed_at + lifetime(kind) - now
        subscriptions = [one for one in await self._active(account_id, now) if one.id in due]
        streamed = await self._presence.is_open(account_id)
        shown = await self._shown(account_id, state.content) if subscriptions and not streamed else []
        if remaining <= timedelta() or not shown:
            owed = {id_: at for id_, at in state.owed.items() if id_ not in due}
            await self._stacks.save(account_id, stack, replace(state, owed=owed))
            return
        again = now + self._again_after
        await self._schedule.add(Hint(_next_second(again), account_id, stack))
        for one in subscriptions:
            await self._stacks.postpone(account_id, stack, one.id, again)
        self._offer(account_id, kind, stack, subscriptions, shown, state.pushed_at, remaining)

    async def _active(self, account_id: int, now: datetime) -> list[Subscription]:
        """Devices to push to. Deletes those of sessions that have ended."""
        found = await self._subscriptions.of_account(account_id)
        if not found:
            return []
        opened = await self._sessions.open_among(account_id, {one.session_id for one in found})
        for one in found:
            if one.session_id not in opened:
                await self._subscriptions.delete(one)
        return [
            one
            for one in found
            if one.session_id in opened and (one.quarantined_until is None or one.quarantined_until <= now)
        ]

    async def _shown(self, account_id: int, group_ids: Collection[str]) -> list[Shown]:
        return list((await self._sights.shown(account_id, group_ids)).values())

    def _offer(
        self,
        account_id: int,
        kind: str,
        stack: str,
        subscriptions: Sequence[Subscription],
        shown: Sequence[Shown],
        pushed_at: datetime,
        ttl: timedelta,
    ) -> None:
        topic = topic_of(self._topic_secret, account_id, stack)
        message = Message(
            payload_of(shown, tag=topic, app_url=self._app_url),
            payload_of(shown, tag=topic, app_url=self._app_url, bare=True),
            topic,
            urgency_of(kind),
            ttl,
        )
        for one in subscriptions:
            self._sender.offer(Push(one, stack, kind, pushed_at, message))

    async def _skip(self, account_id: int, pending: Sequence[Pending], reason: str) -> None:
        PUSHES_SKIPPED.labels(reason).inc()
        await self._forget(account_id, pending)

    async def _forget(self, account_id: int, pending: Sequence[Pending]) -> None:
        for one in pending:
            await self._stacks.remove(account_id, one.group_id, one.version)


def _next_second(moment: datetime) -> datetime:
    """Hints have whole seconds, and none is early."""
    return moment.replace(microsecond=0) + timedelta(seconds=1)
