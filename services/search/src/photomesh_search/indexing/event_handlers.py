"""Use cases of the consumer: what happened to accounts and posts reaches the index.

Only posts of public accounts are indexed. Accounts and posts come by different topics, in any order, so each side looks
at the other after it has written: the later one repairs what the earlier one could not know.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_search.errors import SearchUnavailable
from photomesh_search.indexing.domain import (
    AccountDocument,
    PostDocument,
    Standing,
    account_document,
    erased_account,
    post_document,
)
from photomesh_shared.clock import Clock
from photomesh_shared.consumer.erasure import Erased, kept_dead_letters
from photomesh_shared.events import (
    AccountDeleted,
    AccountErasureRequested,
    AccountRegistered,
    AccountUpdated,
    Envelope,
    FollowCreated,
    FollowDeleted,
    Kept,
    PostDeleted,
    PostEdited,
    PostPublished,
)
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["AccountEraser", "AccountEventHandlers", "FollowEventHandlers", "Index", "PostEventHandlers", "PostSource"]

AFTER_ACCOUNT = declare("search.after_account", "an account is indexed, its posts are as they were")
AFTER_POSTS = declare("search.after_posts", "posts are indexed, their authors have not been looked at again")

_MERGED_WITHIN = timedelta(days=30)


class Index(Protocol):
    """See `store.IndexWriter`. Every method raises SearchUnavailable, and is idempotent."""

    async def standings(self, account_ids: Collection[int]) -> dict[int, Standing]: ...
    async def save_filled(self, documents: Collection[AccountDocument]) -> None: ...
    async def save_accounts(self, documents: Collection[AccountDocument]) -> None: ...
    async def save_followers(self, counts: Mapping[int, tuple[int, datetime]]) -> None: ...
    async def save_posts(self, documents: Collection[PostDocument]) -> None: ...
    def shown_posts_of(self, author_ids: Collection[int]) -> AsyncIterator[list[PostDocument]]: ...


class PostSource(Protocol):
    """See `clients.PostClient`. Raises Unavailable."""

    def posts_of(self, author_ids: Collection[int]) -> AsyncIterator[list[PostDocument]]: ...


class AccountEventHandlers:
    def __init__(self, index: Index, posts: PostSource) -> None:
        self._index = index
        self._posts = posts

    async def accounts_changed(
        self, envelopes: Sequence[Envelope[AccountRegistered | AccountUpdated | AccountDeleted]]
    ) -> None:
        """Index the profiles. Where an account became public, or stopped being so, its posts follow. Idempotent."""
        documents: dict[int, AccountDocument] = {}
        for envelope in envelopes:
            event = envelope.data
            if isinstance(event, AccountDeleted):
                document = erased_account(event.user_id, envelope.entityversion)
            else:
                document = account_document(event, envelope.entityversion)
            newest = documents.get(document.account_id)
            if newest is None or newest.version < document.version:
                documents[document.account_id] = document
        await self._index.save_accounts(documents.values())
        await failpoint(AFTER_ACCOUNT)
        stored = await self._index.standings(documents)
        undone = [
            one
            for one in documents.values()
            if stored[one.account_id].version == one.version and stored[one.account_id].filled != one.public
        ]
        await self.remove_posts([one.account_id for one in undone if not one.public])
        await self._add_posts([one.account_id for one in undone if one.public])
        # Last, so that after a crash the work is found undone.
        await self._index.save_filled(undone)

    async def remove_posts(self, author_ids: Collection[int]) -> int:
        """Empty all posts of these authors. Returns how many."""
        removed = 0
        if author_ids:
            async for posts in self._index.shown_posts_of(author_ids):
                await self._index.save_posts(posts)
                removed += len(posts)
        return removed

    async def _add_posts(self, author_ids: Collection[int]) -> None:
        if author_ids:
            async for posts in self._posts.posts_of(author_ids):
                await save_public(self._index, posts)


class PostEventHandlers:
    def __init__(self, index: Index) -> None:
        self._index = index

    async def posts_changed(self, envelopes: Sequence[Envelope[PostPublished | PostEdited | PostDeleted]]) -> None:
        """Index what is public, and empty what is deleted. Idempotent."""
        documents: dict[int, PostDocument] = {}
        for envelope in envelopes:
            document = post_document(envelope)
            if document is None:
                continue
            known = documents.get(document.post_id)
            if known is None or known.version < document.version:
                documents[document.post_id] = document
        await save_public(self._index, documents.values())


class FollowEventHandlers:
    def __init__(self, index: Index) -> None:
        self._index = index

    async def followers_changed(self, envelopes: Sequence[Envelope[FollowCreated | FollowDeleted]]) -> None:
        """Index how many followers accounts have: the latest of each. Idempotent."""
        counts: dict[int, tuple[int, datetime]] = {}
        for envelope in envelopes:
            event = envelope.data
            at = event.created_at if isinstance(event, FollowCreated) else event.deleted_at
            if event.followee_id not in counts or counts[event.followee_id][1] < at:
                counts[event.followee_id] = event.followers, at
        await self._index.save_followers(counts)


class AccountEraser:
    def __init__(self, index: Index, accounts: AccountEventHandlers, clock: Clock) -> None:
        self._index = index
        self._accounts = accounts
        self._clock = clock

    async def erase(self, envelope: Envelope[AccountErasureRequested]) -> Erased:
        """Empty the account's document and those of its posts. Idempotent. Raises Unavailable."""
        await self._index.save_accounts([erased_account(envelope.data.user_id, envelope.entityversion)])
        await failpoint(AFTER_ACCOUNT)
        posts = await self._accounts.remove_posts([envelope.data.user_id])
        now = self._clock.now()
        keeps = [
            kept_dead_letters(["accounts", "posts", "follows", "erasures"], now),
            Kept(
                what="replaced documents in files of the index",
                why="the index removes them when it merges its files",
                until=now + _MERGED_WITHIN,
            ),
            Kept(
                what="ids of the account and its posts, and how many followers it had",
                why="an event that arrives late must bring nothing back",
                until=None,
            ),
        ]
        return Erased({"accounts": 1, "posts": posts}, keeps)


async def save_public(index: Index, documents: Collection[PostDocument]) -> None:
    """Index posts, without the content of those whose authors are not public. The authors are looked at before and
    after: one that stops being public meanwhile has either not seen these posts, or is seen here."""
    authors = {one.author_id for one in documents}
    for _attempt in range(3):
        public = await _public(index, authors)
        await index.save_posts([one if one.author_id in public else one.emptied() for one in documents])
        await failpoint(AFTER_POSTS)
        if await _public(index, authors) == public:
            return
    raise SearchUnavailable("authors change faster than their posts can be indexed")


async def _public(index: Index, authors: Collection[int]) -> set[int]:
    return {account_id for account_id, standing in (await index.standings(authors)).items() if standing.public}
