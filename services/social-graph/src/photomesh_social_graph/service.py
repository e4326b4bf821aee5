"""The use cases of the graph, and what they need of the world. Lists are in `listing`, what follows
from the events of accounts in `admissions`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Protocol

from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.failpoints import declare, failpoint
from photomesh_social_graph.domain import Relation, Tie
from photomesh_social_graph.errors import AccountNotFound, AccountNotReady, OwnAccount
from photomesh_social_graph.metrics import WAITS, count_changes

__all__ = ["Graph", "Listing", "Store"]

AFTER_COMMIT = declare("social-graph.after_commit", "a change is committed, neither answered nor relayed")

_YOUNG = timedelta(minutes=1)  # how far behind the accounts' events this service may be, on an ordinary day
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.25


class Listing(Enum):
    """Lists that an account has."""

    FOLLOWING = auto()
    FOLLOWERS = auto()
    REQUESTS = auto()
    BLOCKS = auto()
    MUTES = auto()


class Store(Protocol):
    """Every method raises Unavailable when the database is away."""

    def changing(self, actor_id: int, target_id: int) -> AbstractAsyncContextManager[Tie]:
        """What is between two accounts, which nobody else can change until the end; then what was changed is kept,
        with its events, all or nothing. Raises AccountNotReady for an unknown actor, AccountNotFound for an unknown
        target."""
        ...

    async def relations(self, viewer_id: int, account_ids: Collection[int]) -> dict[int, Relation]: ...


class Graph:
    """Changes between two accounts, and how they stand to each other."""

    def __init__(self, store: Store, clock: Clock, *, following_limit: int, account_wait: float) -> None:
        self._store = store
        self._clock = clock
        self._following_limit = following_limit
        self._account_wait = account_wait

    # Each raises OwnAccount, AccountNotReady, and AccountNotFound for an account that is unknown or hidden.

    async def follow(self, viewer_id: int, account_id: int) -> Relation:
        """Raises FollowingLimitReached."""
        return await self._change(viewer_id, account_id, lambda tie, now: tie.follow(now, limit=self._following_limit))

    async def unfollow(self, viewer_id: int, account_id: int) -> Relation:
        """Withdraws a request as well."""
        return await self._change(viewer_id, account_id, Tie.unfollow)

    async def approve(self, viewer_id: int, account_id: int) -> Relation:
        """Raises FollowRequestNotFound."""
        return await self._change(viewer_id, account_id, Tie.approve)

    async def deny(self, viewer_id: int, account_id: int) -> Relation:
        return await self._change(viewer_id, account_id, Tie.deny)

    async def remove_follower(self, viewer_id: int, account_id: int) -> Relation:
        return await self._change(viewer_id, account_id, Tie.remove_follower)

    async def block(self, viewer_id: int, account_id: int) -> Relation:
        return await self._change(viewer_id, account_id, Tie.block)

    async def unblock(self, viewer_id: int, account_id: int) -> Relation:
        return await self._change(viewer_id, account_id, Tie.unblock)

    async def mute(self, viewer_id: int, account_id: int) -> Relation:
        return await self._change(viewer_id, account_id, Tie.mute)

    async def unmute(self, viewer_id: int, account_id: int) -> Relation:
        return await self._change(viewer_id, account_id, Tie.unmute)

    async def relations(self, viewer_id: int, account_ids: Collection[int]) -> dict[int, Relation]:
        """How the viewer stands to each. Unknown and hidden accounts are nothing to them."""
        found = await self._store.relations(viewer_id, account_ids)
        return {account_id: found[account_id].shown for account_id in account_ids}

    async def _change(self, viewer_id: int, account_id: int, act: Callable[[Tie, datetime], None]) -> Relation:
        if viewer_id == account_id:
            raise OwnAccount
        tie = await self._with_patience(viewer_id, account_id, act)
        await failpoint(AFTER_COMMIT)
        count_changes(tie.events)
        return tie.relation

    async def _with_patience(self, viewer_id: int, account_id: int, act: Callable[[Tie, datetime], None]) -> Tie:
        """An account that was opened a moment ago may be unknown here, for its event is on the way: it is waited for
        a little. Whether it is absent or hidden makes no difference to the waiting."""
        deadline = self._clock.monotonic() + self._account_wait
        pause = 0.0
        while True:
            try:
                async with self._store.changing(viewer_id, account_id) as tie:
                    act(tie, self._clock.now())
                if pause:
                    WAITS.labels("known").inc()
                return tie
            except (AccountNotFound, AccountNotReady) as error:
                awaited = viewer_id if isinstance(error, AccountNotReady) else account_id
                if not self._is_young(awaited) or self._clock.monotonic() >= deadline:
                    if pause:
                        WAITS.labels("unknown").inc()
                    raise
            pause = min(2 * pause, _LONGEST_PAUSE) or _FIRST_PAUSE
            await self._clock.sleep(pause)

    def _is_young(self, account_id: int) -> bool:
        return abs(self._clock.now() - ids.timestamp_of(account_id)) < _YOUNG
