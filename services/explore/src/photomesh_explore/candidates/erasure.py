"""Consumer use case: an account is erased."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from photomesh_shared.clock import Clock
from photomesh_shared.consumer.erasure import Erased, kept_dead_letters, kept_in_topic
from photomesh_shared.events import AccountErasureRequested, Envelope

__all__ = ["AccountEraser", "ErasingIndex"]

_TOPICS = ("accounts", "posts", "engagement", "saves", "follows", "explore_feedback")


class ErasingIndex(Protocol):
    """See `store.index.ExploreIndex`. Every method raises ExploreUnavailable."""

    async def mark_erased(self, account_id: int) -> None: ...
    async def forget(self, account_id: int) -> int: ...


class AccountEraser:
    def __init__(self, index: ErasingIndex, remove_feedback: Callable[[int], Awaitable[int]], clock: Clock) -> None:
        """`remove_feedback`: takes back what an account said, and returns how much that was."""
        self._index = index
        self._remove_feedback = remove_feedback
        self._clock = clock

    async def erase(self, envelope: Envelope[AccountErasureRequested]) -> Erased:
        """Hides the account's posts, ends its feedback in the log, and removes all about it. Idempotent. Raises
        Unavailable, also while Redis is built again."""
        account_id = envelope.data.user_id
        await self._index.mark_erased(account_id)
        said = await self._remove_feedback(account_id)
        counts: Mapping[str, int] = {"posts": await self._index.forget(account_id), "feedback": said}
        now = self._clock.now()
        kept = (kept_dead_letters(_TOPICS, now), kept_in_topic("explore_feedback", "feedback", now))
        return Erased(counts, kept)
