"""Checks and repairs counts: the count of each partition against its rows, and the copied count against that.

No drift is expected, since rows and count change in one transaction. This is for restored backups and for mistakes of
programmers and operators.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from photomesh_post.counts.domain import PartitionRef
from photomesh_post.paging import chunked
from photomesh_shared.clock import Clock
from photomesh_shared.events.versions import version_at

__all__ = ["Balance", "CountAudit", "Drift", "Reconciliation"]

_CONCURRENCY = 16
_SETTLE_SECONDS = 1.0  # longer than a counter takes from counting a partition to copying the count
_RETRY_SECONDS = 0.05


@dataclass(frozen=True)
class Balance:
    """How many rows a partition has, what its count says, and what the copied count says. It changes with every
    `revision`."""

    rows: int
    count: int
    copied: int
    revision: int

    @property
    def is_right(self) -> bool:
        return self.rows == self.count == self.copied


@dataclass(frozen=True)
class Drift:
    """A partition whose numbers do not agree. `audit` names what is counted."""

    audit: str
    ref: PartitionRef
    balance: Balance
    repaired: bool


class CountAudit(Protocol):
    """The counted partitions of one kind; see `likes.reconciliation` and `comments.reconciliation`."""

    @property
    def name(self) -> str: ...

    def partitions(self, subject_id: int | None) -> AsyncGenerator[PartitionRef, None]:
        """All partitions, or those of one subject; also those that do not exist although a count is shown of them."""
        ...

    async def balance(self, ref: PartitionRef) -> Balance | None:
        """Returns None if the partition was counted meanwhile."""
        ...

    async def repair(self, ref: PartitionRef, balance: Balance, revision: int) -> bool:
        """Sets both counts to the number of rows, under a new revision. Returns False if the partition was counted
        meanwhile."""
        ...


class Reconciliation:
    def __init__(self, audit: CountAudit, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock

    async def drifts(self, subject_id: int | None, *, repair: bool) -> AsyncGenerator[Drift, None]:
        """Every partition that is wrong, and whether it was repaired. Counting may go on meanwhile. Raises
        DatabaseUnavailable."""
        async with aclosing(chunked(self._audit.partitions(subject_id), _CONCURRENCY)) as chunks:
            async for refs in chunks:
                for drift in await asyncio.gather(*(self._check(ref, repair) for ref in refs)):
                    if drift:
                        yield drift

    async def _check(self, ref: PartitionRef, repair: bool) -> Drift | None:
        balance = await self._balance(ref)
        if balance.is_right:
            return None
        await self._clock.sleep(_SETTLE_SECONDS)
        balance = await self._balance(ref)
        if balance.is_right:
            return None
        if not repair:
            return Drift(self._audit.name, ref, balance, repaired=False)
        # The time, so that the copy's timestamp is later than whatever was written there, revision or not.
        while not await self._audit.repair(ref, balance, max(balance.revision + 1, version_at(self._clock.now()))):
            balance = await self._balance(ref)
        return Drift(self._audit.name, ref, balance, repaired=True)

    async def _balance(self, ref: PartitionRef) -> Balance:
        while (balance := await self._audit.balance(ref)) is None:
            await self._clock.sleep(_RETRY_SECONDS)
        return balance
