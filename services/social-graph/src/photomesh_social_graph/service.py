"""Use cases of relationships. Lists are in `queries`, reactions to events of accounts in `event_handlers`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.failpoints import declare, failpoint
from photomesh_social_graph.domain import Relation, Side, Tie
from photomesh_social_graph.errors import AccountNotFound, AccountNotReady, OwnAccount
from photomesh_social_graph.metrics import WAITS, count_changes

__all__ = ["Readers", "RelationStore", "RelationshipService"]

AFTER_COMMIT = declare("social-graph.after_commit", "a change is committed, neither answered nor relayed")

_YOUNG = timedelta(minutes=1)  # an upper bound of this service's normal lag behind events of accounts
_BACKOFF = Backoff(base=0.02, cap=0.25, jitter=0)


class RelationStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    def locked_tie(self, actor_id: int, target_id: int) -> AbstractAsyncContextManager[Tie]:
        """The pair under a lock. On exit, changes and their events are written in one transaction.

        Raises AccountNotReady for an unknown actor, AccountNotFound for an unknown target.
        """
        ...

    async def relations(self, viewer_id: int, account_ids: Collection[int]) -> dict[int, Relation]: ...


class Readers(Protocol):
    async def store_sides(self, sides: Collection[Side]) -> None:
        """Stores sides ahead of their events where reading is decided. Raises RestrictionPending."""
        ...


class RelationshipService:
    """Changes the relationship between two accounts, and reads it.

    Every change raises OwnAccount, AccountNotReady, or AccountNotFound for an account that is unknown or hidden. Under
    a block, blocks and whatever ends something (unfollow, deny, remove, unmute, unblock) are recorded all the same;
    the answer shows an account that blocks the viewer as absent.
    """

    def __init__(
        self,
        store: RelationStore,
        readers: Readers,
        clock: Clock,
        *,
        following_limit: int,
        account_wait_seconds: float,
    ) -> None:
        self._store = store
        self._readers = readers
        self._clock = clock
        self._following_limit = following_limit
        self._account_wait_seconds = account_wait_seconds

    async def follow(self, viewer_id: int, account_id: int) -> Relation:
        """Follows, or requests to. Raises FollowingLimitReached."""
        return await self._change(viewer_id, account_id, lambda tie, now: tie.follow(now, limit=self._following_limit))

    async def unfollow(self, viewer_id: int, account_id: int) -> Relation:
        """Unfollows, or withdraws the request."""
        return await self._change(viewer_id, account_id, Tie.unfollow)

    async def approve_request(self, viewer_id: int, account_id: int) -> Relation:
        """Raises FollowRequestNotFound."""
        return await self._change(viewer_id, account_id, Tie.approve_request)

    async def deny_request(self, viewer_id: int, account_id: int) -> Relation:
        return await self._change(viewer_id, account_id, Tie.deny_request)

    async def remove_follower(self, viewer_id: int, account_id: int) -> Relation:
        """Acknowledged once it is effective, as `block`."""
        return await self._restrict(viewer_id, account_id, Tie.remove_follower)

    async def block(self, viewer_id: int, account_id: int) -> Relation:
        """Also blocks an account that blocks the viewer, which is answered as absent.

        Acknowledged once it is effective: until post and feed have it, the account could still read. Raises
        RestrictionPending if one of them cannot be reached; the block is stored, and a repeat tries again. (An account
        that blocks the viewer reads nothing in any case, so its block is left to the event.)
        """
        return await self._restrict(viewer_id, account_id, Tie.block)

    async def unblock(self, viewer_id: int, account_id: int) -> Relation:
        """Also unblocks an account that blocks the viewer, which is answered as absent."""
        return await self._change(viewer_id, account_id, Tie.unblock)

    async def mute(self, viewer_id: int, account_id: int) -> Relation:
        return await self._change(viewer_id, account_id, Tie.mute)

    async def unmute(self, viewer_id: int, account_id: int) -> Relation:
        return await self._change(viewer_id, account_id, Tie.unmute)

    async def relations(self, viewer_id: int, account_ids: Collection[int]) -> dict[int, Relation]:
        """The viewer's relation to each account; empty for accounts that are unknown or hidden."""
        found = await self._store.relations(viewer_id, account_ids)
        return {account_id: found[account_id].visible for account_id in account_ids}

    async def _restrict(self, viewer_id: int, account_id: int, act: Callable[[Tie, datetime], None]) -> Relation:
        """Also a repeat writes through: the first attempt may have failed after the commit."""
        tie = await self._tie_after(viewer_id, account_id, act)
        await self._readers.store_sides((tie.ours, tie.theirs))
        return tie.relation

    async def _change(self, viewer_id: int, account_id: int, act: Callable[[Tie, datetime], None]) -> Relation:
        return (await self._tie_after(viewer_id, account_id, act)).relation

    async def _tie_after(self, viewer_id: int, account_id: int, act: Callable[[Tie, datetime], None]) -> Tie:
        if viewer_id == account_id:
            raise OwnAccount
        tie = await self._act_on_known_accounts(viewer_id, account_id, act)
        await failpoint(AFTER_COMMIT)
        count_changes(tie.events)
        return tie

    async def _act_on_known_accounts(
        self, viewer_id: int, account_id: int, act: Callable[[Tie, datetime], None]
    ) -> Tie:
        """Acts on the tie; retries for a while if an account is too young for its event to have arrived.

        An absent and a hidden account are retried alike, so that the duration tells nothing.
        """
        deadline = self._clock.monotonic() + self._account_wait_seconds
        pauses = 0
        while True:
            try:
                async with self._store.locked_tie(viewer_id, account_id) as tie:
                    act(tie, self._clock.now())
                if tie.relation.absent:  # what ends something, and a block: recorded, but not shown
                    count_changes(tie.events)
                    raise AccountNotFound
                if pauses:
                    WAITS.labels("known").inc()
                return tie
            except (AccountNotFound, AccountNotReady) as error:
                missing_id = viewer_id if isinstance(error, AccountNotReady) else account_id
                if not self._is_young(missing_id) or self._clock.monotonic() >= deadline:
                    if pauses:
                        WAITS.labels("unknown").inc()
                    raise
            pauses += 1
            await self._clock.sleep(_BACKOFF.delay(pauses))

    def _is_young(self, account_id: int) -> bool:
        return abs(self._clock.now() - ids.timestamp_of(account_id)) < _YOUNG
