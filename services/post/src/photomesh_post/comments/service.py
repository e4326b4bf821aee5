"""Use cases of the API: write and delete comments."""

from __future__ import annotations

from typing import Protocol

from photomesh_post.accounts.domain import Author
from photomesh_post.accounts.mentions import MentionLinker
from photomesh_post.comments.domain import Comment, CommentText, CommentView
from photomesh_post.comments.event_log import CommentEventLog
from photomesh_post.comments.queries import CommentQueries
from photomesh_post.counts.domain import Reactions
from photomesh_post.errors import CommentNotFound, NotYourComment, UnknownComment
from photomesh_post.posts.domain import Post
from photomesh_post.posts.visibility import PostVisibility
from photomesh_post.texts.domain import usernames_of
from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.errors import FieldError
from photomesh_shared.events import CommentCreated, CommentDeleted, Envelope, TextEntities
from photomesh_shared.events.versions import version_at
from photomesh_shared.ids import CreationId

__all__ = ["Accounts", "CommentService", "Store"]


class Store(Protocol):
    """See `comments.store.CassandraComments`."""

    async def comment(self, comment_id: int) -> Comment | None: ...


class Accounts(Protocol):
    """See `accounts.store.CassandraAccounts`."""

    async def author(self, account_id: int) -> Author: ...


class CommentService:
    """Every method raises EventLogUnavailable and DatabaseUnavailable."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        posts: PostVisibility,
        queries: CommentQueries,
        mentions: MentionLinker,
        log: CommentEventLog,
        clock: Clock,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._posts = posts
        self._queries = queries
        self._mentions = mentions
        self._log = log
        self._clock = clock

    async def write_comment(
        self, creation: CreationId, author_id: int, post_id: int, text: CommentText, parent_id: int | None
    ) -> CommentView:
        """Creates a comment. Idempotent.

        A reply to a reply becomes a reply to the comment that both reply to.

        Raises PostNotFound, UnknownComment, and CommentNotFound if an earlier attempt of the same creation wrote a
        comment that was deleted since.
        """
        post, _ = await self._posts.post(author_id, post_id)
        entities = await self._mentions.link(author_id, text.entities, before=creation.id)
        if creation.repeated and (written := await self._store.comment(creation.id)):
            if written.deleted:
                raise CommentNotFound
            return await self._view(written, text.text, entities)
        parent = await self._parent(author_id, post, parent_id) if parent_id is not None else None
        comment = Comment(creation.id, post_id, author_id, parent.id if parent else None)
        created_at = ids.timestamp_of(comment.id)
        event = CommentCreated(
            post_id=post_id,
            post_author_id=post.author_id,
            account_id=author_id,
            comment_id=comment.id,
            parent_id=comment.parent_id,
            parent_author_id=parent.author_id if parent else None,
            text=text.text,
            mentions=usernames_of(entities),
            entities=entities,
            created_at=created_at,
        )
        name = f"{ids.encode('c', comment.id)}.created"
        await self._log.commit(Envelope.of(event, entityversion=version_at(created_at), id=name, time=created_at))
        return await self._view(comment, text.text, entities)

    async def _view(self, comment: Comment, text: str, entities: TextEntities) -> CommentView:
        """The comment as it was written: its text cannot change."""
        author = await self._accounts.author(comment.author_id)
        return CommentView(comment, author, text, entities, ids.timestamp_of(comment.id), Reactions(liked=False))

    async def _parent(self, viewer_id: int, post: Post, parent_id: int) -> Comment:
        comment = await self._store.comment(parent_id)
        root = (
            await self._queries.live_root(viewer_id, post.author_id, comment)
            if comment and comment.post_id == post.id
            else None
        )
        if root is None:
            raise UnknownComment(errors=[FieldError("/parent_id", "is not a comment of this post")])
        return root

    async def delete_comment(self, viewer_id: int, comment_id: int) -> None:
        """Deletes a comment with its replies. Idempotent. Raises CommentNotFound, NotYourComment.

        The authors of the comment and of its post may, whatever they see: also under a deleted post, and across a
        block.
        """
        comment = await self._store.comment(comment_id)
        if comment is None:
            raise CommentNotFound
        post_author_id, _ = await self._posts.author_in_any_state(viewer_id, comment.post_id)
        if post_author_id is None:
            raise CommentNotFound
        if viewer_id not in (comment.author_id, post_author_id):
            await self._queries.comment(viewer_id, comment_id)
            raise NotYourComment
        root = await self._queries.root(comment)
        if comment.deleted or (root and root.deleted):
            return
        now = self._clock.now()
        event = CommentDeleted(
            post_id=comment.post_id,
            post_author_id=post_author_id,
            account_id=comment.author_id,
            comment_id=comment.id,
            parent_id=comment.parent_id,
            deleted_by=viewer_id,
            deleted_at=now,
        )
        # Above the first event's, whatever the clocks say.
        version = max(version_at(now), version_at(ids.timestamp_of(comment.id)) + 1)
        name = f"{ids.encode('c', comment.id)}.deleted"
        await self._log.commit(Envelope.of(event, entityversion=version, id=name, time=now))
