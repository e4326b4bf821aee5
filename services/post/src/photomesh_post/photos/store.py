"""Photos in Cassandra."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from photomesh_post.photos.domain import Photo
from photomesh_post.photos.projection import metadata_of, photo_of
from photomesh_post.tables.rows import FINAL, RowWrite, month_of
from photomesh_post.tables.store import rows_by_month, write_rows
from photomesh_shared.events import PhotoMetadata
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["CassandraPhotos"]


class CassandraPhotos:
    """Every method raises DatabaseUnavailable when no answer comes."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def write(self, rows: Sequence[RowWrite]) -> None:
        await write_rows(self._session, rows)

    async def photo(self, photo_id: int) -> Photo | None:
        rows = await self._session.read("SELECT * FROM photos WHERE photo_id = ?", photo_id)
        return photo_of(rows[0]) if rows else None

    async def metadata(self, photo_id: int) -> PhotoMetadata | None:
        rows = await self._session.read("SELECT * FROM photo_metadata WHERE photo_id = ?", photo_id)
        return metadata_of(rows[0]) if rows else None

    async def forget(self, owner_id: int, photo_id: int) -> None:
        """Removes the rows of a photo that is erased. Nothing that arrives later is stored."""
        for table in ("photos", "photo_metadata"):
            cql = f"DELETE FROM {table} USING TIMESTAMP ? WHERE photo_id = ?"  # noqa: S608 - a name of our own
            await self._session.execute(cql, FINAL, photo_id)
        await self._session.execute("DELETE FROM photo_claims WHERE photo_id = ? IF EXISTS", photo_id)
        await self._session.execute(
            "DELETE FROM photos_by_owner USING TIMESTAMP ? WHERE owner_id = ? AND month = ? AND photo_id = ?",
            FINAL,
            owner_id,
            month_of(photo_id),
            photo_id,
        )

    async def photos_of_owner(self, owner_id: int, *, after: int, until: int) -> AsyncGenerator[int, None]:
        """The ids of an account's photos, posted or not, larger than `after` and up to `until`, as long as the caller
        takes them. Also those of photos that were deleted."""
        cql = "SELECT photo_id FROM photos_by_owner WHERE owner_id = ? AND month = ? AND photo_id > ? LIMIT ?"
        async for row in rows_by_month(
            self._session, cql, owner_id, "photo_id", after=after, until=until, since=owner_id
        ):
            yield row["photo_id"]

    async def file_facts(self, photo_id: int) -> Mapping[str, Any]:
        """What is known of the file, for its owner's export; nothing until the photo is ready."""
        rows = await self._session.read(
            "SELECT content_type, size_bytes, sha256, phash FROM photo_metadata WHERE photo_id = ?", photo_id
        )
        return rows[0] if rows else {}
