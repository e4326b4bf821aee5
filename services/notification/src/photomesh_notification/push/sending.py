"""Sends pushes, each in a task of its own: a push service that is slow or dead delays nobody but its own devices."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_notification.push.domain import QUARANTINE, Hint, Outcome, Subscription, Verdict, lifetime, retry_at
from photomesh_notification.push.metrics import PUSH_SECONDS, PUSHES
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["Channel", "Message", "Push", "PushSender"]

log = logging.getLogger(__name__)

AFTER_SEND = declare("push.after_send", "the push service has accepted a push, which is not noted")

_PER_ORIGIN = 32
_IN_ALL = 2_000
"""Pushes that are being sent or wait for their origin. What is above that is tried again a minute later."""
_MAX_WAIT = timedelta(seconds=30)
"""What has waited longer for its origin is left to the next try, which must not meet it."""
_DRAIN_SECONDS = 10.0


@dataclass(frozen=True)
class Message:
    """What a device gets. `bare` is the payload without names, if the other is too large for the push service."""

    payload: bytes = field(repr=False)
    bare: bytes = field(repr=False)
    topic: str
    urgency: str
    ttl: timedelta


@dataclass(frozen=True)
class Push:
    """A message of a stack for one device. `pushed_at`: when the push of the stack began."""

    subscription: Subscription
    stack: str
    kind: str
    pushed_at: datetime
    message: Message


class Channel(Protocol):
    """A way to devices: Web Push now; one for FCM or APNs would have the same form."""

    def origin(self, subscription: Subscription) -> str:
        """What pushes have in common that may be slow together."""
        ...

    async def send(self, subscription: Subscription, message: Message) -> Verdict: ...


class Subscriptions(Protocol):
    """See `store.CassandraSubscriptions`."""

    async def delete(self, subscription: Subscription) -> None: ...
    async def quarantine(self, subscription: Subscription, until: datetime) -> None: ...


class Stacks(Protocol):
    """See `store.CassandraPushes`."""

    async def postpone(self, account_id: int, stack: str, subscription_id: int, at: datetime) -> None: ...
    async def settle(self, account_id: int, stack: str, subscription_id: int) -> None: ...


class Schedule(Protocol):
    """See `store.CassandraSchedule`."""

    async def add(self, hint: Hint) -> None: ...


class PushSender:
    """At least once: a push that was accepted, and not noted before a crash, is sent again. It has the same Topic and
    tag, so a device shows one."""

    def __init__(
        self,
        channel: Channel,
        subscriptions: Subscriptions,
        stacks: Stacks,
        schedule: Schedule,
        clock: Clock,
        *,
        per_origin: int = _PER_ORIGIN,
        in_all: int = _IN_ALL,
    ) -> None:
        self._channel = channel
        self._subscriptions = subscriptions
        self._stacks = stacks
        self._schedule = schedule
        self._clock = clock
        self._per_origin = per_origin
        self._in_all = in_all
        self._tasks: set[asyncio.Task[None]] = set()
        self._places: dict[str, asyncio.Semaphore] = {}
        self._users: Counter[str] = Counter()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """On exit, lets what is being sent end, for a while. What is cancelled then is still owed."""
        try:
            yield
        finally:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_DRAIN_SECONDS)
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def offer(self, push: Push) -> bool:
        """Begin to send a push. False if too many are on their way: it stays owed."""
        if len(self._tasks) >= self._in_all:
            PUSHES.labels("crowded").inc()
            return False
        task = asyncio.create_task(self._run(push))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _run(self, push: Push) -> None:
        offered_at = self._clock.now()
        async with self._place(self._channel.origin(push.subscription)):
            if self._clock.now() - offered_at > _MAX_WAIT:
                PUSHES.labels("crowded").inc()
                return
            try:
                await self._send(push)
            except Unavailable as error:
                log.warning("what became of a push is not noted", extra={"reason": str(error)})
            except Exception:
                log.exception("a push failed")
                PUSHES.labels("error").inc()

    @asynccontextmanager
    async def _place(self, origin: str) -> AsyncIterator[None]:
        places = self._places.setdefault(origin, asyncio.Semaphore(self._per_origin))
        self._users[origin] += 1
        try:
            async with places:
                yield
        finally:
            self._users[origin] -= 1
            if not self._users[origin]:
                del self._users[origin], self._places[origin]

    async def _send(self, push: Push) -> None:
        started = self._clock.monotonic()
        verdict = await self._channel.send(push.subscription, push.message)
        PUSH_SECONDS.observe(self._clock.monotonic() - started)
        await failpoint(AFTER_SEND)
        await self._outcomes[verdict.outcome](self, push, verdict)

    async def _accepted(self, push: Push, verdict: Verdict) -> None:
        PUSHES.labels("accepted").inc()
        await self._settle(push)

    async def _gone(self, push: Push, verdict: Verdict) -> None:
        PUSHES.labels("gone").inc()
        await self._subscriptions.delete(push.subscription)
        await self._settle(push)

    async def _refused(self, push: Push, verdict: Verdict) -> None:
        where = {"origin": self._channel.origin(push.subscription), "subscription_id": push.subscription.id}
        log.error("a push service refuses our pushes", extra=where)
        PUSHES.labels("refused").inc()
        await self._subscriptions.quarantine(push.subscription, self._clock.now() + QUARANTINE)
        await self._settle(push)

    async def _too_large(self, push: Push, verdict: Verdict) -> None:
        """Even without names: nothing helps."""
        PUSHES.labels("too_large").inc()
        log.error("a push is too large", extra={"origin": self._channel.origin(push.subscription)})
        await self._settle(push)

    async def _later(self, push: Push, verdict: Verdict) -> None:
        now = self._clock.now()
        at = retry_at(push.pushed_at, now, verdict.retry_after)
        if at > push.pushed_at + lifetime(push.kind):
            PUSHES.labels("expired").inc()
            await self._settle(push)
            return
        PUSHES.labels("later").inc()
        account_id = push.subscription.account_id
        await self._schedule.add(Hint(at, account_id, push.stack))
        await self._stacks.postpone(account_id, push.stack, push.subscription.id, at)

    async def _settle(self, push: Push) -> None:
        await self._stacks.settle(push.subscription.account_id, push.stack, push.subscription.id)

    _outcomes: dict[Outcome, Callable[[PushSender, Push, Verdict], Awaitable[None]]] = {  # noqa: RUF012 - constant
        Outcome.ACCEPTED: _accepted,
        Outcome.GONE: _gone,
        Outcome.TOO_LARGE: _too_large,
        Outcome.LATER: _later,
        Outcome.REFUSED: _refused,
    }
