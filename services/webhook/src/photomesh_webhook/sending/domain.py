"""When what is sent, and what an answer means. Pure.

A **row** is an event for an endpoint; what fails is tried again by a schedule of its own. The **circuit** of an
endpoint opens when nothing gets through: from then on it gets one request at a time, a probe, until one succeeds.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

__all__ = [
    "GIVE_UP_AFTER",
    "MAX_ATTEMPTS",
    "MAX_RETRY_AFTER",
    "OPENS_AFTER",
    "WARNINGS_HOURS",
    "Health",
    "Outcome",
    "Verdict",
    "classify",
    "failed",
    "retry_delay",
    "succeeded",
]

_SECOND, _MINUTE, _HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
_SCHEDULE: Final = (
    5 * _SECOND,
    _MINUTE,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    20 * _HOUR,
)
"""After the first failure of a row, the second …: 72 hours in all."""
MAX_ATTEMPTS = len(_SCHEDULE) + 1
_JITTER = 0.2
MAX_RETRY_AFTER = _HOUR
"""An answer can put off what is to be sent for so long at most."""

OPENS_AFTER = 10
"""Failures in a row that open an endpoint's circuit."""
_FIRST_PROBE, _LAST_PROBE = 5 * _SECOND, _HOUR
_PROBE_PART = 60
"""A probe follows after this part of the time for which the endpoint has failed: so a return is noticed soon, after an
outage of minutes as of days, by some 500 requests in 72 hours."""
GIVE_UP_AFTER = 72 * _HOUR
_GIVE_UP_ATTEMPTS = 20
WARNINGS_HOURS: Final = (1, 24, 48)
"""Hours of failing after which an event says so, for the owner."""


class Outcome(StrEnum):
    """What became of a request."""

    ACCEPTED = "accepted"
    FAILED = "failed"
    GONE = "gone"
    """410: the receiver wants nothing more."""


@dataclass(frozen=True)
class Verdict:
    """`retry_after`: how long the receiver asks us to wait."""

    outcome: Outcome
    retry_after: timedelta | None = None


def classify(status: int, wait: timedelta | None = None) -> Verdict:
    """What an answer means; `wait`: what it asks for. A redirect is a failure: its target was not registered."""
    if 200 <= status < 300:
        return Verdict(Outcome.ACCEPTED)
    if status == 410:
        return Verdict(Outcome.GONE)
    if status in (429, 502, 503, 504):
        return Verdict(Outcome.FAILED, wait)
    return Verdict(Outcome.FAILED)


def retry_delay(attempts: int, randomness: random.Random) -> timedelta | None:
    """How long after its latest failure a row is tried again. None if there were enough attempts."""
    if attempts > len(_SCHEDULE):
        return None
    return _SCHEDULE[attempts - 1] * randomness.uniform(1 - _JITTER, 1 + _JITTER)


@dataclass(frozen=True)
class Health:
    """How an endpoint has answered. `failures`: in a row; `attempts_failed`: since `failing_since`, when the first of
    them was; `next_probe_at`: the circuit is open, or the receiver asked us to wait: nothing is sent before."""

    failures: int = 0
    attempts_failed: int = 0
    failing_since: datetime | None = None
    next_probe_at: datetime | None = None
    warned_hours: int = 0

    @property
    def is_open(self) -> bool:
        return self.failures >= OPENS_AFTER

    @property
    def is_well(self) -> bool:
        return not self.failures and self.next_probe_at is None

    def may_send(self, now: datetime) -> bool:
        return self.next_probe_at is None or self.next_probe_at <= now

    def gives_up(self, now: datetime) -> bool:
        """Whether the endpoint is to be disabled."""
        return (
            self.failing_since is not None
            and now - self.failing_since >= GIVE_UP_AFTER
            and self.attempts_failed >= _GIVE_UP_ATTEMPTS
        )

    def warning(self, now: datetime) -> int | None:
        """The hours of failing that an event is due for; the highest if several have passed."""
        if self.failing_since is None:
            return None
        passed = [
            hours for hours in WARNINGS_HOURS if now - self.failing_since >= hours * _HOUR and hours > self.warned_hours
        ]
        return max(passed, default=None)


def succeeded(health: Health) -> Health:
    """A success closes the circuit. A wait that the receiver asked for stays."""
    return Health(next_probe_at=None if health.failures else health.next_probe_at)


def failed(
    health: Health, now: datetime, randomness: random.Random, *, retry_after: timedelta | None = None, requests: int = 1
) -> Health:
    """After `requests` more failures in a row."""
    since = health.failing_since or now
    after = replace(
        health,
        failures=health.failures + requests,
        attempts_failed=health.attempts_failed + requests,
        failing_since=since,
    )
    wait = retry_after or timedelta()
    if after.is_open:
        pause = min(max((now - since) / _PROBE_PART, _FIRST_PROBE), _LAST_PROBE)
        wait = max(wait, pause * randomness.uniform(1 - _JITTER, 1 + _JITTER))
    return replace(after, next_probe_at=now + wait if wait else health.next_probe_at)
