"""Consumer use cases. Each is idempotent, takes events in any order, and raises Unavailable."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from photomesh_explore.candidates.domain import PostInfo, geohash, ms_of
from photomesh_shared.clock import Clock
from photomesh_shared.events import (
    ACTIVE,
    AccountDeleted,
    AccountRegistered,
    AccountUpdated,
    Envelope,
    FollowCreated,
    FollowDeleted,
    MuteCreated,
    MuteDeleted,
    PostDeleted,
    PostEdited,
    PostLiked,
    PostPublished,
    PostSaved,
    PostUnliked,
    PostUnsaved,
)
from photomesh_shared.ids import timestamp_of

__all__ = ["CandidateEventHandlers", "Index"]

_OLDEST = timedelta(days=14)
_MAX_TAGS = 10
_MAX_PLACE = 100


class Index(Protocol):
    """See `store.index.ExploreIndex`. Every method raises ExploreUnavailable, and keeps the latest version."""

    async def post(self, info: PostInfo, version: int) -> None: ...
    async def post_deleted(self, post_id: int, version: int) -> None: ...
    async def account(self, account_id: int, version: int, *, public: bool) -> None: ...
    async def followers(self, account_id: int, count: int, at: datetime) -> None: ...
    async def engaged(self, account_id: int, post_id: int, version: int, *, saved: bool, active: bool) -> None: ...
    async def follows(self, account_id: int, other_id: int, version: int, *, active: bool) -> None: ...
    async def mutes(self, account_id: int, other_id: int, version: int, *, active: bool) -> None: ...


class CandidateEventHandlers:
    def __init__(self, index: Index, clock: Clock) -> None:
        self._index = index
        self._clock = clock

    async def post_changed(self, envelope: Envelope[PostPublished | PostEdited]) -> None:
        """Keeps a post that is published."""
        post = envelope.data
        if post.published_at is None or self._is_old(post.post_id):
            return
        place = post.place
        cell, name = "", ""
        if place and place.latitude is not None and place.longitude is not None:
            cell, name = geohash(place.latitude, place.longitude), " ".join(place.name.split())[:_MAX_PLACE]
        info = PostInfo(
            post.post_id,
            post.author_id,
            ms_of(post.published_at),
            post.hashtags[:_MAX_TAGS],
            cell,
            name,
        )
        await self._index.post(info, envelope.entityversion)

    async def post_deleted(self, envelope: Envelope[PostDeleted]) -> None:
        if not self._is_old(envelope.data.post_id):
            await self._index.post_deleted(envelope.data.post_id, envelope.entityversion)

    async def account_changed(self, envelope: Envelope[AccountRegistered | AccountUpdated | AccountDeleted]) -> None:
        """Shows strangers the posts of public accounts only, if these may be found: those of minors may not."""
        account = envelope.data
        public = (
            not isinstance(account, AccountDeleted)
            and account.status == ACTIVE
            and not account.private
            and account.searchable
        )
        await self._index.account(account.user_id, envelope.entityversion, public=public)

    async def post_engaged(self, envelope: Envelope[PostLiked | PostUnliked]) -> None:
        like = envelope.data
        if like.account_id != like.post_author_id:
            await self._engaged(envelope, like.account_id, like.post_id, active=isinstance(like, PostLiked))

    async def post_saved(self, envelope: Envelope[PostSaved | PostUnsaved]) -> None:
        """Saves are private: they say what their own account likes to see, and nothing to anybody else."""
        save = envelope.data
        await self._engaged(envelope, save.account_id, save.post_id, saved=True, active=isinstance(save, PostSaved))

    async def _engaged(
        self,
        envelope: Envelope[PostLiked | PostUnliked | PostSaved | PostUnsaved],
        account_id: int,
        post_id: int,
        *,
        active: bool,
        saved: bool = False,
    ) -> None:
        if not self._is_old(post_id):
            await self._index.engaged(account_id, post_id, envelope.entityversion, saved=saved, active=active)

    async def follow_changed(self, envelope: Envelope[FollowCreated | FollowDeleted]) -> None:
        follow = envelope.data
        active = isinstance(follow, FollowCreated)
        await self._index.follows(follow.follower_id, follow.followee_id, envelope.entityversion, active=active)
        at = follow.created_at if isinstance(follow, FollowCreated) else follow.deleted_at
        await self._index.followers(follow.followee_id, follow.followers, at)

    async def mute_changed(self, envelope: Envelope[MuteCreated | MuteDeleted]) -> None:
        mute = envelope.data
        active = isinstance(mute, MuteCreated)
        await self._index.mutes(mute.muter_id, mute.muted_id, envelope.entityversion, active=active)

    def _is_old(self, post_id: int) -> bool:
        """Whether a post is too old to say anything. Its age is in its id."""
        return timestamp_of(post_id) < self._clock.now() - _OLDEST
