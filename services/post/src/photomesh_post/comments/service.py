"""Use cases of comments: to write, read and delete them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from typing import Protocol

from photomesh_post.comments.domain import Comment, CommentView, Entry
from photomesh_post.comments.event_log import Commenting
from photomesh_post.comments.event_log import Store as Written
from photomesh_post.errors import CommentNotFound, NotYourComment, PostNotFound, UnknownComment
from photomesh_post.paging import page_of
from photomesh_post.posts.captions import CommentText
from photomesh_post.posts.domain import Author, Post, Reactions
from photomesh_post.posts.event_log import microseconds
from photomesh_post.posts.service import Ids
from photomesh_post.posts.visibility import Visibility
from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.errors import FieldError
from photomesh_shared.events import CommentCreated, CommentDeleted, Envelope
from photomesh_shared.ids import MAX_ID

__all__ = ["CommentService", "Likes", "Store"]


class Store(Written, Protocol):
    """What is asked of the store; see `comments_store.CassandraComments`."""

    async def authors(self, account_ids: Collection[int]) -> Mapping[int, Author]: ...


class Likes(Protocol):
    """See `liking.Liking`."""

    async def reactions(self, viewer_id: int | None, subject_ids: Collection[int]) -> Mapping[int, Reactions]: ...


class CommentService:
    """`viewer_id` is None where nobody is logged in."""

    def __init__(
        self,
        store: Store,
        commenting: Commenting,
        visibility: Visibility,
        likes: Likes,
        id_source: Ids,
        clock: Clock,
    ) -> None:
        self._store = store
        self._commenting = commenting
        self._visibility = visibility
        self._likes = likes
        self._ids = id_source
        self._clock = clock

    async def write(self, viewer_id: int, post_id: int, text: CommentText, parent_id: int | None) -> CommentView:
        """A new comment. A reply to a reply goes to the comment that both reply to.

        Raises PostNotFound, UnknownComment.
        """
        post, _ = await self._visibility.post(viewer_id, post_id)
        parent = await self._parent(viewer_id, post, parent_id) if parent_id is not None else None
        comment = Comment(self._ids.next(), post_id, viewer_id, parent.id if parent else None)
        created_at = ids.timestamp_of(comment.id)
        event = CommentCreated(
            post_id=post_id,
            post_author_id=post.author_id,
            account_id=viewer_id,
            comment_id=comment.id,
            parent_id=comment.parent_id,
            parent_author_id=parent.author_id if parent else None,
            text=text.text,
            mentions=text.mentions,
            created_at=created_at,
        )
        name = f"{ids.encode('c', comment.id)}.created"
        await self._commenting.commit(
            Envelope.of(event, entityversion=microseconds(created_at), id=name, time=created_at)
        )
        authors = await self._store.authors({viewer_id})
        author = authors.get(viewer_id, Author(viewer_id))
        return CommentView(comment, author, text.text, created_at, Reactions(liked=False))

    async def _parent(self, viewer_id: int, post: Post, parent_id: int) -> Comment:
        comment = await self._store.comment(parent_id)
        root = await self._root(viewer_id, comment) if comment and comment.post_id == post.id else None
        if root is None:
            raise UnknownComment(errors=[FieldError("/parent_id", "is not a comment of this post")])
        return root

    async def _root(self, viewer_id: int | None, comment: Comment) -> Comment | None:
        """The comment that a comment replies to, or itself; None if either is deleted or hidden."""
        root = await self._of_thread(viewer_id, comment)
        return None if root is None or root.deleted or comment.deleted else root

    async def _of_thread(self, viewer_id: int | None, comment: Comment) -> Comment | None:
        """As `_root`, deleted or not."""
        root = comment if comment.parent_id is None else await self._store.comment(comment.parent_id)
        if root is None or await self._visibility.blocked_among(viewer_id, {comment.author_id, root.author_id}):
            return None
        return root

    async def find(self, viewer_id: int | None, comment_id: int) -> tuple[Comment, Post]:
        """A comment that the viewer sees, and its post. Raises CommentNotFound for every other."""
        comment = await self._store.comment(comment_id)
        if comment is None:
            raise CommentNotFound
        post = await self._post(viewer_id, comment)
        if await self._root(viewer_id, comment) is None:
            raise CommentNotFound
        return comment, post

    async def _post(self, viewer_id: int | None, comment: Comment) -> Post:
        try:
            post, _ = await self._visibility.post(viewer_id, comment.post_id)
        except PostNotFound as error:
            raise CommentNotFound from error
        return post

    async def delete(self, viewer_id: int, comment_id: int) -> None:
        """Deletes a comment with its replies; a second time is no error. Raises CommentNotFound, NotYourComment."""
        comment = await self._store.comment(comment_id)
        if comment is None:
            raise CommentNotFound
        post = await self._post(viewer_id, comment)
        root = await self._of_thread(viewer_id, comment)
        permitted = viewer_id in (comment.author_id, post.author_id)
        gone = root is not None and (root.deleted or comment.deleted)
        if root is None or (gone and not permitted):
            raise CommentNotFound
        if gone:
            return
        if not permitted:
            raise NotYourComment
        now = self._clock.now()
        event = CommentDeleted(
            post_id=post.id,
            post_author_id=post.author_id,
            account_id=comment.author_id,
            comment_id=comment.id,
            parent_id=comment.parent_id,
            deleted_by=viewer_id,
            deleted_at=now,
        )
        # Later than the first event, whatever the clocks say.
        version = max(microseconds(now), microseconds(ids.timestamp_of(comment.id)) + 1)
        name = f"{ids.encode('c', comment.id)}.deleted"
        await self._commenting.commit(Envelope.of(event, entityversion=version, id=name, time=now))

    async def of_post(
        self, viewer_id: int | None, post_id: int, *, before: int | None, limit: int
    ) -> tuple[list[CommentView], int | None]:
        """A page of a post's comments, newest first, and the `before` of the next page if there is one. Raises
        PostNotFound."""
        await self._visibility.post(viewer_id, post_id)
        listed = self._store.newest_of(post_id, before=before or MAX_ID)
        return await self._page(viewer_id, post_id, None, listed, limit)

    async def replies(
        self, viewer_id: int | None, comment_id: int, *, after: int | None, limit: int
    ) -> tuple[list[CommentView], int | None]:
        """A page of a comment's replies, oldest first, and the `after` of the next page if there is one; a reply has
        none. Raises CommentNotFound."""
        comment, post = await self.find(viewer_id, comment_id)
        listed = self._store.oldest_of(comment.id, after=after or 0)
        return await self._page(viewer_id, post.id, comment.id, listed, limit)

    async def _page(
        self,
        viewer_id: int | None,
        post_id: int,
        parent_id: int | None,
        listed: AsyncGenerator[Entry, None],
        limit: int,
    ) -> tuple[list[CommentView], int | None]:
        async def show(entries: Sequence[Entry]) -> Sequence[CommentView | None]:
            hidden = await self._visibility.blocked_among(viewer_id, {entry.author_id for entry in entries})
            seen = [entry for entry in entries if entry.author_id not in hidden]
            shown = await self._shown(viewer_id, post_id, parent_id, seen)
            views = {view.comment.id: view for view in shown}
            return [views.get(entry.id) for entry in entries]

        found = await page_of(listed, limit, show)  # not unpacked at once: mypy would infer another type for `listed`
        page, last = found
        return page, last.id if last else None

    async def _shown(
        self, viewer_id: int | None, post_id: int, parent_id: int | None, entries: Sequence[Entry]
    ) -> list[CommentView]:
        authors, reactions = await asyncio.gather(
            self._store.authors({entry.author_id for entry in entries}),
            self._likes.reactions(viewer_id, [entry.id for entry in entries]),
        )
        return [
            CommentView(
                comment=Comment(entry.id, post_id, entry.author_id, parent_id),
                author=authors.get(entry.author_id, Author(entry.author_id)),
                text=entry.text,
                created_at=ids.timestamp_of(entry.id),
                reactions=reactions[entry.id],
            )
            for entry in entries
        ]
