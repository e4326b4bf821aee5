"""The sender on a store in memory, by the event loop's clock, with receivers that a test answers for."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from photomesh_shared.errors import DatabaseUnavailable, ServiceUnavailable
from photomesh_shared.outbound import retry_after
from photomesh_webhook.endpoints.domain import Audience, Ordering
from photomesh_webhook.sending.domain import MAX_RETRY_AFTER, Health, Outcome, Verdict, classify
from photomesh_webhook.sending.rows import Answered, Fate, Row, RowChange, Target, TargetChange, due_at, settle
from photomesh_webhook.sending.sender import Sender
from photomesh_webhook.sending.sights import Sight, Sights
from tests.support.clock import LoopClock

__all__ = ["MemorySending", "Receivers", "SendingWorld"]

Respond = Callable[[Row], int | str]
"""A status, or `hang` or `reset`."""


@dataclass
class _Stored:
    """A row, and what became of it."""

    row: Row
    at: datetime | None
    fate: Fate = Fate.PENDING
    attempts: int = 0


class MemorySending:
    """Implements `protocols.Store`. While `down`, nothing answers."""

    def __init__(self) -> None:
        self.targets: dict[int, Target] = {}
        self.rows: defaultdict[int, dict[int, _Stored]] = defaultdict(dict)
        self.due_at: dict[int, datetime | None] = {}
        self.leases: dict[int, tuple[str, datetime]] = {}
        self.changes: defaultdict[int, list[TargetChange]] = defaultdict(list)
        self.down = False

    async def claim(self, worker: str, now: datetime, until: datetime, limit: int) -> list[int]:
        self._check()
        found = list[int]()
        for endpoint_id, at in sorted(self.due_at.items()):
            lease = self.leases.get(endpoint_id)
            if at is not None and at <= now and (lease is None or lease[1] <= now) and len(found) < limit:
                self.leases[endpoint_id] = (worker, until)
                found.append(endpoint_id)
        return found

    async def renew(self, endpoint_id: int, worker: str, until: datetime) -> bool:
        self._check()
        if self.leases.get(endpoint_id, ("", until))[0] != worker:
            return False
        self.leases[endpoint_id] = (worker, until)
        return True

    async def release(self, endpoint_id: int, worker: str, now: datetime, *, not_before: datetime | None) -> None:
        self._check()
        target = self.targets.get(endpoint_id)
        if target is None or self.leases.get(endpoint_id, ("", now))[0] != worker:
            return
        pending = [one for one in self.rows[endpoint_id].values() if one.fate is Fate.PENDING]
        tests = [one.at for one in pending if one.row.is_test and one.at]
        heads = {_lane(target, one.row): one for one in reversed(pending) if not one.row.is_test}
        rows = [one.at for one in heads.values() if one.at]
        at = due_at(target, min(tests, default=None), min(rows, default=None), now)
        self.due_at[endpoint_id] = max(at, not_before) if at and not_before else at
        del self.leases[endpoint_id]

    async def target(self, endpoint_id: int, now: datetime) -> Target | None:
        self._check()
        return self.targets.get(endpoint_id)

    async def due(self, target: Target, now: datetime, *, busy: Collection[Row], limit: int) -> list[Row]:
        self._check()
        taken = {_lane(target, row) for row in busy}
        tests_only = not (target.enabled and target.health.may_send(now))
        found = list[_Stored]()
        for one in self.rows[target.id].values():  # by id
            if one.fate is not Fate.PENDING or (tests_only and not one.row.is_test):
                continue
            lane = _lane(target, one.row)
            if lane in taken:
                continue
            taken.add(lane)
            assert one.at is not None
            if one.at <= now or (target.health.is_open and not one.row.is_test):
                found.append(one)
        found.sort(key=lambda one: (not one.row.is_test, one.at, one.row.id))
        return [replace(one.row, attempts=one.attempts) for one in found[:limit]]

    async def settle(self, target: Target, answers: Sequence[Answered], randomness: random.Random) -> None:
        self._check()
        current = self.targets.get(target.id)
        if current is None:
            return
        rows, change = settle(current.health, answers, randomness, enabled=current.enabled)
        for one in rows:
            self._change_row(target.id, one)
        self.changes[target.id].append(change)
        self.targets[target.id] = replace(
            current,
            health=change.health,
            behind=current.behind or change.opened,
            enabled=current.enabled and change.disable is None,
        )
        if change.closed:
            for stored in self.rows[target.id].values():
                if stored.fate is Fate.PENDING and stored.at:
                    stored.at = min(stored.at, answers[-1].at)

    async def revoke(self, target: Target, now: datetime, *, busy: Collection[Row]) -> None:
        self._check()
        self.targets[target.id] = replace(self.targets[target.id], enabled=False, behind=True)
        sent = {row.id for row in busy}
        for row_id, one in self.rows[target.id].items():
            if one.fate is Fate.PENDING and not one.row.is_test and row_id not in sent:
                one.fate, one.at = Fate.WITHHELD, None

    async def oldest_due(self, now: datetime) -> datetime | None:
        self._check()
        return None

    def _check(self) -> None:
        if self.down:
            raise DatabaseUnavailable

    def _change_row(self, endpoint_id: int, change: RowChange) -> None:
        stored = self.rows[endpoint_id][change.answered.row.id]
        if stored.fate is Fate.PENDING:
            stored.fate, stored.attempts, stored.at = change.fate, change.attempts, change.next_attempt_at


def _lane(target: Target, row: Row) -> object:
    return row.subject if target.ordering is Ordering.SUBJECT else row.id


class Receivers:
    """Implements `protocols.Channel`. `requests`: by endpoint, in the order in which they began, and when; `most`: at a
    time. A request takes `seconds`."""

    def __init__(self, clock: LoopClock) -> None:
        self._clock = clock
        self.seconds = 0.01
        self.answers: dict[int, Respond] = {}
        self.retry_after: str | None = None
        self.requests: defaultdict[int, list[Row]] = defaultdict(list)
        self.times: defaultdict[int, list[datetime]] = defaultdict(list)
        self.most: defaultdict[int, int] = defaultdict(int)
        self._busy: defaultdict[int, list[Row]] = defaultdict(list)

    async def send(self, target: Target, row: Row) -> Answered:
        self.requests[target.id].append(row)
        self.times[target.id].append(self._clock.now())
        busy = self._busy[target.id]
        if target.ordering is Ordering.SUBJECT:
            assert row.subject not in [one.subject for one in busy], "two of a lane at a time"
        busy.append(row)
        self.most[target.id] = max(self.most[target.id], len(busy))
        try:
            return await self._answer(target, row)
        finally:
            busy.remove(row)

    async def _answer(self, target: Target, row: Row) -> Answered:
        respond = self.answers.get(target.id)
        answer = respond(row) if respond else 200
        await asyncio.sleep(15 if answer == "hang" else self.seconds)
        now = self._clock.now()
        if isinstance(answer, str):
            return Answered(row, now, Verdict(Outcome.FAILED), error=answer)
        wait = retry_after(self.retry_after, now, longest=MAX_RETRY_AFTER)
        return Answered(row, now, classify(answer, wait), answer, 10)

    def subjects(self, endpoint_id: int) -> dict[str, list[int]]:
        """By subject, the ids of the rows that were sent, in order, each once if it was repeated at once."""
        found: dict[str, list[int]] = {}
        for row in self.requests[endpoint_id]:
            ids = found.setdefault(row.subject, [])
            if not ids or ids[-1] != row.id:
                ids.append(row.id)
        return found


class _Viewer:
    """Implements `protocols.Viewer`: sees all but what is hidden."""

    def __init__(self) -> None:
        self.hidden: set[int] = set()
        self.down = False

    async def sights(self, viewer_id: int, sights: Sequence[Sight]) -> Sights:
        if self.down:
            raise ServiceUnavailable("post")
        accounts = {one for sight in sights for one in sight.accounts}
        posts = {one for sight in sights for one in sight.posts}
        comments = {one for sight in sights for one in sight.comments}
        return Sights(accounts - self.hidden, posts - self.hidden, comments - self.hidden)


class _Operators:
    """Implements `protocols.Operators`: everybody is, but for those who were dismissed."""

    def __init__(self) -> None:
        self.dismissed: set[int] = set()
        self.down = False

    async def is_operator(self, account_id: int) -> bool:
        if self.down:
            raise ServiceUnavailable("identity")
        return account_id not in self.dismissed


class _CatchUp:
    """Implements `protocols.CatchUp`. `missed`: by endpoint, the subjects of events that are in topics only."""

    def __init__(self, world: SendingWorld) -> None:
        self._world = world
        self.missed: defaultdict[int, list[str]] = defaultdict(list)
        self.down = False

    async def step(self, target: Target) -> bool:
        if self.down:
            raise ServiceUnavailable("kafka")
        missed = self.missed[target.id]
        size = 10 if target.health.is_open else 1_000
        for subject in missed[:size]:
            self._world.add(target.id, subject)
        del missed[:size]
        if not missed:
            targets = self._world.store.targets
            targets[target.id] = replace(targets[target.id], behind=False)
        return True


class SendingWorld:
    """Everything around one or more senders."""

    def __init__(self, *, poll_seconds: float = 1.0) -> None:
        self._poll_seconds = poll_seconds
        self.clock = LoopClock()
        self.store = MemorySending()
        self.receivers = Receivers(self.clock)
        self.viewer = _Viewer()
        self.operators = _Operators()
        self.catch_up = _CatchUp(self)
        self._ids = iter(range(1, 10**9))

    def sender(self, seed: int = 1) -> Sender:
        return Sender(
            self.store,
            self.receivers,
            self.viewer,
            self.operators,
            self.catch_up,
            self.clock,
            randomness=random.Random(seed),
            poll_seconds=self._poll_seconds,
        )

    def endpoint(
        self, *, ordering: Ordering = Ordering.SUBJECT, audience: Audience = Audience.EVERYONE, account_id: int = 1
    ) -> int:
        endpoint_id = next(self._ids)
        self.store.targets[endpoint_id] = Target(
            id=endpoint_id,
            account_id=account_id,
            audience=audience,
            url="https://example.com",
            types=(),
            ordering=ordering,
            enabled=True,
            behind=False,
            round=0,
            health=Health(),
        )
        self.store.due_at[endpoint_id] = None
        return endpoint_id

    def add(
        self, endpoint_id: int, subject: str = "o_1", *, type_: str = "t", value: bytes = b"{}", is_test: bool = False
    ) -> int:
        """Adds a row, as the consumer and the API do."""
        row_id, now = next(self._ids), self.clock.now()
        row = Row(row_id, f"e{row_id}", type_, "/tests", subject, now, row_id, value, 0, is_test)
        self.store.rows[endpoint_id][row_id] = _Stored(row, now)
        at = self.store.due_at[endpoint_id]
        self.store.due_at[endpoint_id] = min(at, now) if at else now
        return row_id

    def happens(self, endpoint_id: int, subject: str) -> None:
        """An event, of which an endpoint that is behind gets no row."""
        if self.store.targets[endpoint_id].behind:
            self.catch_up.missed[endpoint_id].append(subject)
        else:
            self.add(endpoint_id, subject)

    def fates(self, endpoint_id: int) -> dict[int, Fate]:
        return {row_id: one.fate for row_id, one in self.store.rows[endpoint_id].items()}

    def all_delivered(self, endpoint_id: int) -> bool:
        return set(self.fates(endpoint_id).values()) == {Fate.DELIVERED}

    async def run(self, duration: timedelta, *, senders: int = 1) -> None:
        """Lets one or two senders work for so long."""
        first, second = self.sender(1), self.sender(2)
        async with first.running():
            if senders == 1:
                await asyncio.sleep(duration.total_seconds())
                return
            async with second.running():
                await asyncio.sleep(duration.total_seconds())
