"""Asking for the password again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from photomesh_identity.credentials.confirmation import Allowance, Confirmation
from photomesh_identity.errors import CodeRequired, TooManyTries, WrongCode, WrongPassword
from tests.support.clock import FakeClock

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


class _Memory:
    """Passwords, their hashes (which are the passwords), allowances, and codes."""

    def __init__(self) -> None:
        self.taken: dict[tuple[str, bytes], tuple[int, datetime]] = {}

    async def password_hash(self, account_id: int) -> str | None:
        return {1: "right", 2: "other", 4: "fourth"}.get(account_id)

    async def verify(self, stored: str | None, password: str) -> bool:
        return stored == password

    async def take(self, allowance: Allowance, subject: bytes, now: datetime) -> timedelta | None:
        taken, until = self.taken.get((allowance.kind, subject), (0, now))
        taken, until = (1, now + allowance.period) if until <= now else (taken + 1, until)
        self.taken[allowance.kind, subject] = taken, until
        return None if taken <= allowance.limit else until - now

    async def check(self, account_id: int, code: str | None) -> None:
        if account_id == 4 and code != "492039":
            raise WrongCode if code else CodeRequired

    async def give_back(self, allowance: Allowance, subject: bytes) -> None:
        del self.taken[allowance.kind, subject]


async def test_the_password_of_the_account_confirms_and_no_other() -> None:
    memory = _Memory()
    confirmation = Confirmation(memory, memory, memory, memory, FakeClock(NOW))
    await confirmation.require(1, "right")
    for account_id, password in ((1, "wrong"), (2, "right"), (3, "")):
        with pytest.raises(WrongPassword):
            await confirmation.require(account_id, password)


async def test_an_account_with_a_second_factor_needs_both() -> None:
    memory = _Memory()
    confirmation = Confirmation(memory, memory, memory, memory, FakeClock(NOW))
    await confirmation.require(4, "fourth", "492039")
    with pytest.raises(CodeRequired):
        await confirmation.require(4, "fourth")
    with pytest.raises(WrongCode):
        await confirmation.require(4, "fourth", "000000")
    with pytest.raises(WrongPassword):
        await confirmation.require(4, "wrong", "492039")


async def test_wrong_passwords_are_bounded_and_right_ones_are_not() -> None:
    memory, clock = _Memory(), FakeClock(NOW)
    confirmation = Confirmation(memory, memory, memory, memory, clock)
    for _ in range(30):
        await confirmation.require(1, "right")
    for _ in range(10):
        with pytest.raises(WrongPassword):
            await confirmation.require(1, "wrong")
    with pytest.raises(TooManyTries) as refused:
        await confirmation.require(1, "right")
    assert refused.value.headers["Retry-After"] == "900"
    await confirmation.require(2, "other")
    await clock.advance(900)
    await confirmation.require(1, "right")
