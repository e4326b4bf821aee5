"""Whether counts are right: each partition's count against its rows, and what is shown against the count.

Nothing should ever be found: rows and their count change in one transaction. This is for restored backups, for mistakes
of ours and of operators, and for peace of mind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from photomesh_post.posts.event_log import microseconds
from photomesh_shared.clock import Clock

__all__ = ["Balance", "Drift", "Ledger", "Place", "Reconciliation"]

_AT_A_TIME = 16
_A_MOMENT = 1.0  # longer than a counter takes between a partition and what is shown


@dataclass(frozen=True)
class Place:
    """A partition: of which subject, and which."""

    subject_id: int
    number: int


@dataclass(frozen=True)
class Balance:
    """What a partition holds, what its count says, and what is shown. It changes with every `revision`."""

    held: int
    count: int
    shown: int
    revision: int

    @property
    def is_right(self) -> bool:
        return self.held == self.count == self.shown


@dataclass(frozen=True)
class Drift:
    """A partition whose numbers do not agree."""

    ledger: str
    place: Place
    balance: Balance
    repaired: bool


class Ledger(Protocol):
    """Counted partitions of one kind; see `likes_ledger.LikesLedger`."""

    @property
    def name(self) -> str: ...

    def places(self, subject_id: int | None) -> AsyncGenerator[Place, None]:
        """All partitions, or those of one subject; those too that something is shown of and that do not exist."""
        ...

    async def balance(self, place: Place) -> Balance | None:
        """None if somebody was counting meanwhile."""
        ...

    async def correct(self, place: Place, balance: Balance, revision: int) -> bool:
        """Makes count and what is shown those of the rows, as of a new revision; False if somebody was counting
        meanwhile."""
        ...


class Reconciliation:
    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def drifts(self, subject_id: int | None, *, repair: bool) -> AsyncGenerator[Drift, None]:
        """Every partition that is wrong, and whether it was repaired. Others may count all the while."""
        some: list[Place] = []
        async with aclosing(self._ledger.places(subject_id)) as places:
            async for place in places:
                some.append(place)
                if len(some) == _AT_A_TIME:
                    for drift in await self._look(some, repair):
                        yield drift
                    some = []
        for drift in await self._look(some, repair):
            yield drift

    async def _look(self, places: list[Place], repair: bool) -> list[Drift]:
        found = await asyncio.gather(*(self._drift(place, repair) for place in places))
        return [drift for drift in found if drift]

    async def _drift(self, place: Place, repair: bool) -> Drift | None:
        balance = await self._balance(place)
        if balance.is_right:
            return None
        await self._clock.sleep(_A_MOMENT)
        balance = await self._balance(place)
        if balance.is_right:
            return None
        if not repair:
            return Drift(self._ledger.name, place, balance, repaired=False)
        # The time, so that it is later than whatever was written to what is shown, revision or not.
        while not await self._ledger.correct(
            place, balance, max(balance.revision + 1, microseconds(self._clock.now()))
        ):
            balance = await self._balance(place)
        return Drift(self._ledger.name, place, balance, repaired=True)

    async def _balance(self, place: Place) -> Balance:
        while (balance := await self._ledger.balance(place)) is None:
            await self._clock.sleep(0.05)
        return balance
