"""Which post a photo belongs to: one at most.

A claim is a lightweight transaction of its own and comes before the post's first event, so a crash may leave claims of
a post that never came to be. Another post takes those over.

A photo that no post uses in time is retired: claimed for good by no post, so that of a post that is being created and
the photo's erasure one wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from photomesh_post.errors import PhotoInUse
from photomesh_post.photos.domain import PhotoPost
from photomesh_post.posts.domain import Claim, Post
from photomesh_shared.clock import Clock
from photomesh_shared.errors import FieldError
from photomesh_shared.ids import timestamp_of

__all__ = ["PhotoClaims", "Store"]

_RETIRED = Claim(0, "")
_CREATION_TIME = timedelta(seconds=30)  # longer than a request takes from its first claim to its event


class Store(Protocol):
    """See `posts.store.CassandraPosts`."""

    async def post(self, post_id: int) -> Post | None: ...
    async def claim_of(self, photo_id: int) -> Claim | None: ...
    async def claim(self, photo_id: int, claim: Claim) -> Claim: ...
    async def take_over(self, photo_id: int, held: Claim, claim: Claim) -> bool: ...
    async def release(self, photo_id: int, claim: Claim) -> None: ...


class PhotoClaims:
    """Every method raises DatabaseUnavailable."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def claim_photos(self, photo_ids: Sequence[int], claim: Claim) -> int:
        """Claims all photos for one post: the claim's, or the one that the same draft has made already. Returns its
        id. Raises PhotoInUse.

        Photos are claimed in the order of their ids, so that of several concurrent claims of the same photos one gets
        them all.
        """
        claimed: list[int] = []
        try:
            for photo_id in sorted(photo_ids):
                held = await self._store.claim(photo_id, claim)
                if held != claim:
                    if not claimed and held.fingerprint == claim.fingerprint and await self._is_repeated(held.post_id):
                        claim = held
                    elif not await self._take_over(photo_id, held, claim):
                        index = photo_ids.index(photo_id)
                        fault = "is in another post, or was erased because none used it"
                        raise PhotoInUse(errors=[FieldError(f"/photo_ids/{index}", fault)])
                claimed.append(photo_id)
        except PhotoInUse:
            for photo_id in claimed:
                await self._store.release(photo_id, claim)
            raise
        return claim.post_id

    async def claim_for(self, post: Post, photo_id: int) -> Claim:
        """The claim of a photo, which is made for this post if there is none. A post's photos are claimed before it is
        created; only where the tables are rebuilt from the log, claims are as well."""
        own = Claim(post.id, fingerprint="")
        held = await self._store.claim_of(photo_id) or await self._store.claim(photo_id, own)
        if held.post_id != post.id:
            holder = await self._store.post(held.post_id)
            if holder and not holder.is_live and await self._store.take_over(photo_id, held, own):
                return own
        return held

    async def post_of_photo(self, photo_id: int) -> PhotoPost | None:
        """The live post that has the photo."""
        claim = await self._store.claim_of(photo_id)
        post = await self._store.post(claim.post_id) if claim else None
        if post is None or not post.is_live or photo_id not in post.photo_ids:
            return None
        return PhotoPost(post.id, post.caption, post.alt_texts.get(photo_id), post.is_published)

    async def retire(self, photo_id: int) -> bool:
        """Claims a photo for good, unless a post uses it, or may be about to; returns whether it is retired."""
        held = await self._store.claim(photo_id, _RETIRED)
        return held == _RETIRED or await self._take_over(photo_id, held, _RETIRED)

    async def _is_repeated(self, post_id: int) -> bool:
        post = await self._store.post(post_id)
        return post.is_live if post else self._may_be_created(post_id)

    async def _take_over(self, photo_id: int, held: Claim, claim: Claim) -> bool:
        """Takes a photo from a post that failed, was deleted, or never came to be."""
        if not await self._is_abandoned(held.post_id) or not await self._store.take_over(photo_id, held, claim):
            return False
        if await self._is_abandoned(held.post_id):
            return True
        await self._store.take_over(photo_id, claim, held)  # it was created at this very moment
        return False

    async def _is_abandoned(self, post_id: int) -> bool:
        if post_id == _RETIRED.post_id:
            return False
        post = await self._store.post(post_id)
        return not post.is_live if post else not self._may_be_created(post_id)

    def _may_be_created(self, post_id: int) -> bool:
        """Whether a request may be between claiming the photos of this post and writing its event."""
        return self._clock.now() - timestamp_of(post_id) < _CREATION_TIME
