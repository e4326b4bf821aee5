"""What story holds of an account, for its export: its stories of the last days, what it replied to others, and whose
stories it saw. Who saw its own, and what they replied, is theirs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Protocol

from pydantic import JsonValue

from photomesh_shared.ids import MAX_ID
from photomesh_shared.internal_api.export import ExportPage, ExportQuery, int_cursor, item_of, require_section
from photomesh_story.archive.protocols import Archive
from photomesh_story.replies.protocols import Replies
from photomesh_story.stories.domain import StoredStory, moment_of
from photomesh_story.stories.protocols import Tables

__all__ = ["ExportQueries", "SeenTimes"]

_IDS = {"story_id": "st", "photo_id": "p", "author_id": "u"}


class SeenTimes(Protocol):
    """See `store.index.StoryIndex`."""

    async def seen_by(self, viewer_id: int) -> Mapping[int, int]: ...


class ExportQueries:
    def __init__(self, tables: Tables, index: SeenTimes, replies: Replies, archive: Archive) -> None:
        self._tables = tables
        self._archive = archive
        self._replies = replies
        self._index = index

    async def page(self, account_id: int, query: ExportQuery) -> ExportPage:
        """Raises NotFound, InvalidCursor, Unavailable."""
        pages: dict[str, Callable[[int, ExportQuery], Awaitable[ExportPage]]] = {
            "stories": self._stories,
            "story_archive": self._archived,
        }
        return await require_section(pages, query.section)(account_id, query)

    async def _archived(self, account_id: int, query: ExportQuery) -> ExportPage:
        """A cursor is the id of the last story of the page before. What is not paged is on the first."""
        before = int_cursor(query.cursor) if query.cursor else MAX_ID
        found = await self._archive.page(account_id, before, query.limit)
        items = [_item(StoredStory(one.story)) | {"what": "archived"} for one in found if not one.deleted]
        if not query.cursor:
            items.append({"what": "settings", "archive": await self._archive.is_wanted(account_id)})
            items += [
                item_of({"what": "highlight", **asdict(one)}, {"story_ids": "st"})
                for one in await self._archive.highlights(account_id)
            ]
        more = len(found) == query.limit
        return ExportPage(
            section=query.section, items=items, next_cursor=str(found[-1].story.story_id) if more else None
        )

    async def _stories(self, account_id: int, query: ExportQuery) -> ExportPage:
        """All on the first page: it is a matter of days."""
        if query.cursor and int_cursor(query.cursor):
            return ExportPage(section=query.section, items=[], next_cursor=None)
        story_ids = await self._tables.story_ids_of(account_id)
        stored = await self._tables.stories(story_ids)
        items = [_item(one) for key in story_ids if (one := stored.get(key)) and not one.deleted]
        items += [
            item_of({"what": "reply", **reply._asdict()}, _IDS | {"account_id": "u"})
            for reply in await self._replies.of_account(account_id)
        ]
        items += [
            item_of({"what": "seen", "author_id": author_id, "until": moment_of(ms)}, _IDS)
            for author_id, ms in sorted((await self._index.seen_by(account_id)).items())
        ]
        return ExportPage(section=query.section, items=items, next_cursor=None)


def _item(stored: StoredStory) -> dict[str, JsonValue]:
    story = stored.story
    return item_of(
        {
            "what": "story",
            "story_id": story.story_id,
            "photo_id": story.photo_id,
            "audience": story.audience,
            "alt_text": story.alt_text,
            "published_at": story.published_at,
            "expires_at": story.expires_at,
        },
        _IDS,
    )
