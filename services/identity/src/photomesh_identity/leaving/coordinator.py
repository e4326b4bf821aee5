"""Starts the erasures that are due, repeats their requests until every consumer group has acknowledged, and signs the
receipts. Any number of replicas may run it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from photomesh_identity.leaving.domain import Erasure, ErasureState, receipt_claims
from photomesh_identity.metrics import ERASURES, OLDEST_ERASURE
from photomesh_identity.signing_keys.service import Receipt
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import TOPICS

__all__ = ["Backlog", "CoordinatorStore", "ErasureCoordinator", "ReceiptSigner"]

log = logging.getLogger(__name__)

_BATCH = 100
_KEPT = timedelta(days=365)


@dataclass(frozen=True)
class Backlog:
    """`oldest_start`: of the erasures that some group has not acknowledged."""

    by_state: dict[ErasureState, int]
    oldest_start: datetime | None


class ReceiptSigner(Protocol):
    @property
    def issuer(self) -> str: ...

    def receipt(self, claims: dict[str, Any]) -> Receipt: ...


class CoordinatorStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def start_due(self, now: datetime, groups: Sequence[str], limit: int) -> int:
        """Starts erasures that are due, and adds their requests to the outbox; returns how many. `groups`, and
        subscribers that are registered, must acknowledge."""
        ...

    async def repeat(self, now: datetime, before: datetime, limit: int) -> int:
        """Adds the requests once more that were last published before then, and that some group has not
        acknowledged."""
        ...

    async def complete_acknowledged(self, now: datetime, sign: Callable[[Erasure], Receipt], limit: int) -> int:
        """Completes the erasures that all groups have acknowledged."""
        ...

    async def forget(self, completed_before: datetime) -> int: ...

    async def backlog(self) -> Backlog: ...


class ErasureCoordinator:
    def __init__(
        self,
        store: CoordinatorStore,
        signer: ReceiptSigner,
        clock: Clock,
        *,
        interval_seconds: float,
        repeat_seconds: float,
    ) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._repeat = timedelta(seconds=repeat_seconds)

    async def run(self) -> None:
        """Works until it is cancelled."""
        while True:
            try:
                await self.step()
            except Unavailable as error:
                log.warning("erasures wait", extra={"reason": str(error)})
            await self._clock.sleep(self._interval_seconds)

    async def step(self) -> None:
        now = self._clock.now()
        while await self._store.start_due(now, TOPICS["erasures"].consumers, _BATCH) == _BATCH:
            pass
        await self._store.repeat(now, now - self._repeat, _BATCH)
        await self._store.complete_acknowledged(now, lambda erasure: self._sign(erasure, now), _BATCH)
        await self._store.forget(now - _KEPT)
        backlog = await self._store.backlog()
        for state in ErasureState:
            ERASURES.labels(state).set(backlog.by_state.get(state, 0))
        OLDEST_ERASURE.set((now - backlog.oldest_start).total_seconds() if backlog.oldest_start else 0)

    def _sign(self, erasure: Erasure, now: datetime) -> Receipt:
        return self._signer.receipt(receipt_claims(erasure, now, self._signer.issuer))
