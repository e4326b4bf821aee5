"""What sending needs of stores and clients."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from photomesh_webhook.sending.rows import Answered, Row, Target
from photomesh_webhook.sending.sights import Sight, Sights

__all__ = ["CatchUp", "Channel", "Operators", "Store", "Viewer"]


class Store(Protocol):
    """See `store.PostgresSending`. Every method raises DatabaseUnavailable."""

    async def claim(self, worker: str, now: datetime, until: datetime, limit: int) -> Sequence[int]: ...
    async def renew(self, endpoint_id: int, worker: str, until: datetime) -> bool: ...
    async def release(self, endpoint_id: int, worker: str, now: datetime, *, not_before: datetime | None) -> None: ...
    async def target(self, endpoint_id: int, now: datetime) -> Target | None: ...
    async def due(self, target: Target, now: datetime, *, busy: Collection[Row], limit: int) -> Sequence[Row]: ...
    async def settle(self, target: Target, answers: Sequence[Answered], randomness: random.Random) -> None: ...
    async def revoke(self, target: Target, now: datetime, *, busy: Collection[Row]) -> None:
        """Disable an endpoint whose owner is no administrator any more, and withhold what waits, but for what is
        being sent. Idempotent."""
        ...

    async def oldest_due(self, now: datetime) -> datetime | None: ...


class Channel(Protocol):
    """See `clients.HttpChannel`."""

    async def send(self, target: Target, row: Row) -> Answered: ...


class Viewer(Protocol):
    """See `clients.PostViewer`."""

    async def sights(self, viewer_id: int, sights: Sequence[Sight]) -> Sights:
        """Raises Unavailable."""
        ...


class Operators(Protocol):
    """See `clients.IdentityOperators`."""

    async def is_operator(self, account_id: int) -> bool:
        """Whether an account may have everybody's events now. Raises Unavailable."""
        ...


class CatchUp(Protocol):
    """See `catching_up.service.CatchUpService`."""

    async def step(self, target: Target) -> bool:
        """Make rows of what the endpoint has not got; returns whether there may be more to do at once. Raises
        Unavailable."""
        ...
