"""Counts failed attempts, and refuses further ones."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from math import ceil
from typing import Protocol

from photomesh_identity.attempts.domain import AttemptLimits, AttemptNames, Charge
from photomesh_identity.errors import CREDENTIALS_REFUSED, TooManyAttempts
from photomesh_identity.metrics import ATTEMPTS_REFUSED
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.gcra import Policy, Rate, Reading
from photomesh_shared.errors import Unavailable

__all__ = ["AttemptGuard", "AttemptStore"]

log = logging.getLogger(__name__)

_SWEEP_SECONDS = 600.0
_SECOND = 1_000_000


class AttemptStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def take(self, charges: Sequence[Charge], now: datetime) -> list[Reading]:
        """Counts an attempt against all buckets, or against none if one refuses."""
        ...

    async def give_back(self, charges: Sequence[Charge]) -> None:
        """Undoes `take`."""
        ...

    async def sweep(self, now: datetime) -> int:
        """Deletes full buckets, a bounded number; returns how many."""
        ...


class AttemptGuard:
    def __init__(self, store: AttemptStore, limits: AttemptLimits, names: AttemptNames, clock: Clock) -> None:
        self._store = store
        self._limits = limits
        self._names = names
        self._clock = clock

    @asynccontextmanager
    async def log_in(self, login: str, address: str, *, network: str | None = None) -> AsyncIterator[None]:
        """Encloses a log-in; one of CREDENTIALS_REFUSED means that it failed. `network`: that of the request, if the
        account has used it lately. Raises TooManyAttempts before anything is tried.

        The account's bucket goes by the text that names it: one for the username and one for the e-mail address, or a
        refusal would reveal that they belong together.
        """
        charges = [self._charge("login", self._limits.account, "account", login.casefold(), network or "")]
        charges += [self._charge("login", rate, "address", prefix) for prefix, rate in self._limits.of_address(address)]
        async with self._counted(charges):
            yield

    @asynccontextmanager
    async def confirm(self, kind: str, account_id: int) -> AsyncIterator[None]:
        """Encloses a further proof of somebody who is logged in, or has given the right password: `kind` says which.
        Raises as `log_in`."""
        async with self._counted([self._charge(kind, self._limits.account, "account", str(account_id))]):
            yield

    def _charge(self, kind: str, rate: Rate, counted_by: str, *parts: str) -> Charge:
        policy = Policy(kind, rate)
        return Charge(self._names.name(kind, counted_by, *parts), policy, counted_by)

    @asynccontextmanager
    async def _counted(self, charges: Sequence[Charge]) -> AsyncIterator[None]:
        # Counted before it is tried, or many at a time could try more than the limit; given back unless it fails.
        self._refuse_used_up(charges, await self._store.take(charges, self._clock.now()))
        try:
            yield
        except CREDENTIALS_REFUSED:
            raise
        except BaseException:
            await self._give_back(charges)
            raise
        await self._give_back(charges)

    async def _give_back(self, charges: Sequence[Charge]) -> None:
        try:
            await self._store.give_back(charges)
        except Unavailable as error:  # a success counts as a failure; the limits leave room for that
            log.warning("attempt not given back", extra={"error": str(error)})

    @staticmethod
    def _refuse_used_up(charges: Sequence[Charge], readings: Sequence[Reading]) -> None:
        used_up = [(reading.wait, charge) for charge, reading in zip(charges, readings, strict=True) if reading.wait]
        if not used_up:
            return
        wait, charge = max(used_up, key=lambda each: each[0])
        ATTEMPTS_REFUSED.labels(charge.policy.name, charge.counted_by).inc()
        seconds = ceil(wait / _SECOND)
        raise TooManyAttempts(
            f"Try again in {seconds} s.", headers={"Retry-After": str(seconds)}, counted_by=charge.counted_by
        )

    async def keep_swept(self) -> None:
        """Deletes full buckets periodically, until cancelled."""
        while True:
            try:
                while await self._store.sweep(self._clock.now()):
                    pass
            except Unavailable as error:
                log.warning("attempts not swept", extra={"error": str(error)})
            await self._clock.sleep(_SWEEP_SECONDS)
