"""A small world to tell stories in: people, photos, posts, and a log that can be replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from photomesh_post.consumer import handlers
from photomesh_post.likes.event_handlers import Announcements, Counting
from photomesh_post.likes.service import Liking
from photomesh_post.posts.domain import Draft
from photomesh_post.posts.event_handlers import Folding
from photomesh_post.posts.event_log import Publishing
from photomesh_post.posts.queries import Patience, Views
from photomesh_post.posts.service import PostService
from photomesh_post.posts.snapshots import Snapshots
from photomesh_post.posts.visibility import Visibility
from photomesh_shared import ids
from photomesh_shared.events import (
    AccountRegistered,
    AccountUpdated,
    BlockCreated,
    BlockDeleted,
    Envelope,
    Event,
    FollowCreated,
    FollowDeleted,
    PhotoFailed,
    PhotoReady,
    PhotoRejected,
    PhotoUploaded,
    Variant,
)
from photomesh_shared.ids import IdGenerator
from tests.support.clock import FakeClock
from tests.unit.post.fake_likes import MemoryLikes
from tests.unit.post.fakes import Log, MemoryCdn, MemoryObjects, MemoryStore

__all__ = [
    "ADA",
    "GRACE",
    "World",
    "account",
    "blocked",
    "failed",
    "followed",
    "ready",
    "rejected",
    "unblocked",
    "unfollowed",
    "uploaded",
]

Result = TypeVar("Result")
ADA, GRACE = 101, 102


def account(user_id: int, *, private: bool = False, version: int = 1) -> Envelope[Event]:
    fields = AccountRegistered.example().model_dump() | {
        "user_id": user_id,
        "username": f"user{user_id}",
        "private": private,
    }
    if version == 1:
        return Envelope.of(AccountRegistered(**fields), entityversion=1)
    updated_at = AccountUpdated.example().updated_at
    return Envelope.of(AccountUpdated(**fields, updated_at=updated_at), entityversion=version)


def uploaded(photo_id: int, owner_id: int = ADA) -> Envelope[PhotoUploaded]:
    event = PhotoUploaded.example().model_copy(
        update={"photo_id": photo_id, "owner_id": owner_id, "key": f"{ids.encode('up', photo_id)}/original"}
    )
    return Envelope.of(event, entityversion=1)


def ready(photo_id: int, owner_id: int = ADA, *, version: int = 2) -> Envelope[PhotoReady]:
    folder = f"{ids.encode('p', photo_id)}/secret{version}"
    variants = tuple(
        Variant(
            size=size,
            width=size,
            height=size * 3 // 4,
            size_bytes=size,
            content_type="image/jpeg",
            key=f"{folder}/{size}.jpg",
        )
        for size in (1080, 640, 320, 150)
    )
    event = PhotoReady.example().model_copy(update={"photo_id": photo_id, "owner_id": owner_id, "variants": variants})
    return Envelope.of(event, entityversion=version)


def rejected(photo_id: int, owner_id: int = ADA, *, version: int = 2) -> Envelope[PhotoRejected]:
    event = PhotoRejected.example().model_copy(update={"photo_id": photo_id, "owner_id": owner_id})
    return Envelope.of(event, entityversion=version)


def failed(photo_id: int, owner_id: int = ADA, *, version: int = 2) -> Envelope[PhotoFailed]:
    event = PhotoFailed.example().model_copy(update={"photo_id": photo_id, "owner_id": owner_id})
    return Envelope.of(event, entityversion=version)


def followed(who: int, whom: int, version: int = 1) -> Envelope[FollowCreated]:
    event = FollowCreated.example().model_copy(update={"follower_id": who, "followee_id": whom})
    return Envelope.of(event, entityversion=version)


def unfollowed(who: int, whom: int, version: int = 2) -> Envelope[FollowDeleted]:
    event = FollowDeleted.example().model_copy(update={"follower_id": who, "followee_id": whom})
    return Envelope.of(event, entityversion=version)


def blocked(who: int, whom: int, version: int = 1) -> Envelope[BlockCreated]:
    event = BlockCreated.example().model_copy(update={"blocker_id": who, "blocked_id": whom})
    return Envelope.of(event, entityversion=version)


def unblocked(who: int, whom: int, version: int = 2) -> Envelope[BlockDeleted]:
    event = BlockDeleted.example().model_copy(update={"blocker_id": who, "blocked_id": whom})
    return Envelope.of(event, entityversion=version)


@dataclass
class World:
    clock: FakeClock = field(default_factory=FakeClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    log: Log = field(default_factory=Log)
    likes: MemoryLikes = field(default_factory=MemoryLikes)
    engagement: Log = field(default_factory=Log)
    counts: Log = field(default_factory=Log)
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    cdn: MemoryCdn = field(default_factory=MemoryCdn)

    def __post_init__(self) -> None:
        patience = Patience(self.clock, young=timedelta(days=1), wait=timedelta(seconds=2))
        self.ids = IdGenerator(1, 0, self.clock)
        self.publishing = Publishing(self.store, self.log, self.clock)
        self.visibility = Visibility(self.store)
        self.liking = Liking(self.likes, self.visibility, self.engagement, self.clock)
        self.views = Views(self.store, self.visibility, patience, self.liking)
        self.announcements = Announcements(self.likes, self.counts, self.clock)
        self.counting = Counting(self.likes, self.announcements)
        self.snapshots = Snapshots(self.store)
        self.service = PostService(
            self.store, self.publishing, self.visibility, self.views, self.ids, patience, self.clock
        )
        self._handlers = handlers(Folding(self.store, self.publishing, self.objects, self.cdn))

    async def consume(self, *envelopes: Envelope[Event]) -> None:
        """What the consumer does with these."""
        for envelope in envelopes:
            await self._handlers[type(envelope.data)](envelope)

    async def outlast(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Runs something that waits, letting the time pass that it waits for."""
        task = asyncio.create_task(work)
        while not task.done():
            await self.clock.advance(0.05)
        return await task

    async def replay(self) -> None:
        """The consumer reads the whole log, and what it adds itself while it reads."""
        for envelope in self.log.events:
            await self.consume(envelope)

    async def photo(self, owner_id: int = ADA) -> int:
        """A photo that is ready."""
        photo_id = self.ids.next()
        await self.consume(uploaded(photo_id, owner_id), ready(photo_id, owner_id))
        return photo_id

    async def post(self, *photo_ids: int, author_id: int = ADA, caption: str = "") -> int:
        view = await self.service.create(author_id, Draft.checked(photo_ids, caption, None, {}))
        return view.post.id
