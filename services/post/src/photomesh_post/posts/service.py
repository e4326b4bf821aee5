"""Use cases of authors: to create, edit and delete posts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from photomesh_post.errors import NotYourPost, PhotoInUse, PostNotFound, UnknownPhoto, UnusablePhoto
from photomesh_post.posts.domain import Changes, Claim, Draft, Photo, PhotoStatus, Post, PostView, next_version
from photomesh_post.posts.event_log import Publishing, Writes, microseconds
from photomesh_post.posts.queries import Patience, Views
from photomesh_post.posts.visibility import Visibility
from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.errors import FieldError, Unavailable
from photomesh_shared.events import Envelope, PostCreated, PostDeleted, PostEdited

__all__ = ["Ids", "PostService", "Store"]

log = logging.getLogger(__name__)

_UNBORN = timedelta(seconds=30)  # longer than a request takes from its first claim to its event


class Ids(Protocol):
    def next(self) -> int: ...


class Store(Writes, Protocol):
    """What is asked of the store; see `store.CassandraStore`."""

    async def release(self, photo_id: int, claim: Claim) -> None: ...


class PostService:
    def __init__(
        self,
        store: Store,
        publishing: Publishing,
        visibility: Visibility,
        views: Views,
        id_source: Ids,
        patience: Patience,
        clock: Clock,
    ) -> None:
        self._store = store
        self._publishing = publishing
        self._visibility = visibility
        self._views = views
        self._ids = id_source
        self._patience = patience
        self._clock = clock

    async def create(self, author_id: int, draft: Draft) -> PostView:
        """A new post, published at once if its photos are ready.

        Creating is idempotent by itself: a photo is in one post at most, so the same draft again is a repetition, and
        gives the post that there is. Raises UnknownPhoto, UnusablePhoto, PhotoInUse.
        """
        await self._check_photos(author_id, draft)
        post_id = await self._claim_photos(author_id, draft)
        if await self._store.post(post_id) is None:
            # Everything in it follows from the id and the draft, so a repetition writes the very same event.
            created_at = ids.timestamp_of(post_id)
            event = PostCreated(
                post_id=post_id,
                author_id=author_id,
                photo_ids=draft.photo_ids,
                caption=draft.caption.text,
                hashtags=draft.caption.hashtags,
                mentions=draft.caption.mentions,
                place=draft.place,
                alt_texts=tuple(draft.alt_texts.get(photo_id) for photo_id in draft.photo_ids),
                created_at=created_at,
            )
            name = f"{ids.encode('o', post_id)}.created"
            await self._publishing.commit(
                Envelope.of(event, entityversion=microseconds(created_at), id=name, time=created_at)
            )
        try:
            await self._publishing.settle(post_id)
        except Unavailable as error:
            # The post is there, and the consumer settles it too.
            log.warning("a new post is left to the consumer", extra={"post_id": post_id, "reason": str(error)})
        return await self._views.post(author_id, post_id)

    async def _check_photos(self, author_id: int, draft: Draft) -> None:
        photos = await asyncio.gather(*(self._own_photo(author_id, photo_id) for photo_id in draft.photo_ids))
        unknown = [index for index, photo in enumerate(photos) if photo is None or photo.deleted]
        if unknown:
            errors = [FieldError(f"/photo_ids/{index}", "is not a photo of yours") for index in unknown]
            if any(photos[index] is None and self._patience.may_appear(draft.photo_ids[index]) for index in unknown):
                raise UnknownPhoto(errors=errors, headers={"Retry-After": "1"}, retryable=True)
            raise UnknownPhoto(errors=errors)
        unusable = [
            FieldError(f"/photo_ids/{index}", photo.reason.message if photo.reason else photo.status)
            for index, photo in enumerate(photos)
            if photo and photo.status in (PhotoStatus.REJECTED, PhotoStatus.FAILED)
        ]
        if unusable:
            raise UnusablePhoto(errors=unusable)

    async def _own_photo(self, author_id: int, photo_id: int) -> Photo | None:
        async def look() -> Photo | None:
            photo = await self._store.photo(photo_id)
            return photo if photo and photo.owner_id == author_id else None

        return await self._patience.find(photo_id, look)

    async def _claim_photos(self, author_id: int, draft: Draft) -> int:
        """Makes the photos those of one post: a new one, or the one that the same draft has made already. Its id.

        They are claimed in the order of their ids, so that of several who want the same photos at the same time one
        gets them all.
        """
        claim = Claim(self._ids.next(), draft.fingerprint(author_id))
        claimed: list[int] = []
        try:
            for photo_id in sorted(draft.photo_ids):
                held = await self._store.claim(photo_id, claim)
                if held != claim:
                    if not claimed and held.fingerprint == claim.fingerprint and await self._is_repeated(held.post_id):
                        claim = held
                    elif not await self._take_over(photo_id, held, claim):
                        index = draft.photo_ids.index(photo_id)
                        raise PhotoInUse(errors=[FieldError(f"/photo_ids/{index}", "is in another post")])
                claimed.append(photo_id)
        except PhotoInUse:
            for photo_id in claimed:
                await self._store.release(photo_id, claim)
            raise
        return claim.post_id

    async def _is_repeated(self, post_id: int) -> bool:
        post = await self._store.post(post_id)
        return post.is_live if post else self._may_be_born(post_id)

    async def _take_over(self, photo_id: int, held: Claim, claim: Claim) -> bool:
        """Takes a photo from a post that failed, or that never came to be."""
        if not await self._is_forsaken(held.post_id) or not await self._store.take_over(photo_id, held, claim):
            return False
        if await self._is_forsaken(held.post_id):
            return True
        await self._store.take_over(photo_id, claim, held)  # it came to be at this very moment
        return False

    async def _is_forsaken(self, post_id: int) -> bool:
        post = await self._store.post(post_id)
        return not post.is_live if post else not self._may_be_born(post_id)

    def _may_be_born(self, post_id: int) -> bool:
        """Whether a request may be between claiming the photos of this post and writing its event."""
        return self._clock.now() - ids.timestamp_of(post_id) < _UNBORN

    async def edit(
        self, viewer_id: int, post_id: int, changes: Changes, precondition: Callable[[PostView], None]
    ) -> PostView:
        """Changes the words of a post. `precondition` is given the post as it is, and raises to leave it so.

        Raises PostNotFound, NotYourPost, or as `Changes.applied_to`.
        """
        await self._own_post(viewer_id, post_id)  # so that strangers keep nobody waiting
        async with self._store.writing(post_id):
            post = await self._own_post(viewer_id, post_id)
            if post.deleted:
                raise PostNotFound
            seen = await self._views.shown(post, await self._store.author(viewer_id))
            precondition(seen)
            edited = changes.applied_to(post)
            if edited == post:
                return await self._views.post(viewer_id, post_id)
            now = self._clock.now()
            event = PostEdited(
                post_id=post_id,
                author_id=post.author_id,
                photo_ids=post.photo_ids,
                caption=edited.caption,
                hashtags=edited.hashtags,
                mentions=edited.mentions,
                place=edited.place,
                alt_texts=tuple(edited.alt_texts.get(photo_id) for photo_id in post.photo_ids),
                edited_at=now,
            )
            await self._publishing.commit(
                Envelope.of(event, entityversion=next_version(post, microseconds(now)), time=now)
            )
        return await self._views.post(viewer_id, post_id)

    async def delete(self, viewer_id: int, post_id: int) -> None:
        """Deletes a post and the photos that it has; a second time is no error. The objects are removed by the
        consumer. Raises PostNotFound, NotYourPost."""
        if (await self._own_post(viewer_id, post_id)).deleted:
            return
        async with self._store.writing(post_id):
            post = await self._own_post(viewer_id, post_id)
            if post.deleted:
                return
            claims = await asyncio.gather(*(self._store.claim_of(photo_id) for photo_id in post.photo_ids))
            held = (
                key for key, claim in zip(post.photo_ids, claims, strict=True) if claim and claim.post_id == post_id
            )
            now = self._clock.now()
            event = PostDeleted(post_id=post_id, author_id=post.author_id, photo_ids=tuple(held), deleted_at=now)
            name = f"{ids.encode('o', post_id)}.deleted"
            await self._publishing.commit(
                Envelope.of(event, entityversion=next_version(post, microseconds(now)), id=name, time=now)
            )

    async def _own_post(self, viewer_id: int, post_id: int) -> Post:
        """The viewer's post, deleted or not. Raises PostNotFound, NotYourPost."""
        post = await self._store.post(post_id)
        if post is None:
            raise PostNotFound
        if post.author_id != viewer_id:
            await self._visibility.post(viewer_id, post_id)
            raise NotYourPost
        return post
