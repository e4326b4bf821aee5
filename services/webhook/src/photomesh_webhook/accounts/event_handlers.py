"""Use cases of the consumer about accounts: their endpoints stop while they are deactivated, and end with them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_shared.clock import Clock
from photomesh_shared.consumer.erasure import Erased, kept_dead_letters, kept_in_topic
from photomesh_shared.events import (
    ACTIVE,
    AccountErasureRequested,
    AccountRegistered,
    AccountUpdated,
    Envelope,
    Kept,
    event_types,
)
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["AccountEraser", "AccountEventHandlers", "AccountStore", "ErasureStore"]

AFTER_MARK = declare("webhook.erasure.after_mark", "the account makes no endpoint any more, what it has is there")
AFTER_LOG = declare("webhook.erasure.after_log", "the log of an endpoint is deleted, the endpoint is there")

_BATCH = 1_000
_BACKUPS = timedelta(days=14)
_ENDINGS = frozenset(name for name, kind in event_types().items() if kind.ends)
"""Types that say that something ended: receivers need them to forget."""


class AccountStore(Protocol):
    """See `accounts.store.PostgresAccounts`. Raises DatabaseUnavailable."""

    async def set_active(self, account_id: int, now: datetime, *, active: bool) -> int: ...


class ErasureStore(Protocol):
    """See `accounts.store.PostgresAccounts`. Every method raises DatabaseUnavailable, and is idempotent."""

    async def mark_erased(self, account_id: int, now: datetime) -> None: ...
    async def endpoints_of(self, account_id: int) -> Sequence[int]: ...
    async def delete_log(self, endpoint_id: int, limit: int) -> int: ...
    async def delete_endpoint(self, account_id: int, endpoint_id: int, now: datetime) -> bool: ...
    async def withdraw(self, account_id: int, except_types: Collection[str], limit: int) -> int: ...


class AccountEventHandlers:
    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def account_changed(self, envelope: Envelope[AccountRegistered | AccountUpdated]) -> None:
        """Disable the endpoints of an account that is deactivated or leaving; enable them again when it is back. Those
        that are disabled for another reason stay so. Idempotent."""
        event = envelope.data
        await self._store.set_active(event.user_id, self._clock.now(), active=event.status == ACTIVE)


class AccountEraser:
    def __init__(self, store: ErasureStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def erase(self, envelope: Envelope[AccountErasureRequested]) -> Erased:
        """Delete the account's endpoints with their logs, and withdraw what waits to be sent to others about it.
        Idempotent. Raises Unavailable."""
        account_id, now = envelope.data.user_id, self._clock.now()
        await self._store.mark_erased(account_id, now)
        await failpoint(AFTER_MARK)
        endpoints = deliveries = withdrawn = 0
        for endpoint_id in await self._store.endpoints_of(account_id):
            while deleted := await self._store.delete_log(endpoint_id, _BATCH):
                deliveries += deleted
            await failpoint(AFTER_LOG)
            endpoints += await self._store.delete_endpoint(account_id, endpoint_id, now)
        while taken := await self._store.withdraw(account_id, _ENDINGS, _BATCH):
            withdrawn += taken
        keeps = [
            kept_in_topic("webhooks", "that the account had webhooks", now),
            kept_dead_letters(["accounts", "erasures"], now),
            Kept(
                what="ids in the logs of other accounts' webhooks, and of webhooks that the account deleted itself",
                why="they show what was sent, without its content, and are deleted after 30 days",
                until=now + timedelta(days=31),
            ),
            Kept(
                what="deleted rows in the database's write-ahead log and backups",
                why="they are kept for two weeks, so that the database can be restored",
                until=now + _BACKUPS,
            ),
            Kept(
                what="the account's id, without anything else",
                why="neither a token that is still valid nor an event that arrives late may bring anything back",
                until=None,
            ),
        ]
        return Erased({"webhooks": endpoints, "deliveries": deliveries, "withdrawn": withdrawn}, keeps)
