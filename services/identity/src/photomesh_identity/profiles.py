"""Profiles as others see them: an account, with what social-graph and post know of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from photomesh_identity.domain import Account, Counts, Relationship
from photomesh_identity.errors import AccountNotFound
from photomesh_identity.service import Accounts
from photomesh_shared.errors import Unavailable

__all__ = ["Graph", "Posts", "ProfileView", "Profiles", "Summary"]


@dataclass(frozen=True)
class Summary:
    """What social-graph knows of an account. `relationship` is the viewer's, None without one or to themselves."""

    followers: int
    following: int
    relationship: Relationship | None = None
    blocked_by: bool = False
    """The account blocks the viewer."""


class Graph(Protocol):
    async def summary(self, account_id: int, viewer_id: int | None) -> Summary:
        """Raises RelationsUnavailable."""
        ...


class Posts(Protocol):
    async def count(self, account_id: int) -> int:
        """How many posts of the account are published. Raises Unavailable."""
        ...


@dataclass(frozen=True)
class ProfileView:
    """`counts` is None where they could not be had."""

    account: Account
    counts: Counts | None
    relationship: Relationship | None


class Profiles:
    def __init__(self, accounts: Accounts, graph: Graph, posts: Posts) -> None:
        self._accounts = accounts
        self._graph = graph
        self._posts = posts

    async def get(self, viewer_id: int | None, account_id: int) -> ProfileView:
        """Raises AccountNotFound also when the account blocks the viewer, and RelationsUnavailable when nobody can
        say whether it does."""
        return await self._view(viewer_id, await self._accounts.get(account_id))

    async def named(self, viewer_id: int | None, username: str) -> ProfileView:
        """Raises as `get`."""
        return await self._view(viewer_id, await self._accounts.named(username))

    async def _view(self, viewer_id: int | None, account: Account) -> ProfileView:
        # What everybody may see does not wait for what cannot be had; whom the account may hide from does.
        may_be_hidden = viewer_id not in (None, account.id)
        summary, posts = await asyncio.gather(
            self._graph.summary(account.id, viewer_id), self._posts.count(account.id), return_exceptions=True
        )
        for answer in (summary, posts):
            if isinstance(answer, BaseException) and not isinstance(answer, Unavailable):
                raise answer
        if isinstance(summary, BaseException):
            if may_be_hidden:
                raise summary
            return ProfileView(account, None, None)
        if summary.blocked_by:
            raise AccountNotFound
        counts = None if isinstance(posts, BaseException) else Counts(posts, summary.followers, summary.following)
        return ProfileView(account, counts, summary.relationship if may_be_hidden else None)
