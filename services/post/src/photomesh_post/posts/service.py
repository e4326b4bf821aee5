"""Use cases of the API: create, edit and delete posts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from photomesh_post.accounts.domain import Author
from photomesh_post.accounts.mentions import MentionLinker
from photomesh_post.errors import NotYourPost, PhotoForStory, PostNotFound, UnknownPhoto, UnusablePhoto
from photomesh_post.photos.arrivals import PhotoArrivals
from photomesh_post.photos.domain import Photo
from photomesh_post.posts.claims import PhotoClaims
from photomesh_post.posts.domain import Claim, Post, PostView, next_version
from photomesh_post.posts.drafts import Draft, Edit
from photomesh_post.posts.event_log import PostEventLog
from photomesh_post.posts.queries import PostQueries
from photomesh_post.posts.removal import PostRemoval
from photomesh_post.posts.settlement import Photos, PostSettlement, Store
from photomesh_post.posts.visibility import PostVisibility
from photomesh_post.texts.domain import hashtags_of, usernames_of
from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.errors import FieldError, Unavailable
from photomesh_shared.events import Envelope, PostCreated, PostEdited
from photomesh_shared.events.versions import version_at
from photomesh_shared.ids import CreationId

__all__ = ["Accounts", "PostService"]

log = logging.getLogger(__name__)


class Accounts(Protocol):
    """See `accounts.store.CassandraAccounts`."""

    async def author(self, account_id: int) -> Author: ...


class PostService:
    def __init__(
        self,
        store: Store,
        photos: Photos,
        accounts: Accounts,
        *,
        claims: PhotoClaims,
        log: PostEventLog,
        mentions: MentionLinker,
        settlement: PostSettlement,
        visibility: PostVisibility,
        queries: PostQueries,
        arrivals: PhotoArrivals,
        clock: Clock,
    ) -> None:
        self._store = store
        self._photos = photos
        self._accounts = accounts
        self._claims = claims
        self._log = log
        self._removal = PostRemoval(store, log, clock)
        self._mentions = mentions
        self._settlement = settlement
        self._visibility = visibility
        self._queries = queries
        self._arrivals = arrivals
        self._clock = clock

    async def create_post(self, creation: CreationId, author_id: int, draft: Draft) -> PostView:
        """Creates a post, and publishes it at once if its photos are ready.

        Idempotent, also under another id: a photo is in one post at most, so the same draft again is a repetition, and
        returns the post that exists. Raises UnknownPhoto, PhotoForStory, UnusablePhoto, PhotoInUse, Unavailable, and
        PostNotFound if an earlier attempt of the same creation made a post that was deleted since.
        """
        if creation.repeated and await self._store.post(creation.id):
            return await self._queries.post(author_id, creation.id)
        await self._check_photos(author_id, draft)
        claim = Claim(creation.id, draft.fingerprint(author_id))
        post_id = await self._claims.claim_photos(draft.photo_ids, claim)
        if await self._store.post(post_id) is None:
            # All of it derives from id and draft, so a repetition writes the very same event.
            created_at = ids.timestamp_of(post_id)
            entities = await self._mentions.link(author_id, draft.caption.entities, before=post_id)
            event = PostCreated(
                post_id=post_id,
                author_id=author_id,
                photo_ids=draft.photo_ids,
                caption=draft.caption.text,
                hashtags=hashtags_of(entities),
                mentions=usernames_of(entities),
                entities=entities,
                place=draft.place,
                alt_texts=tuple(draft.alt_texts.get(photo_id) for photo_id in draft.photo_ids),
                created_at=created_at,
            )
            name = f"{ids.encode('o', post_id)}.created"
            await self._log.commit(Envelope.of(event, entityversion=version_at(created_at), id=name, time=created_at))
        try:
            await self._settlement.settle(post_id)
        except Unavailable as error:
            # The post exists, and the consumer settles it as well.
            log.warning("leaving a new post to the consumer", extra={"post_id": post_id, "reason": str(error)})
        return await self._queries.post(author_id, post_id)

    async def _check_photos(self, author_id: int, draft: Draft) -> None:
        photos = await asyncio.gather(*(self._own_photo(author_id, photo_id) for photo_id in draft.photo_ids))
        unknown = [index for index, photo in enumerate(photos) if photo is None or photo.deleted]
        if unknown:
            errors = [FieldError(f"/photo_ids/{index}", "is not a photo of yours") for index in unknown]
            if any(photos[index] is None and self._arrivals.may_arrive(draft.photo_ids[index]) for index in unknown):
                raise UnknownPhoto(errors=errors, headers={"Retry-After": "1"}, retryable=True)
            raise UnknownPhoto(errors=errors)
        if private := [index for index, photo in enumerate(photos) if photo and not photo.is_for_posts]:
            fault = "was uploaded for a story"
            raise PhotoForStory(errors=[FieldError(f"/photo_ids/{index}", fault) for index in private])
        unusable = [
            FieldError(f"/photo_ids/{index}", photo.reason.message if photo.reason else photo.status)
            for index, photo in enumerate(photos)
            if photo and photo.status.is_unusable
        ]
        if unusable:
            raise UnusablePhoto(errors=unusable)

    async def _own_photo(self, author_id: int, photo_id: int) -> Photo | None:
        """Waits a little for a photo that may be on its way."""
        wait = self._arrivals.wait_for(photo_id)
        while True:
            photo = await self._photos.photo(photo_id)
            if photo and photo.owner_id == author_id:
                return photo
            if not await wait.once_more():
                return None

    async def edit_post(
        self, viewer_id: int, post_id: int, edit: Edit, precondition: Callable[[PostView], None]
    ) -> PostView:
        """Changes the texts of a post. `precondition` gets the current post, and raises to leave it unchanged.

        Raises PostNotFound, NotYourPost, Unavailable, or as `Edit.applied_to`.
        """
        await self._own_post(viewer_id, post_id)  # before the lock, so that strangers cannot make the author wait
        async with self._store.lock(post_id) as turn:
            post = await self._own_post(viewer_id, post_id)
            if post.deleted:
                raise PostNotFound
            precondition(await self._queries.without_reactions(post, await self._accounts.author(viewer_id)))
            edited = edit.applied_to(post)
            if edited.caption != post.caption:
                entities = await self._mentions.link(viewer_id, edited.entities)
                edited = replace(edited, entities=entities)
            if edited != post:
                now = self._clock.now()
                event = PostEdited(
                    post_id=post_id,
                    author_id=post.author_id,
                    photo_ids=post.photo_ids,
                    caption=edited.caption,
                    hashtags=edited.hashtags,
                    mentions=edited.mentions,
                    entities=edited.entities,
                    place=edited.place,
                    alt_texts=tuple(edited.alt_texts.get(photo_id) for photo_id in post.photo_ids),
                    edited_at=now,
                    created_at=post.created_at,
                    published_at=post.published_at,
                    photos=tuple(
                        photo.model_copy(update={"alt_text": edited.alt_texts.get(photo.photo_id)})
                        for photo in post.photos
                    ),
                    reason=post.reason,
                )
                version = next_version(post, version_at(now))
                await self._log.commit(Envelope.of(event, entityversion=version, time=now), turn)
        return await self._queries.post(viewer_id, post_id)

    async def delete_post(
        self, viewer_id: int, post_id: int, precondition: Callable[[PostView], None] | None = None
    ) -> None:
        """Deletes a post with its photos; the consumer removes their objects. Idempotent. `precondition`, as in
        `edit_post`, is not asked about a post that is deleted already. Raises PostNotFound, NotYourPost, Unavailable.
        """
        if (await self._own_post(viewer_id, post_id)).deleted:
            return

        async def check(post: Post) -> None:
            if precondition is not None:
                precondition(await self._queries.without_reactions(post, await self._accounts.author(viewer_id)))

        await self._removal.delete(post_id, check)

    async def _own_post(self, viewer_id: int, post_id: int) -> Post:
        """The viewer's post, deleted or not. Raises PostNotFound, NotYourPost."""
        post = await self._store.post(post_id)
        if post is None:
            raise PostNotFound
        if post.author_id != viewer_id:
            await self._visibility.post(viewer_id, post_id)
            raise NotYourPost
        return post
