"""The archive and highlights in Cassandra."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from photomesh_shared.events import PhotoReady, StoryPublished
from photomesh_shared.events.versions import version_at
from photomesh_shared.stores.cassandra import CassandraSession
from photomesh_story.archive.domain import ArchivedStory, Highlight
from photomesh_story.store.tables import FINAL

__all__ = ["CassandraArchive"]

_MARKED_SECONDS = 30 * 86_400
"""How long a deletion is noted of a story whose row may not be there. The sweeper needs a minute."""
_STORY = "SELECT story_id, story, photo, public_token, deleted FROM story_archive WHERE author_id = ?"


class CassandraArchive:
    """See `archive.protocols.Archive`."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def is_wanted(self, author_id: int) -> bool:
        """By default it is."""
        rows = await self._session.read("SELECT archive FROM story_settings WHERE account_id = ?", author_id)
        return not rows or rows[0]["archive"] is not False

    async def want(self, author_id: int, *, wanted: bool) -> None:
        await self._session.execute("INSERT INTO story_settings (account_id, archive) VALUES (?, ?)", author_id, wanted)

    async def add(self, story: StoryPublished, photo: PhotoReady) -> None:
        await self._session.execute(
            "INSERT INTO story_archive (author_id, story_id, story, photo) VALUES (?, ?, ?, ?) USING TIMESTAMP ?",
            story.author_id,
            story.story_id,
            story.model_dump_json(),
            photo.model_dump_json(),
            version_at(story.expires_at),
        )

    async def mark_deleted(self, author_id: int, story_id: int) -> None:
        await self._session.execute(
            "UPDATE story_archive USING TIMESTAMP ? AND TTL ? SET deleted = true WHERE author_id = ? AND story_id = ?",
            FINAL,
            _MARKED_SECONDS,
            author_id,
            story_id,
        )

    async def remove(self, author_id: int, story_id: int) -> None:
        """Nothing that arrives later is stored."""
        await self._session.execute(
            "DELETE FROM story_archive USING TIMESTAMP ? WHERE author_id = ? AND story_id = ?",
            FINAL,
            author_id,
            story_id,
        )

    async def story(self, author_id: int, story_id: int) -> ArchivedStory | None:
        return (await self.stories(author_id, [story_id])).get(story_id)

    async def stories(self, author_id: int, story_ids: Collection[int]) -> Mapping[int, ArchivedStory]:
        """Those of the author's stories that are there, deleted ones among them."""
        if not story_ids:
            return {}
        rows = await self._session.read(f"{_STORY} AND story_id IN ?", author_id, tuple(sorted(story_ids)))
        return {row["story_id"]: _archived_of(row) for row in rows if row["story"] and row["photo"]}

    async def page(self, author_id: int, before: int | None, limit: int) -> Sequence[ArchivedStory]:
        """The latest first, deleted ones among them."""
        if before is None:
            rows = await self._session.read(f"{_STORY} LIMIT ?", author_id, limit)
        else:
            rows = await self._session.read(f"{_STORY} AND story_id < ? LIMIT ?", author_id, before, limit)
        return [_archived_of(row) for row in rows if row["story"] and row["photo"]]

    async def every(self, author_id: int) -> AsyncIterator[ArchivedStory]:
        async for row in self._session.rows(_STORY, author_id):
            if row["story"] and row["photo"]:
                yield _archived_of(row)

    async def claim_token(self, author_id: int, story_id: int, token: str) -> str:
        """Of two requests that put a story into a highlight, one decides under which keys it is public."""
        answer = await self._session.execute(
            "UPDATE story_archive SET public_token = ? WHERE author_id = ? AND story_id = ? IF public_token = null",
            token,
            author_id,
            story_id,
        )
        row = answer[0]
        return token if row["[applied]"] else str(row["public_token"])

    async def drop_token(self, author_id: int, story_id: int) -> None:
        await self._session.execute(
            "UPDATE story_archive SET public_token = null WHERE author_id = ? AND story_id = ? IF EXISTS",
            author_id,
            story_id,
        )

    # Highlights

    async def highlights(self, author_id: int) -> Sequence[Highlight]:
        """In the order of their numbers."""
        rows = await self._session.read(
            "SELECT number, title, story_ids FROM highlights WHERE author_id = ?", author_id
        )
        return [_highlight_of(row) for row in rows]

    async def highlight(self, author_id: int, number: int) -> Highlight | None:
        rows = await self._session.read(
            "SELECT number, title, story_ids FROM highlights WHERE author_id = ? AND number = ?", author_id, number
        )
        return _highlight_of(rows[0]) if rows else None

    async def write_highlight(self, author_id: int, highlight: Highlight) -> None:
        await self._session.execute(
            "INSERT INTO highlights (author_id, number, title, story_ids) VALUES (?, ?, ?, ?)",
            author_id,
            highlight.number,
            highlight.title,
            list(highlight.story_ids),
        )

    async def remove_highlight(self, author_id: int, number: int) -> None:
        await self._session.execute("DELETE FROM highlights WHERE author_id = ? AND number = ?", author_id, number)

    async def forget_account(self, account_id: int) -> None:
        """Removes all rows of an account, whose bytes are removed."""
        for table, key in (
            ("story_archive", "author_id"),
            ("highlights", "author_id"),
            ("story_settings", "account_id"),
        ):
            await self._session.execute(
                f"DELETE FROM {table} USING TIMESTAMP ? WHERE {key} = ?",  # noqa: S608
                FINAL,
                account_id,
            )


def _archived_of(row: Mapping[str, Any]) -> ArchivedStory:
    return ArchivedStory(
        StoryPublished.model_validate_json(row["story"], extra="ignore"),
        PhotoReady.model_validate_json(row["photo"], extra="ignore"),
        token=row["public_token"],
        deleted=bool(row["deleted"]),
    )


def _highlight_of(row: Mapping[str, Any]) -> Highlight:
    return Highlight(row["number"], row["title"], tuple(row["story_ids"] or ()))
