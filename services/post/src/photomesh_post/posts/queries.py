"""Reading: what a viewer is shown, and what is hidden from them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol, TypeVar

from photomesh_post.errors import PhotoNotFound, PostNotFound
from photomesh_post.posts.domain import (
    Author,
    Claim,
    Photo,
    PhotoStatus,
    PhotoView,
    Post,
    PostRef,
    PostStatus,
    PostView,
    Reactions,
    ShownPhoto,
    may_see,
)
from photomesh_post.posts.visibility import Relations, Visibility
from photomesh_shared.backoff import Backoff
from photomesh_shared.clock import Clock
from photomesh_shared.events import PhotoMetadata
from photomesh_shared.ids import MAX_ID, timestamp_of

__all__ = ["Engagement", "Patience", "Reads", "Views"]

Found = TypeVar("Found")
_CLOCKS_DIFFER = timedelta(minutes=1)
_BACKOFF = Backoff(base=0.02, cap=0.25)


class Reads(Relations, Protocol):
    """What is asked of the store; see `store.CassandraStore`."""

    async def photo(self, photo_id: int) -> Photo | None: ...
    async def metadata(self, photo_id: int) -> PhotoMetadata | None: ...
    async def claim_of(self, photo_id: int) -> Claim | None: ...
    def posts_of(self, author_id: int, *, before: int) -> AsyncGenerator[PostRef, None]: ...


class Engagement(Protocol):
    """What people do with posts; see `saves.SavedPosts`."""

    async def reactions(self, viewer_id: int | None, subject_ids: Collection[int]) -> Mapping[int, Reactions]: ...


@dataclass(frozen=True)
class Patience:
    """With photos that are not there yet.

    `POST /v1/uploads/{id}/complete` answers before the photo's first event gets here, so somebody who asks at once
    would be told that their photo does not exist. An id that was made lately (they are given out when an upload
    begins) may be such a photo: it is waited for a little, and then the answer says that trying again may help.
    Whether the photo is absent or hidden makes no difference to any of this.
    """

    clock: Clock
    young: timedelta
    """How old the id of a photo may be whose upload was completed just now: as long as an upload may stay open."""
    wait: timedelta

    def may_appear(self, photo_id: int) -> bool:
        """Whether the photo may have been completed so recently that nothing is known of it yet."""
        return -_CLOCKS_DIFFER < self.clock.now() - timestamp_of(photo_id) < self.young

    async def find(self, photo_id: int, look: Callable[[], Awaitable[Found | None]]) -> Found | None:
        """What `look` finds, now or after a little waiting."""
        deadline = self.clock.monotonic() + self.wait.total_seconds()
        pauses = _BACKOFF.delays()
        while (found := await look()) is None:
            if not self.may_appear(photo_id) or self.clock.monotonic() >= deadline:
                return None
            await self.clock.sleep(next(pauses))
        return found


class Views:
    def __init__(self, store: Reads, visibility: Visibility, patience: Patience, engagement: Engagement) -> None:
        self._store = store
        self._visibility = visibility
        self._patience = patience
        self._engagement = engagement

    async def photo(self, viewer_id: int | None, photo_id: int) -> PhotoView:
        """Raises PhotoNotFound."""

        async def look() -> PhotoView | None:
            return await self._photo(viewer_id, photo_id)

        # Only somebody who is logged in can have uploaded it.
        found = await (self._patience.find(photo_id, look) if viewer_id is not None else look())
        if found is None and self._patience.may_appear(photo_id):
            raise PhotoNotFound(retryable=True, headers={"Retry-After": "1"})
        if found is None:
            raise PhotoNotFound
        return found

    async def _photo(self, viewer_id: int | None, photo_id: int) -> PhotoView | None:
        photo, claim = await asyncio.gather(self._store.photo(photo_id), self._store.claim_of(photo_id))
        if photo is None:
            return None
        owned = photo.owner_id == viewer_id
        if owned and photo.deleted:
            raise PhotoNotFound
        post, (author, standing), metadata = await asyncio.gather(
            self._holder(photo_id, claim),
            self._visibility.author(viewer_id, photo.owner_id),
            self._store.metadata(photo_id),
        )
        shown = photo.status is PhotoStatus.READY and not photo.deleted and may_see(post, author, standing)
        return PhotoView(photo, metadata, post) if owned or shown else None

    async def _holder(self, photo_id: int, claim: Claim | None) -> Post | None:
        post = await self._store.post(claim.post_id) if claim else None
        return post if post and post.is_live and photo_id in post.photo_ids else None

    async def post(self, viewer_id: int | None, post_id: int) -> PostView:
        """Raises PostNotFound."""
        post, author = await self._visibility.post(viewer_id, post_id)
        view, reactions = await asyncio.gather(
            self.shown(post, author), self._engagement.reactions(viewer_id, [post_id])
        )
        return replace(view, reactions=reactions[post_id])

    async def posts(self, viewer_id: int | None, post_ids: Sequence[int]) -> list[PostView | None]:
        """Several posts; None where the viewer sees none."""

        async def look(post_id: int) -> PostView | None:
            try:
                return await self.shown(*await self._visibility.post(viewer_id, post_id))
            except PostNotFound:
                return None

        views = await asyncio.gather(*(look(post_id) for post_id in post_ids))
        reactions = await self._engagement.reactions(viewer_id, [view.post.id for view in views if view])
        return [replace(view, reactions=reactions[view.post.id]) if view else None for view in views]

    async def posts_of(
        self, viewer_id: int | None, author_id: int, *, before: int | None, limit: int
    ) -> tuple[list[PostView], int | None]:
        """A page of an author's posts, newest first, and the `before` of the next page if there is one.

        The author sees those that are processing or failed as well. An account that is hidden, unknown, or without
        posts has an empty list: nobody can tell which.
        """
        author, standing = await self._visibility.author(viewer_id, author_id)
        if not standing.sees(author):
            return [], None
        refs: list[PostRef] = []
        async with aclosing(self._store.posts_of(author_id, before=before or MAX_ID)) as listed:
            async for ref in listed:
                if standing.own or ref.status is PostStatus.PUBLISHED:
                    refs.append(ref)
                if len(refs) > limit:
                    break
        page = refs[:limit]
        posts = await asyncio.gather(*(self._store.post(ref.id) for ref in page))
        seen = [post for post in posts if post and may_see(post, author, standing)]
        reactions, views = await asyncio.gather(
            self._engagement.reactions(viewer_id, [post.id for post in seen]),
            asyncio.gather(*(self.shown(post, author) for post in seen)),
        )
        shown = [replace(view, reactions=reactions[view.post.id]) for view in views]
        return shown, page[-1].id if len(refs) > limit else None

    async def shown(self, post: Post, author: Author) -> PostView:
        """A post with its photos: those that were published, or those that are being processed. Without reactions."""
        if post.status is PostStatus.PUBLISHED:
            photos = [
                ShownPhoto(
                    id=photo.photo_id,
                    status=PhotoStatus.READY,
                    alt_text=post.alt_texts.get(photo.photo_id),
                    width=photo.width,
                    height=photo.height,
                    placeholder=photo.placeholder,
                    variants=photo.variants,
                )
                for photo in post.photos
            ]
        else:
            known = await asyncio.gather(*(self._store.photo(photo_id) for photo_id in post.photo_ids))
            photos = [
                _shown(photo_id, photo, post.alt_texts.get(photo_id))
                for photo_id, photo in zip(post.photo_ids, known, strict=True)
            ]
        return PostView(post, author, tuple(photos))


def _shown(photo_id: int, photo: Photo | None, alt_text: str | None) -> ShownPhoto:
    if photo is None or photo.status is not PhotoStatus.READY or photo.deleted:
        status = photo.status if photo else PhotoStatus.PROCESSING
        return ShownPhoto(photo_id, status, alt_text, photo.reason if photo else None)
    return ShownPhoto(
        photo_id, photo.status, alt_text, None, photo.width, photo.height, photo.placeholder, photo.variants
    )
