"""Erasure of an account's uploads and originals: `docs/erasure.md` has the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from photomesh_shared.clock import Clock
from photomesh_shared.consumer.erasure import Erased, kept_dead_letters, kept_in_topic
from photomesh_shared.events import AccountErasureRequested, Envelope, Kept
from photomesh_shared.failpoints import declare, failpoint
from photomesh_upload.domain import Original, Upload

__all__ = ["AccountEraser", "ErasureStore", "Objects"]

AFTER_MARK = declare("upload.erasure.after_mark", "the account begins no upload any more, its uploads are there")
AFTER_OBJECTS = declare("upload.erasure.after_objects", "some objects of the account are removed, their rows are there")

_BATCH = 100
_CONCURRENCY = 8
_BACKUPS = timedelta(days=14)


class ErasureStore(Protocol):
    """See `erasures.store.PostgresErasures`. Every method raises DatabaseUnavailable."""

    async def mark_erased(self, account_id: int) -> None:
        """From then on the account begins no upload."""
        ...

    async def uploads_of(self, account_id: int, limit: int) -> list[Upload]: ...
    async def originals_of(self, account_id: int, limit: int) -> list[Original]: ...
    async def forget_uploads(self, upload_ids: Sequence[int]) -> None: ...
    async def forget_originals(self, photo_ids: Sequence[int]) -> None: ...

    async def forget_events(self, account_id: int) -> None:
        """Removes the account's events from the outbox, published or not."""
        ...


class Objects(Protocol):
    """See `objects.RawBucket`. Every method raises ObjectStorageUnavailable."""

    async def delete(self, upload: Upload) -> None: ...
    async def delete_original(self, original: Original) -> None: ...


class AccountEraser:
    def __init__(self, store: ErasureStore, objects: Objects, clock: Clock) -> None:
        self._store = store
        self._objects = objects
        self._clock = clock

    async def erase(self, envelope: Envelope[AccountErasureRequested]) -> Erased:
        """Removes objects first, and then the rows that know of them. Idempotent. Raises Unavailable."""
        account_id = envelope.data.user_id
        await self._store.mark_erased(account_id)
        await failpoint(AFTER_MARK)
        uploads = originals = 0
        while found := await self._store.uploads_of(account_id, _BATCH):
            places = asyncio.Semaphore(_CONCURRENCY)

            async def delete(upload: Upload, places: asyncio.Semaphore = places) -> None:
                async with places:
                    await self._objects.delete(upload)

            await asyncio.gather(*(delete(upload) for upload in found))
            await failpoint(AFTER_OBJECTS)
            await self._store.forget_uploads([upload.upload_id for upload in found])
            uploads += len(found)
        while kept := await self._store.originals_of(account_id, _BATCH):
            for original in kept:
                await self._objects.delete_original(original)
            await self._store.forget_originals([original.photo_id for original in kept])
            originals += len(kept)
        await self._store.forget_events(account_id)
        now = self._clock.now()
        topics = {"photos_uploaded": "names of uploaded files", "photos_reprocess": "names of uploaded files"}
        keeps = [
            *(kept_in_topic(topic, what, now) for topic, what in topics.items()),
            kept_dead_letters(["erasures"], now),
            Kept(
                what="hashes of idempotency keys",
                why="a request that is repeated within a day must not happen twice",
                until=now + timedelta(days=2),
            ),
            Kept(
                what="deleted rows in the database's write-ahead log and backups",
                why="they are kept for two weeks, so that the database can be restored",
                until=now + _BACKUPS,
            ),
            Kept(
                what="the account's id, without anything else",
                why="a token that is still valid must not begin an upload",
                until=None,
            ),
        ]
        return Erased({"uploads": uploads, "originals": originals}, keeps)
