"""Undoes events that arrive after what they are about has ended: late, replayed, or by a token that is still valid.

An event is handled first, and then it is checked whether its account, post or comment has ended. What ends is marked
before its rows are looked for. So either the mark is seen here, or the rows are seen there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Protocol

from photomesh_post.comments.event_log import CommentEventLog
from photomesh_post.likes.event_handlers import LikeEventHandlers
from photomesh_post.saves.event_log import SaveEventLog
from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.events import (
    CollectionCreated,
    CollectionDeleted,
    CollectionPostAdded,
    CollectionPostRemoved,
    CollectionRenamed,
    CommentCreated,
    CommentDeleted,
    CommentLiked,
    CommentUnliked,
    Envelope,
    Event,
    PostLiked,
    PostSaved,
    PostUnliked,
    PostUnsaved,
)
from photomesh_shared.events.versions import version_at
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["Ended", "LateEngagement"]


class Ended(Protocol):
    """See `erasures.store.CassandraErasures`."""

    async def ended_among(self, ids: Collection[int]) -> Collection[int]: ...


class LateEngagement:
    def __init__(
        self,
        ended: Ended,
        likes: LikeEventHandlers,
        comments: CommentEventLog,
        saves: SaveEventLog,
        publisher: Publisher,
        clock: Clock,
    ) -> None:
        self._ended = ended
        self._likes = likes
        self._comments = comments
        self._saves = saves
        self._publisher = publisher
        self._clock = clock

    def after(self, handler: Callable[[Sequence[Envelope[Any]]], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """The handler of a batch, which undoes what is late."""

        async def handle(envelopes: Sequence[Envelope[Any]]) -> None:
            await handler(envelopes)
            await self._undo_late(envelopes)

        return handle

    def after_each(self, handler: Callable[[Envelope[Any]], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """The handler of one event, which undoes it if it is late."""

        async def handle(envelope: Envelope[Any]) -> None:
            await handler(envelope)
            await self._undo_late([envelope])

        return handle

    async def _undo_late(self, envelopes: Sequence[Envelope[Event]]) -> None:
        about = {envelope.id: _things_of(envelope.data) for envelope in envelopes}
        ended = set(await self._ended.ended_among(set().union(*about.values())))
        for envelope in envelopes if ended else ():
            if about[envelope.id] & ended:
                await self._undo(envelope)

    async def _undo(self, envelope: Envelope[Event]) -> None:
        """Publishes the end of what a late event began; once that is handled, removes the rows."""
        event, now = envelope.data, self._clock.now()
        version = max(version_at(now), envelope.entityversion + 1)
        match event:
            case PostLiked():
                end: Event = PostUnliked(**_same(event, "liked_at"), unliked_at=now)
            case CommentLiked():
                end = CommentUnliked(**_same(event, "liked_at"), unliked_at=now)
            case PostUnliked():
                await self._likes.forget([(event.account_id, event.post_id)])
                return
            case CommentUnliked():
                await self._likes.forget([(event.account_id, event.comment_id)])
                return
            case CommentCreated():
                deleted = CommentDeleted(
                    post_id=event.post_id,
                    post_author_id=event.post_author_id,
                    account_id=event.account_id,
                    comment_id=event.comment_id,
                    parent_id=event.parent_id,
                    deleted_by=event.account_id,
                    deleted_at=now,
                )
                name = f"{ids.encode('c', event.comment_id)}.deleted"
                await self._comments.commit(Envelope.of(deleted, entityversion=version, id=name, time=now))
                return
            case PostSaved():
                await self._saves.forget(event.account_id, event.account_id, event.post_id)
                end = PostUnsaved(account_id=event.account_id, post_id=event.post_id, unsaved_at=now)
            case CollectionPostAdded():
                await self._saves.forget(event.account_id, event.collection_id, event.post_id)
                end = CollectionPostRemoved(**_same(event, "added_at"), removed_at=now)
            case CollectionCreated() | CollectionRenamed():
                end = CollectionDeleted(account_id=event.account_id, collection_id=event.collection_id, deleted_at=now)
            case _:
                return
        await self._publisher.publish(Envelope.of(end, entityversion=version, time=now))


def _things_of(event: Event) -> set[int]:
    """The ids of what an event is about, of which any may have ended."""
    names = {"account_id", "post_id", "comment_id", "parent_id"}
    if isinstance(event, CommentCreated):
        names.remove("comment_id")  # the end of a deleted comment is in the log
    return {id_ for name in names if isinstance(id_ := getattr(event, name, None), int)}


def _same(event: Event, *without: str) -> dict[str, Any]:
    return {name: getattr(event, name) for name in type(event).model_fields if name not in without}
