"""Whether the person who holds a session also knows the account's password: asked before changes that a thief of a
session must not make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_identity.credentials.domain import normalize_password
from photomesh_identity.errors import TooManyTries, WrongPassword
from photomesh_shared.clock import Clock

__all__ = ["Allowance", "Allowances", "Confirmation", "Passwords", "SecondFactors", "StoredPasswords"]


@dataclass(frozen=True)
class Allowance:
    """How often something may be tried by, or for, one subject (an account, an address) within a period, which begins
    with the first try."""

    kind: str
    limit: int
    period: timedelta

    @classmethod
    def of_day(cls, kind: str, limit: int) -> Allowance:
        return cls(kind, limit, timedelta(days=1))


class Allowances(Protocol):
    """Both raise Unavailable when the database does not answer."""

    async def take(self, allowance: Allowance, subject: bytes, now: datetime) -> timedelta | None:
        """Counts a try. Returns None if it is allowed, and else after how long the next one will be."""
        ...

    async def give_back(self, allowance: Allowance, subject: bytes) -> None:
        """Forgets the subject's tries."""
        ...


class StoredPasswords(Protocol):
    async def password_hash(self, account_id: int) -> str | None:
        """None if there is no such account. Raises Unavailable."""
        ...


class Passwords(Protocol):
    async def verify(self, stored: str | None, password: str) -> bool:
        """Raises PasswordsBusy under overload."""
        ...


class SecondFactors(Protocol):
    async def check(self, account_id: int, code: str | None) -> None:
        """Does nothing for an account without a second factor. Raises CodeRequired, WrongCode and TooManyAttempts."""
        ...


_TRIES = Allowance("confirmation", limit=10, period=timedelta(minutes=15))


class Confirmation:
    def __init__(
        self,
        store: StoredPasswords,
        passwords: Passwords,
        allowances: Allowances,
        second_factors: SecondFactors,
        clock: Clock,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._allowances = allowances
        self._second_factors = second_factors
        self._clock = clock

    async def require(self, account_id: int, password: str, code: str | None = None) -> None:
        """Raises WrongPassword, and TooManyTries after several wrong ones in a row, from any client.

        `code` is of a second factor, for accounts that have one: raises CodeRequired, WrongCode and TooManyAttempts.
        """
        subject = account_id.to_bytes(8)
        if wait := await self._allowances.take(_TRIES, subject, self._clock.now()):
            raise TooManyTries(wait.total_seconds())
        stored = await self._store.password_hash(account_id)
        if not await self._passwords.verify(stored, normalize_password(password)):
            raise WrongPassword
        await self._allowances.give_back(_TRIES, subject)
        await self._second_factors.check(account_id, code)
