"""What story holds of an account, for its export: its stories of the last days, and whose stories it saw. Who saw its
own is theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pydantic import JsonValue

from photomesh_shared.internal_api.export import ExportPage, ExportQuery, int_cursor, item_of, require_section
from photomesh_story.stories.domain import StoredStory, moment_of
from photomesh_story.stories.protocols import Tables

__all__ = ["ExportQueries", "SeenTimes"]

_SECTIONS = {"stories": True}
_IDS = {"story_id": "st", "photo_id": "p", "author_id": "u"}


class SeenTimes(Protocol):
    """See `store.index.StoryIndex`."""

    async def seen_by(self, viewer_id: int) -> Mapping[int, int]: ...


class ExportQueries:
    def __init__(self, tables: Tables, index: SeenTimes) -> None:
        self._tables = tables
        self._index = index

    async def page(self, account_id: int, query: ExportQuery) -> ExportPage:
        """All on the first page: it is a matter of days. Raises NotFound, InvalidCursor, Unavailable."""
        require_section(_SECTIONS, query.section)
        if query.cursor and int_cursor(query.cursor):
            return ExportPage(section=query.section, items=[], next_cursor=None)
        story_ids = await self._tables.story_ids_of(account_id)
        stored = await self._tables.stories(story_ids)
        items = [_item(one) for key in story_ids if (one := stored.get(key)) and not one.deleted]
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
