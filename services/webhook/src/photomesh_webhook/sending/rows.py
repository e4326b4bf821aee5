"""What is sent, to whom, and what becomes of a row after a request. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from photomesh_webhook.endpoints.domain import Audience, DisabledReason, Ordering
from photomesh_webhook.sending.domain import GIVE_UP_AFTER, Health, Outcome, Verdict, failed, retry_delay, succeeded

__all__ = ["Answered", "Fate", "Row", "RowChange", "Target", "TargetChange", "due_at", "in_flight_limit", "settle"]

_PER_ENDPOINT = 8
_GIVEN_UP_HOURS = int(GIVE_UP_AFTER.total_seconds()) // 3_600
_AGAIN = timedelta(seconds=5)
"""When what an endpoint could not catch up with is tried again."""


@dataclass(frozen=True)
class Row:
    """An event that waits to be sent. `attempts`: failed ones, without probes."""

    id: int
    event_id: str
    type: str
    source: str
    subject: str
    event_time: datetime
    entityversion: int
    value: bytes = field(repr=False)
    attempts: int
    is_test: bool = False


@dataclass(frozen=True)
class Target:
    """An endpoint as its sender needs it. `secrets`: sealed ones that are live, newest first. `behind`: not all that it
    wants is a row."""

    id: int
    account_id: int
    audience: Audience
    url: str
    types: tuple[str, ...]
    ordering: Ordering
    enabled: bool
    behind: bool
    round: int
    health: Health
    secrets: tuple[bytes, ...] = field(default=(), repr=False)

    def in_flight_limit(self, now: datetime) -> int:
        """How many requests it may have at a time; tests come on top."""
        return in_flight_limit(self.health, now) if self.enabled else 0


def in_flight_limit(health: Health, now: datetime) -> int:
    """Fewer with every failure in a row, so that one that hangs does not keep many places; of an open circuit, one."""
    if not health.may_send(now):
        return 0
    return max(_PER_ENDPOINT - health.failures, 1)


def due_at(target: Target, test_at: datetime | None, row_at: datetime | None, now: datetime) -> datetime | None:
    """When somebody must look at an endpoint again that nobody works on. `test_at`, `row_at`: when the next attempt of
    a test, and of another row, is to be. None: not before it gets something to do."""
    moments = [test_at]
    if target.enabled:
        probe = target.health.next_probe_at or now
        if target.health.is_open:
            moments.append(max(probe, now) if target.behind or row_at is not None else None)
        else:
            moments.append(max(probe, row_at) if row_at is not None else None)
            moments.append(max(probe, now + _AGAIN) if target.behind else None)
    return min((moment for moment in moments if moment is not None), default=None)


class Fate(StrEnum):
    """What a row becomes."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    WITHHELD = "withheld"


@dataclass(frozen=True)
class Answered:
    """A request and what came of it; without a status, there was no answer. `withheld`: nothing was sent."""

    row: Row
    at: datetime
    verdict: Verdict | None
    status: int | None = None
    milliseconds: int | None = None
    answer: str | None = None
    error: str | None = None

    @classmethod
    def withheld(cls, row: Row, at: datetime) -> Answered:
        return cls(row, at, None)


@dataclass(frozen=True)
class RowChange:
    answered: Answered
    fate: Fate
    attempts: int
    next_attempt_at: datetime | None


@dataclass(frozen=True)
class TargetChange:
    """`closed`: the circuit closed: what waits is due at once. `opened`: it gets no rows until it is closed. `warn`:
    an event says that it has failed for so many hours; `recovered`: it works again, after such an event."""

    health: Health
    closed: bool = False
    opened: bool = False
    disable: DisabledReason | None = None
    warn: int | None = None
    recovered: bool = False

    @property
    def told_hours(self) -> int | None:
        """For how many hours the endpoint has failed, for an event that is due now; None without one."""
        if self.disable is not None:
            return _GIVEN_UP_HOURS if self.disable is DisabledReason.FAILING else 0
        return 0 if self.recovered else self.warn


def settle(
    health: Health, answers: Sequence[Answered], randomness: random.Random, *, enabled: bool = True
) -> tuple[Sequence[RowChange], TargetChange]:
    """What follows from answers, in their order. Tests of a disabled endpoint say nothing of its health."""
    before, rows, disable = health, list[RowChange](), None
    for one in answers:
        if one.verdict is None:
            rows.append(RowChange(one, Fate.WITHHELD, one.row.attempts, None))
            continue
        was_open = health.is_open
        if one.verdict.outcome is Outcome.ACCEPTED:
            rows.append(RowChange(one, Fate.DELIVERED, one.row.attempts + 1, None))
            health = succeeded(health) if enabled else health
            continue
        if enabled:
            health = failed(health, one.at, randomness, retry_after=one.verdict.retry_after)
            if one.verdict.outcome is Outcome.GONE:
                disable = DisabledReason.GONE
        rows.append(_after_failure(one, randomness, probe=was_open))
    last = answers[-1].at if answers else None
    if enabled and disable is None and last is not None and health.gives_up(last):
        disable = DisabledReason.FAILING
    warn = health.warning(last) if enabled and last is not None else None
    if warn is not None:
        health = replace(health, warned_hours=warn)
    return rows, TargetChange(
        health,
        closed=before.is_open and not health.is_open,
        opened=health.is_open and not before.is_open,
        disable=disable,
        warn=warn,
        recovered=bool(before.warned_hours) and not health.failures,
    )


def _after_failure(one: Answered, randomness: random.Random, *, probe: bool) -> RowChange:
    """A probe tells of its endpoint, not of its row, and uses up none of its attempts: the row is sent again when the
    circuit closes. Nothing is gained by trying a test again."""
    if one.row.is_test:
        return RowChange(one, Fate.FAILED, one.row.attempts + 1, None)
    if probe:
        return RowChange(one, Fate.PENDING, one.row.attempts, one.at)
    attempts = one.row.attempts + 1
    delay = retry_delay(attempts, randomness)
    if delay is None:
        return RowChange(one, Fate.FAILED, attempts, None)
    wait = max(delay, (one.verdict and one.verdict.retry_after) or timedelta())
    return RowChange(one, Fate.PENDING, attempts, one.at + wait)
