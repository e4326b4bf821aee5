"""What the group `post` erases of an account: posts, photos, relations, and its copy of the account."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Protocol

from photomesh_post.erasures.domain import Pending
from photomesh_post.erasures.worker import NotYetErased
from photomesh_post.photos.domain import Photo
from photomesh_post.photos.erasure import Cdn, PhotoEraser
from photomesh_post.photos.projection import deleted_rows
from photomesh_post.posts.domain import PostRef
from photomesh_post.posts.removal import PostRemoval
from photomesh_post.tables.rows import RowWrite
from photomesh_shared.clock import Clock
from photomesh_shared.ids import MAX_ID, last_id_at

__all__ = ["AccountPosts", "Accounts", "Avatars", "Photos", "Posts"]


class Posts(Protocol):
    """See `posts.store.CassandraPosts`."""

    def posts_by_author(self, author_id: int, *, before: int) -> AsyncGenerator[PostRef, None]: ...
    async def forget_author(self, author_id: int) -> None: ...


class Photos(Protocol):
    """See `photos.store.CassandraPhotos`."""

    async def write(self, rows: Sequence[RowWrite]) -> None: ...
    async def photo(self, photo_id: int) -> Photo | None: ...
    def photos_of_owner(self, owner_id: int, *, after: int, until: int) -> AsyncGenerator[int, None]: ...
    async def forget(self, owner_id: int, photo_id: int) -> None: ...


class Accounts(Protocol):
    """See `accounts.store.CassandraAccounts`."""

    async def forget(self, account_id: int) -> int: ...


class Avatars(Protocol):
    """See `photos.objects.StoredPhotos`."""

    async def avatars(self, account_id: int) -> Sequence[str]: ...
    async def remove_avatars(self, keys: Sequence[str]) -> None: ...


class AccountPosts:
    """Every method is a `Stage`."""

    def __init__(
        self,
        posts: Posts,
        photos: Photos,
        accounts: Accounts,
        removal: PostRemoval,
        eraser: PhotoEraser,
        avatars: Avatars,
        cdn: Cdn,
        clock: Clock,
    ) -> None:
        self._avatars = avatars
        self._cdn = cdn
        self._posts = posts
        self._photos = photos
        self._accounts = accounts
        self._removal = removal
        self._eraser = eraser
        self._clock = clock

    async def delete_posts(self, pending: Pending) -> Mapping[str, int]:
        """Also those that are not published: each gets its last event."""
        deleted = 0
        async with aclosing(self._posts.posts_by_author(pending.id, before=MAX_ID)) as posts:
            async for ref in posts:
                await self._removal.delete(ref.id)
                deleted += 1
        return {"posts": deleted}

    async def delete_photos(self, pending: Pending) -> Mapping[str, int]:
        """Also those that were never posted. A photo that is being processed is erased after its last event."""
        found, waiting = 0, 0
        until = last_id_at(self._clock.now())
        async with aclosing(self._photos.photos_of_owner(pending.id, after=0, until=until)) as photo_ids:
            async for photo_id in photo_ids:
                found += 1
                photo = await self._photos.photo(photo_id)
                if photo is None or photo.erased:
                    continue
                waiting += 1
                if not photo.deleted:
                    await self._photos.write(deleted_rows(photo_id))
                await self._eraser.erase(photo, pending.since)
        if waiting:
            raise NotYetErased(f"{waiting} photos are still being erased", {"photos": found})
        return {"photos": found}

    async def delete_avatars(self, pending: Pending) -> Mapping[str, int]:
        """Purged before they are deleted, because their keys are nowhere else, and again, in case a cache fetched one
        in between. An avatar that was replaced earlier may still be in a cache."""
        keys = await self._avatars.avatars(pending.id)
        await self._cdn.purge(keys)
        await self._avatars.remove_avatars(keys)
        await self._cdn.purge(keys)
        return {"avatar_files": len(keys)}

    async def forget_photos(self, pending: Pending) -> Mapping[str, int]:
        """Removes the rows of photos whose objects are gone."""
        until = last_id_at(self._clock.now())
        async with aclosing(self._photos.photos_of_owner(pending.id, after=0, until=until)) as photo_ids:
            async for photo_id in photo_ids:
                await self._photos.forget(pending.id, photo_id)
        return {}

    async def forget_account(self, pending: Pending) -> Mapping[str, int]:
        await self._posts.forget_author(pending.id)
        return {"relations": await self._accounts.forget(pending.id)}
