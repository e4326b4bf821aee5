"""Schedules, answers, and an endpoint's circuit."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from photomesh_webhook.sending.domain import (
    GIVE_UP_AFTER,
    MAX_ATTEMPTS,
    OPENS_AFTER,
    Health,
    Outcome,
    Verdict,
    classify,
    failed,
    retry_delay,
    succeeded,
)

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_row_is_tried_for_three_days_with_growing_pauses() -> None:
    delays = [retry_delay(attempts, random.Random(1)) for attempts in range(1, MAX_ATTEMPTS)]
    assert all(one is not None for one in delays)
    total = sum((one for one in delays if one), timedelta())
    assert 0.8 * 71 * HOUR <= total <= 1.2 * 72 * HOUR
    assert retry_delay(MAX_ATTEMPTS, random.Random(1)) is None


def test_pauses_differ_so_that_rows_do_not_come_together() -> None:
    randomness = random.Random(1)
    delays = [retry_delay(2, randomness) for _ in range(100)]
    seconds = [one.total_seconds() for one in delays if one]
    assert len(set(seconds)) > 50
    assert 48 <= min(seconds) < 52
    assert 68 < max(seconds) <= 72


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.ACCEPTED),
        (204, Outcome.ACCEPTED),
        (299, Outcome.ACCEPTED),
        (301, Outcome.FAILED),
        (302, Outcome.FAILED),
        (400, Outcome.FAILED),
        (404, Outcome.FAILED),
        (410, Outcome.GONE),
        (429, Outcome.FAILED),
        (500, Outcome.FAILED),
        (503, Outcome.FAILED),
    ],
)
def test_what_an_answer_means(status: int, outcome: Outcome) -> None:
    assert classify(status).outcome is outcome


@pytest.mark.parametrize(
    ("status", "heeded"), [(429, True), (502, True), (503, True), (504, True), (500, False), (302, False)]
)
def test_which_waits_are_heeded(status: int, heeded: bool) -> None:
    wait = timedelta(minutes=2)
    assert classify(status, wait) == Verdict(Outcome.FAILED, wait if heeded else None)


def failing(health: Health, since: datetime, until: datetime, randomness: random.Random) -> tuple[Health, int]:
    """Everything fails; what may be sent is sent at once. Returns also how many requests that took."""
    now, requests = since, 0
    while now < until:
        health = failed(health, now, randomness)
        requests += 1
        now = max(health.next_probe_at or now + timedelta(seconds=5), now)
    return health, requests


def test_the_circuit_opens_after_ten_failures_in_a_row_and_closes_with_a_success() -> None:
    health = Health()
    for number in range(1, OPENS_AFTER):
        health = failed(health, NOW, random.Random(1))
        assert not health.is_open, number
        assert health.may_send(NOW)
    assert not succeeded(health).failures
    health = failed(health, NOW, random.Random(1))
    assert health.is_open
    assert not health.may_send(NOW)
    assert health.failing_since == NOW
    assert succeeded(health) == Health()


def test_a_return_after_half_an_hour_is_noticed_within_a_minute() -> None:
    randomness = random.Random(1)
    health, requests = failing(Health(), NOW, NOW + timedelta(minutes=30), randomness)
    assert requests < 200
    assert health.next_probe_at is not None
    assert health.next_probe_at - (NOW + timedelta(minutes=30)) <= timedelta(minutes=1)


def test_it_is_given_up_after_three_days_and_some_hundred_requests() -> None:
    randomness = random.Random(1)
    health, requests = failing(Health(), NOW, NOW + GIVE_UP_AFTER - HOUR, randomness)
    assert not health.gives_up(NOW + GIVE_UP_AFTER - HOUR)
    assert health.gives_up(NOW + GIVE_UP_AFTER)
    assert 100 < requests < 1_000


def test_few_attempts_are_no_reason_to_give_up_however_long_ago_the_first_was() -> None:
    health = failed(Health(), NOW, random.Random(1))
    assert not health.gives_up(NOW + 10 * GIVE_UP_AFTER)


@pytest.mark.parametrize(
    ("hours", "warned", "due"),
    [(0.9, 0, None), (1, 0, 1), (1.5, 1, None), (25, 1, 24), (30, 0, 24), (49, 24, 48), (60, 48, None)],
)
def test_the_owner_is_warned_once_at_each_step(hours: float, warned: int, due: int | None) -> None:
    assert Health(failures=3, failing_since=NOW, warned_hours=warned).warning(NOW + hours * HOUR) == due


def test_a_receiver_that_asks_for_time_gets_it() -> None:
    health = failed(Health(), NOW, random.Random(1), retry_after=timedelta(minutes=10))
    assert not health.may_send(NOW + timedelta(minutes=9))
    assert health.may_send(NOW + timedelta(minutes=10))
