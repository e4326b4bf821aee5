"""Use cases of consents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from photomesh_identity.consents.domain import Consent, Purpose
from photomesh_identity.credentials.confirmation import Allowance, Allowances
from photomesh_identity.errors import TooManyTries
from photomesh_shared.clock import Clock

__all__ = ["ConsentService", "ConsentStore"]

_DECISIONS = Allowance.of_day("consents", 50)


class ConsentStore(Protocol):
    """Both raise Unavailable when the database does not answer."""

    async def latest(self, account_id: int) -> Sequence[Consent]:
        """The decisions that hold: the last one of each purpose."""
        ...

    async def add(self, account_id: int, consent: Consent) -> None: ...


class ConsentService:
    def __init__(self, store: ConsentStore, allowances: Allowances, clock: Clock) -> None:
        self._store = store
        self._allowances = allowances
        self._clock = clock

    async def latest(self, account_id: int) -> Sequence[Consent]:
        """The decisions that hold."""
        return await self._store.latest(account_id)

    async def decide(self, account_id: int, purpose: Purpose, version: str, *, given: bool) -> Sequence[Consent]:
        """Adds a decision, unless it is the one that holds already; returns those that hold. Raises TooManyTries."""
        now = self._clock.now()
        held = {consent.purpose: consent for consent in await self._store.latest(account_id)}
        if (before := held.get(purpose)) and (before.version, before.given) == (version, given):
            return list(held.values())
        if wait := await self._allowances.take(_DECISIONS, account_id.to_bytes(8), now):
            raise TooManyTries(wait.total_seconds())
        await self._store.add(account_id, Consent(purpose, version, given, "settings", now))
        return await self._store.latest(account_id)
