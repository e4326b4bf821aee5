"""Limits of failed log-ins, codes and confirmations."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from random import Random

import pytest

from photomesh_identity.attempts.domain import AttemptLimits, AttemptNames, Charge
from photomesh_identity.attempts.service import AttemptGuard
from photomesh_identity.errors import PasswordsBusy, TooManyAttempts, WrongCredentials
from photomesh_shared.concurrency.gcra import Rate, Reading, take
from tests.support.clock import FakeClock

HOUR = 3_600.0


class InMemoryAttempts:
    """Implements `AttemptStore`."""

    def __init__(self) -> None:
        self.tats: dict[bytes, int] = {}

    async def take(self, charges: Sequence[Charge], now: datetime) -> list[Reading]:
        before = [self.tats.get(charge.name, 0) for charge in charges]
        after, readings = take(before, [charge.policy for charge in charges], round(now.timestamp() * 1e6))
        if not any(reading.wait for reading in readings):
            self.tats.update(zip((charge.name for charge in charges), after, strict=True))
        return readings

    async def give_back(self, charges: Sequence[Charge]) -> None:
        for charge in charges:
            self.tats[charge.name] -= charge.policy.interval

    async def sweep(self, now: datetime) -> int:
        return 0


class Time(FakeClock):
    """Nobody sleeps by it."""

    def pass_by(self, seconds: float) -> None:
        self._elapsed += seconds


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def guard(clock: Time) -> AttemptGuard:
    limits = AttemptLimits(account=Rate(20, 3600), address=Rate(30, 3600))
    return AttemptGuard(InMemoryAttempts(), limits, AttemptNames("secret"), clock)


async def attempt(
    guard: AttemptGuard, login: str, address: str, *, network: str | None = None, right: bool = False
) -> bool:
    """Returns whether the attempt was admitted."""
    with suppress(WrongCredentials):
        try:
            async with guard.log_in(login, address, network=network):
                if not right:
                    raise WrongCredentials
        except TooManyAttempts:
            return False
    return True


async def test_one_account_cannot_be_guessed_from_many_addresses(guard: AttemptGuard, clock: Time) -> None:
    admitted = 0
    for i in range(24 * 60):  # for a day, each minute from another network
        admitted += await attempt(guard, "ada", f"198.18.{i // 256}.{i % 256}")
        clock.pass_by(60)
    assert admitted <= 20 + 24 * 20


async def test_an_owner_is_not_locked_out_of_a_network_that_they_use(guard: AttemptGuard) -> None:
    for i in range(30):
        await attempt(guard, "ada", f"198.18.0.{i}")
    assert not await attempt(guard, "ada", "203.0.113.7", right=True)
    assert await attempt(guard, "ada", "203.0.113.7", network="203.0.113.0/24", right=True)
    for _ in range(20):
        await attempt(guard, "ada", "203.0.113.7", network="203.0.113.0/24")
    assert not await attempt(guard, "ada", "203.0.113.7", network="203.0.113.0/24", right=True)


async def test_a_thousand_people_behind_one_address_log_in(guard: AttemptGuard, clock: Time) -> None:
    """Each within an hour, twice; every tenth mistypes the password once."""
    random = Random(1)
    for i in range(2_000):
        if random.random() < 0.1:
            assert await attempt(guard, f"person{i % 1_000}", "203.0.113.7")
        assert await attempt(guard, f"person{i % 1_000}", "203.0.113.7", right=True)
        clock.pass_by(HOUR / 2_000)


async def test_an_attacker_with_a_48_tries_one_password_on_many_accounts(guard: AttemptGuard, clock: Time) -> None:
    admitted = 0
    for i in range(9_000):
        admitted += await attempt(guard, f"account{i}", f"2001:db8:1:{i * 257 % 65_536:x}::{i:x}")
        clock.pass_by(HOUR / 9_000)
    assert admitted <= 2 * 4 * 30


async def test_one_64_has_the_least(guard: AttemptGuard) -> None:
    assert sum([await attempt(guard, f"account{i}", f"2001:db8:1:2::{i:x}") for i in range(99)]) == 30
    assert sum([await attempt(guard, f"account{i}", f"2001:db8:1:3::{i:x}") for i in range(99)]) == 30
    assert not await attempt(guard, "one_more", "2001:db8:1:4::1"), "their /56 has twice as many"


async def test_only_what_was_tried_counts(guard: AttemptGuard) -> None:
    for _ in range(50):
        with suppress(PasswordsBusy):
            async with guard.log_in("ada", "203.0.113.7"):
                raise PasswordsBusy
    assert await attempt(guard, "ada", "203.0.113.7", right=True)


async def test_what_a_refusal_says(guard: AttemptGuard) -> None:
    for _ in range(20):
        await attempt(guard, "ada", "203.0.113.7")
    with pytest.raises(TooManyAttempts) as refusal:
        async with guard.log_in("ADA", "203.0.113.7"):
            pytest.fail("nothing is tried")
    assert refusal.value.extensions == {"counted_by": "account"}
    assert refusal.value.headers["Retry-After"] == "180"


async def test_a_unix_socket_has_no_address(guard: AttemptGuard) -> None:
    assert await attempt(guard, "ada", "unix")


async def test_kinds_of_confirmations_are_counted_apart(guard: AttemptGuard) -> None:
    async def confirm(kind: str, account_id: int) -> bool:
        with suppress(WrongCredentials):
            try:
                async with guard.confirm(kind, account_id):
                    raise WrongCredentials
            except TooManyAttempts:
                return False
        return True

    assert sum([await confirm("second-factor", 1) for _ in range(30)]) == 20
    assert await confirm("second-factor", 2)
    assert await confirm("confirmation", 1)


def test_names_reveal_nothing() -> None:
    names = AttemptNames("secret")
    assert names.name("login", "ada") == names.name("login", "ada")
    assert len({names.name("login", "ada"), names.name("loginada"), AttemptNames("other").name("login", "ada")}) == 3
    assert b"ada" not in names.name("login", "ada")
    assert names.name("login", "\ud800")  # half a surrogate pair is no reason to fail
