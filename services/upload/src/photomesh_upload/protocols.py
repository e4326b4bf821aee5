"""What the use cases of uploads ask of their adapters: ids, the database, the raw bucket."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from photomesh_shared.events import Envelope, PhotoUploaded
from photomesh_upload.domain import Quotas, StoredObject, StoredPart, Upload

__all__ = ["IdSource", "RawObjects", "UploadStore"]


class IdSource(Protocol):
    def next(self) -> int:
        """A new id. Raises Unavailable."""
        ...


class UploadStore(Protocol):
    """Never finds an upload of another account. Every method raises Unavailable when the database does not answer."""

    async def add(self, upload: Upload, quotas: Quotas) -> None:
        """Stores a new upload. Raises QuotaExceeded, which holds under concurrency, and IdempotencyKeyInUse if the id
        is stored."""
        ...

    async def find(self, account_id: int, upload_id: int) -> Upload | None: ...

    async def list_open(self, account_id: int, *, now: datetime, before: int | None, limit: int) -> list[Upload]:
        """Open uploads with an id below `before`, newest first."""
        ...

    async def claim(self, account_id: int, upload_id: int, *, now: datetime, until: datetime) -> Upload | None:
        """Claims the completion of an open upload until then: nobody else completes, aborts or expires it. None if it
        is not open, or claimed."""
        ...

    async def complete(self, upload_id: int, claimed_until: datetime, event: Envelope[PhotoUploaded]) -> bool:
        """Marks the upload and adds the event to the outbox, in one transaction; False if the claim was lost."""
        ...

    async def release(self, upload_id: int, claimed_until: datetime) -> None: ...

    async def abort(self, account_id: int, upload_id: int, now: datetime) -> bool:
        """Aborts an upload that is open and not claimed; returns whether it did."""
        ...

    async def mark_deleted(self, upload_ids: Sequence[int]) -> None:
        """Records that object storage holds nothing of these uploads."""
        ...


class RawObjects(Protocol):
    """The raw bucket. Every coroutine raises Unavailable when object storage does not answer."""

    @property
    def bucket(self) -> str: ...

    async def create_multipart(self, key: str, content_type: str) -> str:
        """Starts a multipart upload; returns its id."""
        ...

    async def presign_part(self, upload: Upload, part_number: int, seconds: int) -> str: ...

    async def list_parts(self, upload: Upload) -> list[StoredPart] | None:
        """The stored parts; None if the multipart upload has ended: its parts were joined or deleted."""
        ...

    async def join(self, upload: Upload, parts: Sequence[StoredPart]) -> StoredObject | None:
        """Joins the parts into the object; None if the multipart upload has ended. Raises PartsMismatch."""
        ...

    async def find(self, upload: Upload) -> StoredObject | None:
        """The joined object."""
        ...

    async def abort_multipart(self, upload: Upload) -> None:
        """Deletes the parts."""
        ...

    async def delete(self, upload: Upload) -> None:
        """Deletes the parts and the object."""
        ...
