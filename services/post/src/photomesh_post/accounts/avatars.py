"""Erases avatars that were replaced or removed: post does it, as it knows the CDN, whose caches keep what was
deleted."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from photomesh_post.accounts.domain import Author
from photomesh_post.erasures.domain import Kind, Pending
from photomesh_post.erasures.worker import NotYetErased
from photomesh_shared.clock import Clock
from photomesh_shared.object_keys import avatars_prefix

__all__ = ["AvatarEraser", "ReplacedAvatars", "StoredAvatar", "pending_avatar"]

log = logging.getLogger(__name__)


class StoredAvatar(NamedTuple):
    """The avatar in post's copy of an account, and the version of that copy."""

    url: str | None
    version: int


class Store(Protocol):
    """See `accounts.store.CassandraAccounts`."""

    async def avatar(self, account_id: int) -> StoredAvatar | None: ...


class Erasures(Protocol):
    """See `erasures.worker.ErasureWorker`."""

    async def add(self, pending: Pending) -> None: ...


class Objects(Protocol):
    """See `photos.objects.StoredPhotos`."""

    async def avatars(self, account_id: int) -> Sequence[str]: ...
    async def remove_avatars(self, keys: Sequence[str]) -> None: ...


class Cdn(Protocol):
    """See `photomesh_shared.stores.cdn.HttpCdn`."""

    async def purge(self, keys: Sequence[str]) -> None: ...


class ReplacedAvatars:
    def __init__(self, store: Store, erasures: Erasures, clock: Clock) -> None:
        self._store = store
        self._erasures = erasures
        self._clock = clock

    async def note(self, account: Author, version: int) -> None:
        """Has the avatar erased that this version of an account replaces or, if the version is an old one, that was
        replaced since. Called before the version is stored, because then the old URL is nowhere. Idempotent. Raises
        DatabaseUnavailable."""
        stored = await self._store.avatar(account.id)
        if stored is None:
            return
        old, new = account.avatar_url, stored.url
        if version > stored.version:
            old, new = new, old
        if old and old != new:
            await self._erasures.add(pending_avatar(account.id, old, version, self._clock.now()))


def pending_avatar(account_id: int, url: str, version: int, since: datetime) -> Pending:
    """An account may replace several within the same millisecond, so the id is the avatar's own."""
    details = json.dumps({"account_id": account_id, "url": url, "version": version})
    id_ = int.from_bytes(hashlib.sha256(url.encode()).digest()[:8]) >> 1
    return Pending(Kind.AVATAR, id_, since, details)


class AvatarEraser:
    def __init__(self, store: Store, objects: Objects, cdn: Cdn) -> None:
        self._store = store
        self._objects = objects
        self._cdn = cdn

    async def erase(self, pending: Pending) -> None:
        """Purges the avatar before it is deleted, because its keys are nowhere else, and again, in case a cache fetched
        it in between. Idempotent. Raises NotYetErased until the version without it is stored, ServiceUnavailable,
        ObjectStorageUnavailable, DatabaseUnavailable."""
        details = json.loads(pending.details)
        account_id: int = details["account_id"]
        url: str = details["url"]
        stored = await self._store.avatar(account_id)
        if stored and stored.version < details["version"]:
            raise NotYetErased("the account still has the avatar")
        prefix = avatars_prefix(account_id)
        _, found, rest = url.partition(prefix)
        if not found or (stored and stored.url == url):
            log.warning("an avatar is not erased", extra={"url": url})
            return
        key = prefix + rest
        folder = key.rpartition("/")[0] + "/"
        keys = sorted({key, *(one for one in await self._objects.avatars(account_id) if one.startswith(folder))})
        await self._cdn.purge(keys)
        await self._objects.remove_avatars(keys)
        await self._cdn.purge(keys)
