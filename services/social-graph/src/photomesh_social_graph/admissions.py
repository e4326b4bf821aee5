"""What follows from the events of accounts: who is known, and who is let in when an account opens up."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from photomesh_shared.clock import Clock
from photomesh_shared.events import AccountRegistered, AccountUpdated, Envelope
from photomesh_shared.failpoints import declare, failpoint
from photomesh_social_graph.domain import Account, Place, Tie
from photomesh_social_graph.metrics import count_changes
from photomesh_social_graph.service import Listing

__all__ = ["Admissions", "Store"]

BETWEEN_ADMISSIONS = declare("social-graph.between_admissions", "some requests are approved, others are not")

_AT_A_TIME = 100


class Store(Protocol):
    """What is asked of the store; see `store.PostgresGraph`."""

    async def keep(self, account: Account, version: int) -> None:
        """Keeps what is known of an account, unless something newer is."""
        ...

    async def listed(self, listing: Listing, owner_id: int, after: Place | None, limit: int) -> list[Place]: ...

    def changing(self, actor_id: int, target_id: int) -> AbstractAsyncContextManager[Tie]: ...


class Admissions:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def account_changed(self, envelope: Envelope[AccountRegistered | AccountUpdated]) -> None:
        """Keeps what the event says. Nobody needs to ask to follow an account that is not private, so those who do are
        let in, each in a transaction of their own: a crash leaves the rest to the event's next delivery."""
        event = envelope.data
        account = Account(event.user_id, event.username, event.display_name, event.avatar_url, event.private)
        await self._store.keep(account, envelope.entityversion)
        last: Place | None = None
        while requests := await self._store.listed(Listing.REQUESTS, account.id, last, _AT_A_TIME):
            for last in requests:
                async with self._store.changing(account.id, last.id) as tie:
                    if tie.theirs.target_private:  # by an event that was newer, or has come since
                        return
                    tie.admit(self._clock.now())
                count_changes(tie.events)
                await failpoint(BETWEEN_ADMISSIONS)
