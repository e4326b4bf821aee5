"""Reads of the API: comments and replies as a viewer sees them.

A page is read chunk by chunk in four steps: skeleton (entries of the thread), rules (drop authors who are hidden under
the post), hydrate (authors and reactions), present (build views).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from typing import NamedTuple, Protocol

from photomesh_post.accounts.domain import Author
from photomesh_post.accounts.visibility import AccountVisibility
from photomesh_post.comments.dead_rows import DeadRun, dead_runs
from photomesh_post.comments.domain import Comment, CommentView, ThreadEntry, ThreadRow
from photomesh_post.counts.domain import Reactions
from photomesh_post.errors import CommentNotFound
from photomesh_post.likes.domain import CommentTarget
from photomesh_post.metrics import DEAD_RUNS
from photomesh_post.paging import PageBuilder
from photomesh_post.posts.domain import Post
from photomesh_post.posts.visibility import PostVisibility
from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
from photomesh_shared.ids import MAX_ID

__all__ = ["Accounts", "CommentQueries", "Likes", "Store"]


class Store(Protocol):
    """See `comments.store.CassandraComments`."""

    async def comment(self, comment_id: int) -> Comment | None: ...
    def newest_of(self, thread_id: int, *, before: int) -> AsyncGenerator[ThreadRow, None]: ...
    def oldest_of(self, thread_id: int, *, after: int) -> AsyncGenerator[ThreadRow, None]: ...
    async def remove_dead(self, thread_id: int, run: DeadRun) -> None: ...


class Accounts(Protocol):
    """See `accounts.store.CassandraAccounts`."""

    async def authors(self, account_ids: Collection[int]) -> Mapping[int, Author]: ...


class Likes(Protocol):
    """See `likes.queries.LikeQueries`."""

    async def reactions(self, viewer_id: int | None, subject_ids: Collection[int]) -> Mapping[int, Reactions]: ...


log = logging.getLogger(__name__)

_DEAD_ROWS_FOR_ONE = 40
"""As many rows of deleted comments count as one comment that was looked at: a page ends after 20,000."""
_CHUNK = 2_000


class _Thread(NamedTuple):
    post_id: int
    post_author_id: int
    parent_id: int | None


async def _chunked(rows: AsyncGenerator[ThreadRow, None], size: int) -> AsyncGenerator[list[ThreadRow], None]:
    """Chunks with `size` comments each, or with many deleted ones."""
    chunk, living = list[ThreadRow](), 0
    async with aclosing(rows):
        async for row in rows:
            chunk.append(row)
            living += row.entry is not None
            if living == size or len(chunk) == _CHUNK:
                yield chunk
                chunk, living = [], 0
    if chunk:
        yield chunk


class CommentQueries:
    """`viewer_id` is None for a request without a token."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        viewers: AccountVisibility,
        posts: PostVisibility,
        likes: Likes,
        clock: Clock,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._viewers = viewers
        self._posts = posts
        self._likes = likes
        self._clock = clock

    async def comments_of_post(
        self, viewer_id: int | None, post_id: int, *, before: int | None, limit: int
    ) -> tuple[list[CommentView], int | None]:
        """A page of a post's comments, newest first, and the `before` of the next page if there is one. Raises
        PostNotFound."""
        author_id = await self._posts.author_of(viewer_id, post_id)
        entries = self._store.newest_of(post_id, before=before or MAX_ID)
        return await self._page(viewer_id, _Thread(post_id, author_id, None), entries, limit)

    async def replies(
        self, viewer_id: int | None, comment_id: int, *, after: int | None, limit: int
    ) -> tuple[list[CommentView], int | None]:
        """A page of a comment's replies, oldest first, and the `after` of the next page if there is one. A reply has
        none. Raises CommentNotFound."""
        comment, post = await self.comment(viewer_id, comment_id)
        entries = self._store.oldest_of(comment.id, after=after or 0)
        return await self._page(viewer_id, _Thread(post.id, post.author_id, comment.id), entries, limit)

    async def target(self, viewer_id: int | None, comment_id: int) -> CommentTarget:
        """A comment that the viewer sees, as a target of likes. Raises CommentNotFound."""
        comment, post = await self.comment(viewer_id, comment_id)
        return CommentTarget(comment.id, comment.author_id, post.id, post.author_id)

    async def target_in_any_state(self, viewer_id: int | None, comment_id: int) -> tuple[CommentTarget, bool]:
        """A comment, deleted or hidden as well, as a target of likes, and whether the viewer sees it. Raises
        CommentNotFound if there never was such a comment."""
        comment = await self._store.comment(comment_id)
        if comment is None:
            raise CommentNotFound
        author_id, sees_post = await self._posts.author_in_any_state(viewer_id, comment.post_id)
        if author_id is None:
            raise CommentNotFound
        visible = sees_post and await self.live_root(viewer_id, author_id, comment) is not None
        return CommentTarget(comment.id, comment.author_id, comment.post_id, author_id), visible

    async def comment(self, viewer_id: int | None, comment_id: int) -> tuple[Comment, Post]:
        """A comment that the viewer sees, and its post. Raises CommentNotFound."""
        comment = await self._store.comment(comment_id)
        if comment is None:
            raise CommentNotFound
        visible = await self._posts.find(viewer_id, comment.post_id)
        if visible is None or await self.live_root(viewer_id, visible.post.author_id, comment) is None:
            raise CommentNotFound
        return comment, visible.post

    async def live_root(self, viewer_id: int | None, post_author_id: int, comment: Comment) -> Comment | None:
        """The comment that a comment replies to, or itself; None if either is deleted or hidden from the viewer."""
        root = await self.root(comment)
        if root is None or root.deleted or comment.deleted:
            return None
        authors = {comment.author_id, root.author_id}
        return None if await self._viewers.hidden_under(viewer_id, post_author_id, authors) else root

    async def root(self, comment: Comment) -> Comment | None:
        """The comment that a comment replies to, or itself, deleted or hidden as well."""
        return comment if comment.parent_id is None else await self._store.comment(comment.parent_id)

    async def _page(
        self, viewer_id: int | None, thread: _Thread, rows: AsyncGenerator[ThreadRow, None], limit: int
    ) -> tuple[list[CommentView], int | None]:
        page, seen = PageBuilder[ThreadRow, CommentView](limit), list[ThreadRow]()
        async with aclosing(_chunked(rows, limit + 1)) as skeleton:
            async for chunk in skeleton:
                seen += chunk
                entries = [row.entry for row in chunk if row.entry]
                authors = {entry.author_id for entry in entries}
                hidden = await self._viewers.hidden_under(viewer_id, thread.post_author_id, authors)
                visible = [entry for entry in entries if entry.author_id not in hidden]
                views = await self._present(viewer_id, thread, visible)
                cost = len(entries) + (len(chunk) - len(entries)) // _DEAD_ROWS_FOR_ONE
                if page.add(chunk, [views.get(row.id) for row in chunk], cost=cost):
                    break
        await self._remove_dead(thread.parent_id or thread.post_id, seen)
        return page.items, page.next_after.id if page.next_after else None

    async def _remove_dead(self, thread_id: int, rows: Sequence[ThreadRow]) -> None:
        """Spares later readers the deleted comments that this one has looked at."""
        try:
            for run in dead_runs(rows, self._clock.now()):
                await self._store.remove_dead(thread_id, run)
                DEAD_RUNS.inc()
        except Unavailable as error:
            log.warning(
                "leaving rows of deleted comments to a later reader",
                extra={"thread_id": thread_id, "reason": str(error)},
            )

    async def _present(
        self, viewer_id: int | None, thread: _Thread, entries: Sequence[ThreadEntry]
    ) -> dict[int, CommentView]:
        authors, reactions = await asyncio.gather(
            self._accounts.authors({entry.author_id for entry in entries}),
            self._likes.reactions(viewer_id, [entry.id for entry in entries]),
        )
        return {
            entry.id: CommentView(
                comment=Comment(entry.id, thread.post_id, entry.author_id, thread.parent_id),
                author=authors.get(entry.author_id, Author(entry.author_id)),
                text=entry.text,
                entities=entry.entities,
                created_at=ids.timestamp_of(entry.id),
                reactions=reactions[entry.id],
            )
            for entry in entries
        }
