"""The open streams of this process, and what they are sent.

One subscription for each account that has a stream here tells what changed. Changes wait for a second after the last
delivery, so that a popular post is one event a second; of a group that changed several times the newest is sent.

Nothing is lost between a subscription that broke and the next: each confirmation of a subscription reads the log from
where the account stands. A stream stands somewhere itself, so what it has is not sent again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from photomesh_notification.errors import NotificationsUnavailable, StreamsFull, TooManyStreams
from photomesh_notification.metrics import OPEN_STREAMS, RESETS, STREAM_PLACES, STREAMS_ENDED
from photomesh_notification.streams.domain import Entry, Opened, Position, newest_of_each, ordered, position_of
from photomesh_notification.streams.listeners import Listener, event_of, push
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.errors import Unavailable
from photomesh_shared.http.event_stream import End, EventStream, StreamLimits

__all__ = ["MAX_PENDING", "Channel", "Hub", "Log"]

log = logging.getLogger(__name__)

MAX_PENDING = 200
"""Groups of an account that wait for delivery; with more, its clients read the list again."""
_RENEW_SECONDS = 30.0
_CONFIRM_SECONDS = 5.0
_BACKOFF = Backoff(base=1.0, cap=15.0)


class Channel(Protocol):
    """The subscription of this process. See `store.channel.RedisChannel`."""

    async def subscribe(self, account_id: int) -> None: ...
    async def unsubscribe(self, account_id: int) -> None: ...


class Log(Protocol):
    """The accounts' logs and leases. See `store.streams.StreamLog`."""

    async def open(self, account_id: int, lease: str, last_id: str | None) -> Opened | None:
        """None if the account has its share of streams."""
        ...

    async def resume(self, account_id: int, last_id: str) -> Opened: ...
    async def renew(self, leases: Collection[tuple[int, str]]) -> set[int]:
        """Returns the accounts whose log is gone."""
        ...

    async def close(self, account_id: int, lease: str) -> None: ...


@dataclass(eq=False, slots=True)
class _Account:
    """`position`: up to where the subscription, or the log in its place, has told everything."""

    id: int
    streams: list[Listener] = field(default_factory=list)
    position: Position = (0, 0)
    last_id: str = "0-0"
    pending: dict[str, Entry] = field(default_factory=dict)
    confirmations: int = 0
    confirmation: asyncio.Future[None] | None = None
    """The first, while somebody waits for it."""
    catching_up: bool = False
    missed: bool = False
    """Something changed while the account was catching up."""
    delivery: asyncio.Task[None] | None = None
    last_delivery: float = float("-inf")


class Hub:
    def __init__(
        self,
        channel: Channel,
        log_: Log,
        clock: Clock,
        *,
        max_streams: int = 20_000,
        event_seconds: float = 1.0,
        limits: StreamLimits | None = None,
    ) -> None:
        """`event_seconds`: between two deliveries to an account."""
        self._channel, self._log, self._clock = channel, log_, clock
        self._max_streams, self._event_seconds = max_streams, event_seconds
        self._limits = limits or StreamLimits()
        self._accounts: dict[int, _Account] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = 0
        OPEN_STREAMS.set_function(lambda: self._open)
        STREAM_PLACES.set(max_streams)

    async def open(self, account_id: int, last_id: str | None, expires_in: float) -> EventStream:
        """Begins a stream. Raises TooManyStreams, StreamsFull and NotificationsUnavailable."""
        if self._open >= self._max_streams:
            raise StreamsFull
        account = self._accounts.get(account_id)
        first = account is None
        if account is None:
            account = self._accounts[account_id] = _Account(account_id)

        async def on_end(why: End) -> None:
            await self._ended(account, one, why)

        one = Listener(secrets.token_urlsafe(9), EventStream(expires_in=expires_in, on_end=on_end, limits=self._limits))
        account.streams.append(one)  # from here on it hears of changes
        self._open += 1
        try:
            await self._subscribed(account, first=first)
            confirmations = account.confirmations
            opened = await self._log.open(account_id, one.lease, last_id if last_id and position_of(last_id) else None)
            if opened is None:
                raise TooManyStreams
        except BaseException:
            self._open -= 1
            await self._forget(account, one)
            raise
        self._begin(account, one, last_id, opened)
        if account.confirmations != confirmations:
            self._catch_up_soon(account)
        return one.stream

    def _begin(self, account: _Account, one: Listener, last_id: str | None, opened: Opened) -> None:
        begins_at, stream = opened.last_id, one.stream
        if opened.known and last_id is not None:
            begins_at = last_id
            stream.push(event_of("ready", {"resumed": True}, begins_at, stream.retry))
        elif last_id is not None:
            RESETS.labels("unknown-position").inc()
            stream.push(event_of("reset", {"reason": "unknown_position"}, begins_at, stream.retry))
        else:
            stream.push(event_of("ready", {"resumed": False}, begins_at, stream.retry))
        if account.position == (0, 0):
            self._note(account, position_of(opened.last_id), opened.last_id)
        missed, one.meanwhile, one.position = one.meanwhile or [], None, position_of(begins_at) or (0, 0)
        push([one], ordered(newest_of_each([*missed, *opened.entries])))

    async def _subscribed(self, account: _Account, *, first: bool) -> None:
        if first:
            await self._channel.subscribe(account.id)
        if account.confirmations:
            return
        if account.confirmation is None:
            account.confirmation = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(_CONFIRM_SECONDS):
                await asyncio.shield(account.confirmation)
        except TimeoutError:
            raise NotificationsUnavailable("Redis does not confirm the subscription") from None

    async def _ended(self, account: _Account, one: Listener, why: End) -> None:
        STREAMS_ENDED.labels(why.value).inc()
        self._open -= 1
        try:
            await self._log.close(account.id, one.lease)
        except Unavailable:
            log.info("the lease of a stream is left to expire")
        await self._forget(account, one)

    async def _forget(self, account: _Account, one: Listener) -> None:
        account.streams.remove(one)
        if account.streams:
            return
        del self._accounts[account.id]
        if account.delivery is not None:
            account.delivery.cancel()
        try:
            await self._channel.unsubscribe(account.id)
        except Unavailable:
            log.info("unsubscribing is left to the next connection")

    # --- what the subscription says

    @property
    def account_ids(self) -> Collection[int]:
        """The accounts to be subscribed for."""
        return self._accounts.keys()

    def confirmed(self, account_id: int) -> None:
        """A subscription of the account is in force, for the first time or again: what came before it is in the log."""
        if (account := self._accounts.get(account_id)) is None:
            return
        account.confirmations += 1
        if account.confirmations > 1:
            self._catch_up_soon(account)
        elif account.confirmation is not None:
            account.confirmation.set_result(None)
            account.confirmation = None

    def changed(self, account_id: int, entry: Entry) -> None:
        if (account := self._accounts.get(account_id)) is None:
            return
        if account.catching_up:  # what comes after a gap is read with it
            account.missed = True
        else:
            self._note(account, entry.position, entry.id)
            self._add(account, [entry])

    def _catch_up_soon(self, account: _Account) -> None:
        account.missed = True
        if not account.catching_up and any(one.opened for one in account.streams):
            account.catching_up = True
            self._in_background(self._catch_up(account))

    async def _catch_up(self, account: _Account) -> None:
        """Reads the log from where the account stands, until nothing changes meanwhile."""
        failures = 0
        try:
            while account.missed and account.streams:
                account.missed = False
                try:
                    resumed = await self._log.resume(account.id, account.last_id)
                except Unavailable:
                    failures += 1
                    account.missed = True
                    await self._clock.sleep(_BACKOFF.delay(failures))
                    continue
                if not resumed.known:
                    self._reset(account, resumed.last_id, "lost")
                self._note(account, position_of(resumed.last_id), resumed.last_id)
                self._add(account, resumed.entries)
        finally:
            account.catching_up = False

    def _reset(self, account: _Account, last_id: str, reason: str) -> None:
        """Tells the account's clients to read the list again, and goes on from there."""
        account.pending.clear()
        account.position, account.last_id = position_of(last_id) or (0, 0), last_id
        for one in account.streams:
            if one.opened:
                one.reset(last_id, reason)

    async def renew(self) -> None:
        """Keeps the leases of open streams, in the background; never returns."""
        while True:
            await self._clock.sleep(_RENEW_SECONDS)
            leases = [(account.id, one.lease) for account in self._accounts.values() for one in account.streams]
            try:
                gone = await self._log.renew(leases)
            except Unavailable:
                log.warning("the leases of streams are not renewed: Redis does not answer")
                continue
            for account_id in gone:
                if (account := self._accounts.get(account_id)) is not None:
                    self._catch_up_soon(account)

    # --- delivery

    @staticmethod
    def _note(account: _Account, position: Position | None, entry_id: str) -> None:
        """Moves the account's position forward."""
        if position is not None and position > account.position:
            account.position, account.last_id = position, entry_id

    def _add(self, account: _Account, entries: Sequence[Entry]) -> None:
        if account.delivery is None and len(entries) == 1:
            now = self._clock.monotonic()
            if now >= account.last_delivery + self._event_seconds:  # the usual case, without a task
                account.last_delivery = now
                push(account.streams, entries)
                return
        account.pending = newest_of_each([*account.pending.values(), *entries])
        if len(account.pending) > MAX_PENDING:
            self._reset(account, account.last_id, "too-many")
        if account.pending and account.delivery is None:
            account.delivery = asyncio.create_task(self._deliver(account))

    async def _deliver(self, account: _Account) -> None:
        try:
            while account.pending:
                await self._clock.sleep(max(0.0, account.last_delivery + self._event_seconds - self._clock.monotonic()))
                account.last_delivery = self._clock.monotonic()
                entries, account.pending = account.pending, {}
                push(account.streams, ordered(entries))
        finally:
            account.delivery = None

    def _in_background(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
