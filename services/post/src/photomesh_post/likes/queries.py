"""Reads of the API: reactions to posts and comments, and who likes a post."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import aclosing
from typing import NamedTuple, Protocol

from photomesh_post.accounts.domain import Author
from photomesh_post.counts.domain import Counts, PartitionRef, Reactions, ReactionVersions
from photomesh_post.likes.domain import NEVER, Bucket, Like, reactions

__all__ = ["Accounts", "CountStore", "Cursor", "LikeQueries", "Posts", "Store", "Viewers"]


class Cursor(NamedTuple):
    """A position in the list of the accounts that like a subject."""

    bucket: int
    account_id: int


_START = Cursor(-1, 0)


class Store(Protocol):
    """See `likes.store.CassandraLikes`."""

    async def own_likes(self, account_id: int, subject_ids: Collection[int]) -> Mapping[int, Like]: ...
    async def own_buckets(self, account_id: int, subject_ids: Collection[int]) -> Mapping[int, Bucket]: ...
    def accounts_in(self, ref: PartitionRef, *, after: int) -> AsyncGenerator[int, None]: ...


class CountStore(Protocol):
    """See `counts.store.CassandraCounts`."""

    async def counts(self, subject_ids: Collection[int]) -> Mapping[int, Counts]: ...


class Accounts(Protocol):
    """See `accounts.store.CassandraAccounts`."""

    async def authors(self, account_ids: Collection[int]) -> Mapping[int, Author]: ...


class Viewers(Protocol):
    """See `accounts.visibility.AccountVisibility`."""

    async def hidden_under(self, viewer_id: int | None, owner_id: int, account_ids: Collection[int]) -> set[int]: ...


class Posts(Protocol):
    """See `posts.visibility.PostVisibility`."""

    async def author_of(self, viewer_id: int | None, post_id: int) -> int: ...


class LikeQueries:
    """`viewer_id` is None for a request without a token."""

    def __init__(self, store: Store, counts: CountStore, accounts: Accounts, viewers: Viewers, posts: Posts) -> None:
        self._store = store
        self._counts = counts
        self._accounts = accounts
        self._viewers = viewers
        self._posts = posts

    async def reactions(self, viewer_id: int | None, subject_ids: Collection[int]) -> Mapping[int, Reactions]:
        """What the viewer is shown of posts or comments that they see, by id; a few reads, however many they are."""
        if not subject_ids:
            return {}
        counts = await self._counts.counts(subject_ids)
        if viewer_id is None:
            found = ((subject_id, counts.get(subject_id, Counts())) for subject_id in subject_ids)
            return {
                subject_id: Reactions(c.likes, c.comments, versions=ReactionVersions(c.version))
                for subject_id, c in found
            }
        own, buckets = await asyncio.gather(
            self._store.own_likes(viewer_id, subject_ids), self._store.own_buckets(viewer_id, subject_ids)
        )
        return {
            subject_id: reactions(
                counts.get(subject_id, Counts()), viewer_id, own.get(subject_id, NEVER), buckets.get(subject_id)
            )
            for subject_id in subject_ids
        }

    async def accounts_liking(
        self, viewer_id: int | None, post_id: int, *, after: Cursor | None, limit: int
    ) -> tuple[list[Author], Cursor | None]:
        """A page of the accounts that like a post, and the `after` of the next page if there is one.

        The viewer comes first, counted already or not. Accounts with a block to or from the viewer or the post's author
        are left out. Raises PostNotFound.
        """
        author_id = await self._posts.author_of(viewer_id, post_id)
        account_ids, last = await self._skeleton(viewer_id, post_id, after, limit)
        hidden, authors = await asyncio.gather(
            self._viewers.hidden_under(viewer_id, author_id, account_ids), self._accounts.authors(account_ids)
        )
        return [authors.get(key, Author(key)) for key in account_ids if key not in hidden], last

    async def _skeleton(
        self, viewer_id: int | None, post_id: int, after: Cursor | None, limit: int
    ) -> tuple[list[int], Cursor | None]:
        account_ids: list[int] = []
        if viewer_id is not None and after is None and (await self.reactions(viewer_id, [post_id]))[post_id].liked:
            account_ids.append(viewer_id)
        last = after or _START
        async with aclosing(self._liking(post_id, last)) as liking:
            async for position in liking:
                if len(account_ids) >= limit:
                    return account_ids, last
                if position.account_id != viewer_id:
                    account_ids.append(position.account_id)
                last = position
        return account_ids, None

    async def _liking(self, subject_id: int, after: Cursor) -> AsyncGenerator[Cursor, None]:
        """The accounts that like a subject, bucket by bucket."""
        counts = (await self._counts.counts([subject_id])).get(subject_id, Counts())
        for number in sorted(number for number, count in counts.by_bucket.items() if count and number >= after.bucket):
            first = after.account_id if number == after.bucket else -1
            async with aclosing(self._store.accounts_in(PartitionRef(subject_id, number), after=first)) as account_ids:
                async for account_id in account_ids:
                    yield Cursor(number, account_id)
