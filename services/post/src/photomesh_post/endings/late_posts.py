"""Undoes events of erased accounts that arrive at the group `post` after the erasure; see `endings.late`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol

from photomesh_post.photos.erasure import PhotoEraser
from photomesh_post.photos.projection import deleted_rows
from photomesh_post.posts.removal import PostRemoval
from photomesh_post.tables.rows import RowWrite
from photomesh_shared.consumer.erasure import accounts_of
from photomesh_shared.events import (
    Envelope,
    Event,
    PhotoUploaded,
    PostCreated,
    PostDeleted,
    PostEdited,
    PostFailed,
    PostPublished,
)

__all__ = ["Accounts", "Ended", "LatePosts", "Photos", "Posts"]


class Ended(Protocol):
    """See `erasures.store.CassandraErasures`."""

    async def ended_among(self, ids: Collection[int]) -> Collection[int]: ...


class Photos(Protocol):
    """See `photos.store.CassandraPhotos`."""

    async def write(self, rows: list[RowWrite]) -> None: ...


class Posts(Protocol):
    """See `posts.store.CassandraPosts`."""

    async def forget(self, author_id: int, post_id: int) -> None: ...


class Accounts(Protocol):
    """See `accounts.store.CassandraAccounts`."""

    async def forget(self, account_id: int) -> int: ...


class LatePosts:
    def __init__(
        self,
        ended: Ended,
        posts: Posts,
        photos: Photos,
        accounts: Accounts,
        removal: PostRemoval,
        eraser: PhotoEraser,
    ) -> None:
        self._ended = ended
        self._posts = posts
        self._photos = photos
        self._accounts = accounts
        self._removal = removal
        self._eraser = eraser

    def after_each(self, handler: Callable[[Envelope[Any]], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """The handler of one event, which undoes it if it is late."""

        async def handle(envelope: Envelope[Any]) -> None:
            await handler(envelope)
            for account_id in await self._ended.ended_among(accounts_of(envelope.data)):
                await self._undo(account_id, envelope)

        return handle

    async def _undo(self, account_id: int, envelope: Envelope[Event]) -> None:
        event = envelope.data
        match event:
            case PostCreated() | PostPublished() | PostEdited() | PostFailed():
                await self._removal.delete(event.post_id)
            case PostDeleted():
                await self._posts.forget(account_id, event.post_id)
            case _ if photo_id := getattr(event, "photo_id", None):
                await self._photos.write(deleted_rows(photo_id))
                if not isinstance(event, PhotoUploaded):  # it is not being processed any more
                    await self._eraser.erase_objects(photo_id, envelope.time)
            case _:
                await self._accounts.forget(account_id)
