"""Use case: request that photos be processed again, for instance after the pipeline has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, PhotoReprocessRequested
from photomesh_upload.domain import Original, Selection, StoredObject

__all__ = ["MAX_LIMIT", "OriginalStore", "Outcome", "Reprocessing"]

MAX_LIMIT = 100_000
_BATCH = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Outcome:
    """`last_photo_id`: where the next request continues; None if all selected photos were visited."""

    requested: int = 0
    missing: int = 0
    replaced: int = 0
    last_photo_id: int | None = None


class OriginalStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def find_originals(self, selection: Selection, *, after: int, limit: int) -> list[Original]:
        """The selected originals with a photo id above `after`, in the order of their ids."""
        ...

    async def request_reprocessing(self, events: Sequence[Envelope[PhotoReprocessRequested]]) -> int:
        """Records the versions and adds the events to the outbox, in one transaction. Returns how many; an event whose
        version another request has passed is left out."""
        ...

    async def forget_originals(self, photo_ids: Sequence[int]) -> None: ...


class Originals(Protocol):
    """The raw bucket. Raises Unavailable."""

    @property
    def bucket(self) -> str: ...

    async def find(self, upload: Original) -> StoredObject | None: ...


class Reprocessing:
    """`per_second` bounds the requests per second, so that events of new uploads do not wait behind them."""

    def __init__(
        self, store: OriginalStore, objects: Originals, clock: Clock, *, region: str, per_second: float = 100
    ) -> None:
        self._store = store
        self._objects = objects
        self._clock = clock
        self._region = region
        self._per_second = per_second

    async def request(self, selection: Selection, *, limit: int, after: int = 0, dry_run: bool = False) -> Outcome:
        """Request up to `limit` of the selected photos with ids above `after`. Raises Unavailable, then a part may have
        been requested; a repetition is harmless.

        A photo whose original is gone was deleted: it is forgotten and not requested, for media-worker would reject it.
        The same holds, but for the forgetting, for an original that is not the one that was uploaded.
        """
        outcome = Outcome()
        while left := limit - outcome.requested - outcome.missing - outcome.replaced:
            batch = await self._store.find_originals(selection, after=after, limit=min(_BATCH, left))
            if not batch:
                return replace(outcome, last_photo_id=None)
            outcome = await self._request(batch, outcome, dry_run=dry_run)
            after = batch[-1].photo_id
            if not dry_run:
                await self._clock.sleep(len(batch) / self._per_second)
        more = await self._store.find_originals(selection, after=after, limit=1)
        return replace(outcome, last_photo_id=after if more else None)

    async def _request(self, batch: list[Original], outcome: Outcome, *, dry_run: bool) -> Outcome:
        stored = await asyncio.gather(*(self._objects.find(original) for original in batch))
        found = [(original, object_) for original, object_ in zip(batch, stored, strict=True) if object_]
        same = [(original, object_) for original, object_ in found if original.etag in (None, object_.etag)]
        missing = [original.photo_id for original, object_ in zip(batch, stored, strict=True) if not object_]
        requested = len(same)
        if not dry_run:
            now = self._clock.now()
            requested = await self._store.request_reprocessing([self._event(o, s, now) for o, s in same])
            await self._store.forget_originals(missing)
        return replace(
            outcome,
            requested=outcome.requested + requested,
            missing=outcome.missing + len(missing),
            replaced=outcome.replaced + len(batch) - len(missing) - requested,
        )

    def _event(self, original: Original, stored: StoredObject, now: datetime) -> Envelope[PhotoReprocessRequested]:
        event = PhotoReprocessRequested(
            photo_id=original.photo_id,
            upload_id=original.upload_id,
            owner_id=original.account_id,
            purpose=original.purpose,
            region=self._region,
            bucket=self._objects.bucket,
            key=original.key,
            etag=stored.etag,
            size_bytes=stored.size_bytes,
            content_type=original.content_type,
            filename=original.filename,
            uploaded_at=original.uploaded_at,
            requested_at=now,
        )
        # Above the outcome of the last request, whose version is one above that request's; and a time, so that it is
        # above it even if the database was restored to an earlier moment.
        version = max((now - _EPOCH) // timedelta(microseconds=1), original.version + 2)
        name = f"{ids.encode('p', original.photo_id)}.{event.type_}.{version}"
        return Envelope.of(event, entityversion=version, id=name, time=now)
