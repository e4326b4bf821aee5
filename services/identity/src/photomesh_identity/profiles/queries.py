"""Profiles as others see them: an account, with data of social-graph and post."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from photomesh_identity.accounts.domain import Account
from photomesh_identity.accounts.service import AccountService
from photomesh_identity.errors import AccountNotFound
from photomesh_shared.errors import Unavailable
from photomesh_shared.internal_api.social_graph import Relationship, Summary

__all__ = ["Counts", "PostCounts", "ProfileQueries", "ProfileView", "SocialGraph"]


class SocialGraph(Protocol):
    async def summary(self, account_id: int, viewer_id: int | None) -> Summary:
        """Raises RelationsUnavailable."""
        ...


class PostCounts(Protocol):
    async def count(self, account_id: int) -> int:
        """The account's published posts. Raises Unavailable."""
        ...


@dataclass(frozen=True)
class Counts:
    posts: int
    followers: int
    following: int


@dataclass(frozen=True)
class ProfileView:
    """`counts` is None if a service did not answer; `relationship` is None without a viewer, and for the owner."""

    account: Account
    counts: Counts | None
    relationship: Relationship | None


class ProfileQueries:
    def __init__(self, accounts: AccountService, social_graph: SocialGraph, post_counts: PostCounts) -> None:
        self._accounts = accounts
        self._social_graph = social_graph
        self._post_counts = post_counts

    async def get(self, viewer_id: int | None, account_id: int) -> ProfileView:
        """Raises AccountNotFound, also if the account is not active or blocks the viewer, and RelationsUnavailable if
        that cannot be determined."""
        return await self._view(viewer_id, await self._accounts.get(account_id))

    async def get_by_username(self, viewer_id: int | None, username: str) -> ProfileView:
        """Raises as `get`."""
        return await self._view(viewer_id, await self._accounts.get_by_username(username))

    async def _view(self, viewer_id: int | None, account: Account) -> ProfileView:
        if account.hidden and viewer_id != account.id:
            raise AccountNotFound
        # A public part is served without data of others; but an account that may be hidden from the viewer is not.
        may_be_hidden = viewer_id not in (None, account.id)
        summary, posts = await asyncio.gather(
            self._social_graph.summary(account.id, viewer_id),
            self._post_counts.count(account.id),
            return_exceptions=True,
        )
        for outcome in (summary, posts):
            if isinstance(outcome, BaseException) and not isinstance(outcome, Unavailable):
                raise outcome
        if isinstance(summary, BaseException):
            if may_be_hidden:
                raise summary
            return ProfileView(account, None, None)
        if summary.blocked_by:
            raise AccountNotFound
        counts = None if isinstance(posts, BaseException) else Counts(posts, summary.followers, summary.following)
        return ProfileView(account, counts, summary.relationship if may_be_hidden else None)
