"""What replies need of the stores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from photomesh_story.replies.domain import Reply, ReplyPosition

__all__ = ["Replies"]


class Replies(Protocol):
    """See `store.replies.CassandraReplies`. Every method is idempotent, and raises DatabaseUnavailable."""

    async def add(self, reply: Reply, version: int) -> None: ...
    async def remove(self, story_id: int, position: ReplyPosition) -> None: ...
    async def remove_all(self, story_id: int) -> None: ...
    async def of_story(self, story_id: int, after: ReplyPosition | None, limit: int) -> Sequence[Reply]: ...
    async def of_account(self, account_id: int, story_id: int | None = None) -> Sequence[Reply]: ...
    async def forget_account(self, account_id: int) -> None: ...
