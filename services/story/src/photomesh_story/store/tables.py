"""Stories and photos for them in Cassandra. Timestamps of cells are entity versions, so repetitions change nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import UTC, datetime

from photomesh_shared.events import PhotoReady, StoryPublished
from photomesh_shared.stores.cassandra import CassandraSession, Row
from photomesh_story.stories.domain import Claim, StoredStory

__all__ = ["FINAL", "CassandraStories"]

FINAL = 253_402_300_799_000_000
"""The timestamp of a deletion that nothing may undo: the last second of the year 9999, in microseconds."""


class CassandraStories:
    """Every method raises DatabaseUnavailable."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    # Photos

    async def add_photo(self, photo: PhotoReady, version: int) -> None:
        await self._session.execute(
            "INSERT INTO photos (owner_id, photo_id, photo) VALUES (?, ?, ?) USING TIMESTAMP ?",
            photo.owner_id,
            photo.photo_id,
            photo.model_dump_json(),
            version,
        )

    async def photo(self, owner_id: int, photo_id: int) -> PhotoReady | None:
        """A photo of the owner's that is ready."""
        rows = await self._session.read(
            "SELECT photo FROM photos WHERE owner_id = ? AND photo_id = ?", owner_id, photo_id
        )
        return _photo_of(rows[0]) if rows else None

    async def photos_of(self, owner_id: int) -> AsyncIterator[PhotoReady]:
        async for row in self._session.rows("SELECT photo FROM photos WHERE owner_id = ?", owner_id):
            if photo := _photo_of(row):
                yield photo

    async def claim(self, owner_id: int, photo_id: int, claim: Claim) -> Claim:
        """Claims a photo for a story unless it was claimed; returns the claim that stands."""
        answer = await self._session.execute(
            "UPDATE photos SET story_token = ?, published_at = ? WHERE owner_id = ? AND photo_id = ?"
            " IF story_token = null",
            claim.token,
            claim.published_at,
            owner_id,
            photo_id,
        )
        row = answer[0]
        return claim if row["[applied]"] else Claim(row["story_token"], await self._published_at(owner_id, photo_id))

    async def _published_at(self, owner_id: int, photo_id: int) -> datetime:
        cql = "SELECT published_at FROM photos WHERE owner_id = ? AND photo_id = ?"
        stored: datetime = (await self._session.execute(cql, owner_id, photo_id))[0]["published_at"]
        return stored.replace(tzinfo=UTC)

    # Stories

    async def published(self, story: StoryPublished, version: int) -> None:
        await self._session.execute(
            "INSERT INTO stories (story_id, author_id, story) VALUES (?, ?, ?) USING TIMESTAMP ?",
            story.story_id,
            story.author_id,
            story.model_dump_json(),
            version,
        )
        await self._session.execute(
            "INSERT INTO stories_by_author (author_id, story_id) VALUES (?, ?) USING TIMESTAMP ?",
            story.author_id,
            story.story_id,
            version,
        )

    async def deleted(self, author_id: int, story_id: int) -> None:
        await self._session.execute(
            "INSERT INTO stories (story_id, author_id, deleted) VALUES (?, ?, true) USING TIMESTAMP ?",
            story_id,
            author_id,
            FINAL,
        )

    async def swept(self, story_id: int) -> None:
        """Notes that the public objects of a story are gone."""
        await self._session.execute(
            "INSERT INTO stories (story_id, swept) VALUES (?, true) USING TIMESTAMP ?", story_id, FINAL
        )

    async def story(self, story_id: int) -> StoredStory | None:
        return (await self.stories([story_id])).get(story_id)

    async def stories(self, story_ids: Collection[int]) -> Mapping[int, StoredStory]:
        """Those of the stories that are known."""
        if not story_ids:
            return {}
        rows = await self._session.read(
            "SELECT story_id, story, deleted, swept FROM stories WHERE story_id IN ?", tuple(sorted(story_ids))
        )
        return {
            row["story_id"]: StoredStory(
                StoryPublished.model_validate_json(row["story"], extra="ignore"),
                deleted=bool(row["deleted"]),
                swept=bool(row["swept"]),
            )
            for row in rows
            if row["story"]
        }

    async def author_of(self, story_id: int) -> int | None:
        """Whose story it is or was, for days after it was published or deleted."""
        rows = await self._session.read("SELECT author_id FROM stories WHERE story_id = ?", story_id)
        return rows[0]["author_id"] if rows else None

    async def is_deleted(self, story_id: int) -> bool:
        """Also of a story whose own row is gone already."""
        rows = await self._session.read("SELECT deleted FROM stories WHERE story_id = ?", story_id)
        return bool(rows and rows[0]["deleted"])

    async def story_ids_of(self, author_id: int) -> Sequence[int]:
        """The stories of an author in the last days, in the order of their ids."""
        rows = await self._session.execute("SELECT story_id FROM stories_by_author WHERE author_id = ?", author_id)
        return [row["story_id"] for row in rows]

    # Erasure

    async def forget_account(self, account_id: int) -> None:
        """Removes what is stored of an account, whose stories are deleted."""
        for story_id in await self.story_ids_of(account_id):
            await self._session.execute(
                "DELETE story FROM stories USING TIMESTAMP ? WHERE story_id = ?", FINAL, story_id
            )
        await self._session.execute(
            "DELETE FROM stories_by_author USING TIMESTAMP ? WHERE author_id = ?", FINAL, account_id
        )
        await self._session.execute("DELETE FROM photos USING TIMESTAMP ? WHERE owner_id = ?", FINAL, account_id)

    async def mark_ended(self, account_id: int) -> None:
        await self._session.execute("INSERT INTO ended (id) VALUES (?)", account_id)

    async def is_ended(self, account_id: int) -> bool:
        return bool(await self._session.read("SELECT id FROM ended WHERE id = ?", account_id))


def _photo_of(row: Mapping[str, object] | Row) -> PhotoReady | None:
    stored = row["photo"]
    return PhotoReady.model_validate_json(str(stored), extra="ignore") if stored else None
