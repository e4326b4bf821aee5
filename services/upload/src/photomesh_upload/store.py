"""Uploads in PostgreSQL, and the outbox beside them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import asyncpg

from photomesh_shared.errors import DatabaseUnavailable, IdempotencyKeyInUse, InvalidToken
from photomesh_shared.events import Envelope, Event, PhotoReprocessRequested, PhotoUploaded
from photomesh_shared.stores import outbox
from photomesh_shared.stores.postgres import connection, transaction
from photomesh_upload.domain import FileInfo, Original, Purpose, Quotas, Selection, Status, Upload, Usage

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["PostgresUploads", "upload_of"]

_SWEEP_LEASE = timedelta(minutes=5)  # far longer than a sweep


def upload_of(row: asyncpg.Record) -> Upload:
    return Upload(
        upload_id=row["upload_id"],
        account_id=row["account_id"],
        photo_id=row["photo_id"],
        file=FileInfo(row["filename"], row["content_type"], row["size_bytes"]),
        multipart_id=row["multipart_id"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        status=Status(row["status"]),
        part_size=row["part_size"],
        purpose=Purpose(row["purpose"]),
    )


class PostgresUploads:
    """Implements the stores of `protocols`, `sweeper` and `reprocessing`.

    Every method raises DatabaseUnavailable when the server does not answer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, upload: Upload, quotas: Quotas) -> None:
        try:
            async with transaction(self._pool) as tx:
                await _add(tx, upload, quotas)
        except asyncpg.UniqueViolationError as error:
            raise IdempotencyKeyInUse from error  # a slow earlier attempt of the same creation has stored it

    async def find(self, account_id: int, upload_id: int) -> Upload | None:
        async with connection(self._pool) as conn:
            row = await conn.fetchrow(
                "SELECT * FROM uploads WHERE upload_id = $1 AND account_id = $2", upload_id, account_id
            )
        return upload_of(row) if row else None

    async def list_open(self, account_id: int, *, now: datetime, before: int | None, limit: int) -> list[Upload]:
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "SELECT * FROM uploads WHERE account_id = $1 AND status = 'open' AND expires_at > $2"
                " AND ($3::bigint IS NULL OR upload_id < $3) ORDER BY upload_id DESC LIMIT $4",
                account_id,
                now,
                before,
                limit,
            )
        return [upload_of(row) for row in rows]

    async def claim(self, account_id: int, upload_id: int, *, now: datetime, until: datetime) -> Upload | None:
        async with connection(self._pool) as conn:
            row = await conn.fetchrow(
                "UPDATE uploads SET completing_until = $4 WHERE upload_id = $1 AND account_id = $2 AND status = 'open'"
                " AND expires_at > $3 AND coalesce(completing_until, '-infinity') <= $3 RETURNING *",
                upload_id,
                account_id,
                now,
                until,
            )
        return upload_of(row) if row else None

    async def complete(self, upload_id: int, claimed_until: datetime, event: Envelope[PhotoUploaded]) -> bool:
        async with transaction(self._pool) as tx:
            completed = await tx.fetchval(
                "UPDATE uploads SET status = 'completed', closed_at = $3"
                " WHERE upload_id = $1 AND status = 'open' AND completing_until = $2 RETURNING true",
                upload_id,
                claimed_until,
                event.time,
            )
            if completed:
                await _add_original(tx, event)
                await outbox.add(tx, event)
        return bool(completed)

    async def find_originals(self, selection: Selection, *, after: int, limit: int) -> list[Original]:
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "SELECT o.*, coalesce(u.filename, '') AS filename"
                " FROM originals o LEFT JOIN uploads u USING (upload_id)"
                " WHERE ($1::bigint[] IS NULL OR o.photo_id = ANY($1)) AND ($2::bigint IS NULL OR o.account_id = $2)"
                " AND ($3::timestamptz IS NULL OR o.uploaded_at < $3) AND o.photo_id > $4 ORDER BY o.photo_id LIMIT $5",
                selection.photo_ids,
                selection.account_id,
                selection.uploaded_before,
                after,
                limit,
            )
        return [_original(row) for row in rows]

    async def request_reprocessing(self, events: Sequence[Envelope[PhotoReprocessRequested]]) -> int:
        requested = 0
        async with transaction(self._pool) as tx:
            for event in events:
                if await tx.fetchval(
                    "UPDATE originals SET version = $2 WHERE photo_id = $1 AND version + 1 < $2 RETURNING true",
                    event.data.photo_id,
                    event.entityversion,
                ):
                    await outbox.add(tx, event)
                    requested += 1
        return requested

    async def forget_originals(self, photo_ids: Sequence[int]) -> None:
        async with connection(self._pool) as conn:
            await conn.execute("DELETE FROM originals WHERE photo_id = ANY($1)", photo_ids)

    async def release(self, upload_id: int, claimed_until: datetime) -> None:
        async with connection(self._pool) as conn:
            await conn.execute(
                "UPDATE uploads SET completing_until = NULL WHERE upload_id = $1 AND completing_until = $2",
                upload_id,
                claimed_until,
            )

    async def abort(self, account_id: int, upload_id: int, now: datetime) -> bool:
        async with connection(self._pool) as conn:
            aborted = await conn.fetchval(
                "UPDATE uploads SET status = 'aborted', closed_at = $3 WHERE upload_id = $1 AND account_id = $2"
                " AND status = 'open' AND coalesce(completing_until, '-infinity') <= $3 RETURNING true",
                upload_id,
                account_id,
                now,
            )
        return bool(aborted)

    async def mark_deleted(self, upload_ids: Sequence[int]) -> None:
        async with connection(self._pool) as conn:
            await conn.execute("UPDATE uploads SET cleared = true WHERE upload_id = ANY($1)", upload_ids)

    async def count_open(self) -> int:
        async with connection(self._pool) as conn:
            count: int = await conn.fetchval("SELECT count(*) FROM uploads WHERE status = 'open'")
        return count

    @asynccontextmanager
    async def sweep_lease(self) -> AsyncIterator[bool]:
        """Tries to keep all other sweepers out for some minutes; yields whether it does. Holds no connection meanwhile,
        for a sweep waits for object storage. Sweeps that overlap do no harm."""
        token = secrets.token_hex(8)
        async with connection(self._pool) as conn:
            acquired = await conn.fetchval(
                "INSERT INTO sweeps AS s (name, token, leased_until) VALUES ('uploads', $1, now() + $2::interval)"
                " ON CONFLICT (name) DO UPDATE SET token = $1, leased_until = now() + $2::interval"
                " WHERE s.leased_until <= now() RETURNING true",
                token,
                _SWEEP_LEASE,
            )
        try:
            yield bool(acquired)
        finally:
            if acquired:
                with suppress(DatabaseUnavailable):  # the lease ends by itself
                    async with connection(self._pool) as conn:
                        await conn.execute("DELETE FROM sweeps WHERE name = 'uploads' AND token = $1", token)

    async def announce(
        self, announced: int, completed_before: datetime, event_of: Callable[[Upload], Envelope[Event]], limit: int
    ) -> int:
        """Adds the event of completed uploads that were announced so often, and counts it; returns their number."""
        async with transaction(self._pool) as tx:
            rows = await tx.fetch(
                "UPDATE uploads SET announced = $1 + 1 WHERE upload_id IN ("
                "  SELECT upload_id FROM uploads WHERE status = 'completed' AND announced = $1 AND closed_at <= $2"
                "  ORDER BY closed_at LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING *",
                announced,
                completed_before,
                limit,
            )
            for row in rows:
                await outbox.add(tx, event_of(upload_of(row)))
        return len(rows)

    async def expire(self, now: datetime, limit: int) -> int:
        """Marks open uploads past their time as expired, except those being completed; returns their number."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "UPDATE uploads SET status = 'expired', closed_at = $1 WHERE upload_id IN ("
                "  SELECT upload_id FROM uploads WHERE status = 'open' AND expires_at <= $1"
                "  AND coalesce(completing_until, '-infinity') <= $1"
                "  ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED"
                ") RETURNING upload_id",
                now,
                limit,
            )
        return len(rows)

    async def to_audit(self, audited_before: datetime, limit: int) -> list[Upload]:
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "SELECT * FROM uploads WHERE status = 'open' AND coalesce(audited_at, created_at) <= $1"
                " ORDER BY coalesce(audited_at, created_at) LIMIT $2",
                audited_before,
                limit,
            )
        return [upload_of(row) for row in rows]

    async def record_audit(self, upload: Upload, stored_bytes: int, now: datetime) -> None:
        async with transaction(self._pool) as tx:
            counted = await tx.fetchval(
                "SELECT coalesce(counted_bytes, size_bytes) FROM uploads WHERE upload_id = $1 FOR UPDATE",
                upload.upload_id,
            )
            await tx.execute(
                "UPDATE uploads SET audited_at = $2, counted_bytes = greatest($3, $4::bigint) WHERE upload_id = $1",
                upload.upload_id,
                now,
                stored_bytes,
                counted,
            )
            if stored_bytes > counted:
                await _use_quota(tx, upload.account_id, now, uploads=0, size_bytes=stored_bytes - counted)

    async def expire_upload(self, upload_id: int, now: datetime) -> bool:
        async with connection(self._pool) as conn:
            expired = await conn.fetchval(
                "UPDATE uploads SET status = 'expired', closed_at = $2 WHERE upload_id = $1 AND status = 'open'"
                " AND coalesce(completing_until, '-infinity') <= $2 RETURNING true",
                upload_id,
                now,
            )
        return bool(expired)

    async def to_delete(self, limit: int) -> list[Upload]:
        """Aborted and expired uploads that may still have objects."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "SELECT * FROM uploads WHERE status IN ('aborted', 'expired') AND NOT cleared"
                " ORDER BY closed_at LIMIT $1",
                limit,
            )
        return [upload_of(row) for row in rows]

    async def delete_ended(self, ended_before: datetime, announced: int, limit: int) -> int:
        """Deletes the rows of uploads that ended before and, if completed, were announced so often; returns their
        number."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "DELETE FROM uploads WHERE upload_id IN (SELECT upload_id FROM uploads WHERE status <> 'open'"
                "  AND closed_at < $1 AND (announced >= $3 OR (status <> 'completed' AND cleared))"
                "  ORDER BY closed_at LIMIT $2)"
                " RETURNING upload_id",
                ended_before,
                limit,
                announced,
            )
        return len(rows)


def _original(row: asyncpg.Record) -> Original:
    return Original(**{**row, "purpose": Purpose(row["purpose"])})


async def _add_original(tx: Connection, event: Envelope[PhotoUploaded]) -> None:
    photo = event.data
    await tx.execute(
        "INSERT INTO originals (photo_id, upload_id, account_id, content_type, size_bytes, etag, uploaded_at, version,"
        "  purpose) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        photo.photo_id,
        photo.upload_id,
        photo.owner_id,
        photo.content_type,
        photo.size_bytes,
        photo.etag,
        photo.uploaded_at,
        event.entityversion,
        photo.purpose,
    )


async def _use_quota(
    tx: Connection, account_id: int, now: datetime, *, uploads: int, size_bytes: int
) -> asyncpg.Record:
    """Adds to the account's usage of the day; returns it. Locks its row, which serialises inits of the account."""
    usage = await tx.fetchrow(
        "INSERT INTO account_usage AS u (account_id, day, uploads, bytes) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (account_id) DO UPDATE SET"
        "  day = greatest(u.day, $2),"
        "  uploads = CASE WHEN u.day < $2 THEN 0 ELSE u.uploads END + $3,"
        "  bytes = CASE WHEN u.day < $2 THEN 0 ELSE u.bytes END + $4"
        " RETURNING uploads, bytes, erased",
        account_id,
        now.astimezone(UTC).date(),
        uploads,
        size_bytes,
    )
    assert usage is not None
    return usage


async def _add(tx: Connection, upload: Upload, quotas: Quotas) -> None:
    now = upload.created_at
    usage = await _use_quota(tx, upload.account_id, now, uploads=1, size_bytes=upload.file.size_bytes)
    if usage["erased"]:
        raise InvalidToken
    open_before = await tx.fetchval(
        "SELECT count(*) FROM uploads WHERE account_id = $1 AND status = 'open' AND expires_at > $2",
        upload.account_id,
        now,
    )
    quotas.check(Usage(open_before + 1, usage["uploads"], usage["bytes"]), now)
    await tx.execute(
        "INSERT INTO uploads (upload_id, account_id, photo_id, status, filename, content_type, size_bytes,"
        "  part_size, multipart_id, created_at, expires_at, purpose)"
        " VALUES ($1, $2, $3, 'open', $4, $5, $6, $7, $8, $9, $10, $11)",
        upload.upload_id,
        upload.account_id,
        upload.photo_id,
        upload.file.filename,
        upload.file.content_type,
        upload.file.size_bytes,
        upload.part_size,
        upload.multipart_id,
        upload.created_at,
        upload.expires_at,
        upload.purpose,
    )
