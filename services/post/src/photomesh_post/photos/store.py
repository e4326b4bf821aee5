"""Photos in Cassandra."""

from __future__ import annotations

from collections.abc import Sequence

from photomesh_post.photos.domain import Photo
from photomesh_post.photos.projection import metadata_of, photo_of
from photomesh_post.tables.rows import RowWrite
from photomesh_post.tables.store import write_rows
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
