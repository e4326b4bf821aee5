"""Sends to one endpoint.

A request that was answered, and is not noted before a crash, is sent again with the same `webhook-id`: at least once.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.errors import Unavailable
from photomesh_shared.failpoints import declare, failpoint
from photomesh_webhook.endpoints.domain import Audience
from photomesh_webhook.sending.metrics import IN_FLIGHT, count
from photomesh_webhook.sending.protocols import CatchUp, Channel, Operators, Store, Viewer
from photomesh_webhook.sending.rows import Answered, Row, Target
from photomesh_webhook.sending.sights import Sight, Sights, sight_of

__all__ = ["LEASE", "EndpointSender"]

log = logging.getLogger(__name__)

AFTER_ANSWER = declare("webhook.after_answer", "the receiver has answered, which is not noted")
AFTER_SETTLE = declare("webhook.after_settle", "what an answer means is noted, the next request is not begun")

LEASE = timedelta(seconds=30)
_RENEW_SECONDS = 10.0
_AHEAD = 32
_FRESH = timedelta(seconds=5)
"""How old an answer about what the owner may see can be when the request begins."""
_AWAY = timedelta(seconds=5)
_BACKOFF = Backoff(base=0.5, cap=5.0)


class EndpointSender:
    """Works under the endpoint's lease."""

    def __init__(
        self,
        store: Store,
        channel: Channel,
        viewer: Viewer,
        operators: Operators,
        catch_up: CatchUp,
        clock: Clock,
        *,
        worker: str,
        places: asyncio.Semaphore,
        stop: asyncio.Event,
        randomness: random.Random,
        poll_seconds: float,
    ) -> None:
        """`places`: requests in flight, of all endpoints."""
        self._store = store
        self._channel = channel
        self._viewer = viewer
        self._operators = operators
        self._catch_up = catch_up
        self._clock = clock
        self._worker = worker
        self._places = places
        self._stop = stop
        self._randomness = randomness
        self._poll_seconds = poll_seconds

    async def work(self, endpoint_id: int) -> None:
        """Send until nothing is due, the lease is lost, or the process stops."""
        lost = asyncio.Event()
        renewing = asyncio.create_task(self._renew(endpoint_id, lost))
        not_before: datetime | None = None
        try:
            not_before = await self._send_all(endpoint_id, lost)
        except Unavailable as error:
            log.warning("an endpoint waits", extra={"endpoint_id": endpoint_id, "reason": str(error)})
            not_before = self._clock.now() + _AWAY
        except Exception:
            log.exception("an endpoint could not be worked on", extra={"endpoint_id": endpoint_id})
            not_before = self._clock.now() + _AWAY
        finally:
            renewing.cancel()
            with suppress(Unavailable):  # the lease expires
                await self._store.release(endpoint_id, self._worker, self._clock.now(), not_before=not_before)

    async def _send_all(self, endpoint_id: int, lost: asyncio.Event) -> datetime | None:
        """Returns when to look again at the earliest, if it is not to be at once."""
        flight = _Flight()
        not_before: datetime | None = None
        try:
            while not (lost.is_set() or self._stop.is_set()):
                now = self._clock.now()
                target = await self._store.target(endpoint_id, now)
                if target is None:
                    break
                waits = await self._fill(target, flight, now)
                if flight.revoked:
                    flight.revoked = False
                    continue
                if not flight.tasks:
                    if waits:
                        not_before = now + _AWAY
                        break
                    if await self._caught_up_some(target, now):
                        continue
                    break
                await flight.wait(self._poll_seconds)
                await self._settle(target, flight)
        finally:
            await self._land(endpoint_id, flight)
        return not_before

    async def _caught_up_some(self, target: Target, now: datetime) -> bool:
        """Of an open circuit, only when its probe is due and has nothing to send."""
        if not (target.enabled and target.behind and target.health.may_send(now)):
            return False
        return await self._catch_up.step(target)

    async def _fill(self, target: Target, flight: _Flight, now: datetime) -> bool:
        """Begin as many requests as may be. Returns whether some wait for the service that knows what may be seen."""
        waits = False
        room = target.in_flight_limit(now) - len(flight.tasks)
        flight.forget_older_than(now - _FRESH)
        if not flight.ready and (room > 0 or not flight.tasks):
            busy = [*flight.rows.values()]
            rows = await self._store.due(target, now, busy=busy, limit=_AHEAD)
            waits = await self._check(target, rows, flight, now)
        while flight.ready and (room > 0 or flight.ready[0].is_test):
            room -= 1
            flight.begin(self._send(target, row := flight.ready.popleft()), row)
        return waits

    async def _check(self, target: Target, rows: Sequence[Row], flight: _Flight, now: datetime) -> bool:
        """Sort rows into those that may be sent, and those that the owner may not see any more. Everybody's events are
        for administrators: without the role the endpoint ends, and without an answer they wait."""
        if target.audience is Audience.EVERYONE and not all(row.is_test for row in rows):
            allowed = await self._is_operator(target)
            if allowed is not True:
                flight.checked_at = now
                flight.ready.extend(row for row in rows if row.is_test)
                if allowed is False:
                    await self._store.revoke(target, now, busy=list(flight.rows.values()))
                    flight.revoked = True
                    log.warning("an endpoint ended with its owner's role", extra={"endpoint_id": target.id})
                return allowed is None
        asked: Mapping[int, Sight] = {}
        if target.audience is Audience.OWN:
            sights = ((row.id, sight_of(target.account_id, row.type, row.value)) for row in rows if not row.is_test)
            asked = {row_id: sight for row_id, sight in sights if sight}
        seen = Sights()
        waits = False
        if asked:
            try:
                seen = await self._viewer.sights(target.account_id, list(asked.values()))
            except Unavailable as error:
                log.warning("what may be seen is not known", extra={"reason": str(error)})
                waits = True
        flight.checked_at = now
        for row in rows:
            sight = asked.get(row.id)
            if sight is None or (not waits and seen.show(sight)):
                flight.ready.append(row)
            elif not waits:
                flight.withheld.append(Answered.withheld(row, now))
        if flight.withheld:
            await self._settle(target, flight)
        return waits

    async def _is_operator(self, target: Target) -> bool | None:
        """None: it is not known."""
        try:
            return await self._operators.is_operator(target.account_id)
        except Unavailable as error:
            log.warning("who is an administrator is not known", extra={"reason": str(error)})
            return None

    async def _send(self, target: Target, row: Row) -> Answered:
        async with self._places:
            with IN_FLIGHT.track_inprogress():
                answered = await self._channel.send(target, row)
        await failpoint(AFTER_ANSWER)
        return answered

    async def _settle(self, target: Target, flight: _Flight) -> None:
        """Note what came of requests; as long as that cannot be, nothing else is sent."""
        answers = [*flight.withheld, *flight.answers()]
        failures = 0
        while answers:
            try:
                await self._store.settle(target, answers, self._randomness)
            except Unavailable as error:
                failures += 1
                log.warning("what became of requests cannot be noted", extra={"reason": str(error)})
                if self._stop.is_set():
                    raise
                await self._clock.sleep(_BACKOFF.delay(failures))
                continue
            break
        flight.withheld.clear()
        for one in answers:
            flight.rows.pop(one.row.id, None)
            count(one)
        if answers:
            await failpoint(AFTER_SETTLE)

    async def _land(self, endpoint_id: int, flight: _Flight) -> None:
        """Let requests in flight end, and note what came of them. If that cannot be, none is left behind: another
        process may get the lease."""
        try:
            while flight.tasks:
                await flight.wait(self._poll_seconds)
                target = await self._store.target(endpoint_id, self._clock.now())
                if target is None:
                    return
                await self._settle(target, flight)
        finally:
            flight.cancel()

    async def _renew(self, endpoint_id: int, lost: asyncio.Event) -> None:
        """Keeps the lease while there is work. Sets `lost` when another process may have it."""
        kept_until = self._clock.now() + LEASE
        while not lost.is_set():
            await self._clock.sleep(_RENEW_SECONDS)
            now = self._clock.now()
            try:
                kept = await self._store.renew(endpoint_id, self._worker, now + LEASE)
                kept_until = now + LEASE
            except Unavailable:
                kept = now + timedelta(seconds=_RENEW_SECONDS) < kept_until
            if not kept:
                log.warning("the lease of an endpoint is lost", extra={"endpoint_id": endpoint_id})
                lost.set()


class _Flight:
    """The requests to one endpoint. `rows`: those that are sent, or whose answer is not noted; `ready`: checked, and
    next; `withheld`: to be noted; `revoked`: the endpoint was disabled just now."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[Answered]] = set()
        self.rows: dict[int, Row] = {}
        self.ready: deque[Row] = deque()
        self.withheld: list[Answered] = []
        self.checked_at: datetime | None = None
        self.revoked = False
        self._done: list[Answered] = []

    def begin(self, sending: Coroutine[object, object, Answered], row: Row) -> None:
        self.tasks.add(asyncio.create_task(sending))
        self.rows[row.id] = row

    def forget_older_than(self, limit: datetime) -> None:
        if self.checked_at is not None and self.checked_at < limit:
            self.ready.clear()

    async def wait(self, seconds: float) -> None:
        """Wait for an answer, for so long at most. Raises what a request raised."""
        done, self.tasks = await asyncio.wait(self.tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        errors = [error for task in done if (error := task.exception())]
        self._done += [task.result() for task in done if task.exception() is None]
        if errors:
            raise errors[0]

    def answers(self) -> list[Answered]:
        done, self._done = self._done, []
        return done

    def cancel(self) -> None:
        for task in self.tasks:
            task.cancel()
        self.tasks.clear()
