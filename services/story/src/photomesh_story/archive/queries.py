"""Reads for the API: the archive for its owner, highlights for those who see the profile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from photomesh_shared.events import Variant
from photomesh_story.archive.domain import ArchivedStory, Highlight, ShownHighlight, highlight_variants
from photomesh_story.archive.protocols import Archive, ArchiveBytes
from photomesh_story.errors import HighlightNotFound
from photomesh_story.stories.protocols import Accounts

__all__ = ["ArchiveQueries", "public_variants"]


class ArchiveQueries:
    """Every method raises Unavailable."""

    def __init__(self, archive: Archive, bytes_: ArchiveBytes, accounts: Accounts) -> None:
        self._archive = archive
        self._bytes = bytes_
        self._accounts = accounts

    async def archive(
        self, author_id: int, before: int | None, limit: int
    ) -> tuple[list[tuple[ArchivedStory, Mapping[int, str]]], int | None]:
        """The author's own stories that are over, the latest first, each with URLs by size; and the last that was
        looked at, unless it is the end."""
        found = await self._archive.page(author_id, before, limit)
        kept = [one for one in found if not one.deleted]
        urls = await asyncio.gather(*(self._bytes.private_urls(one.photo) for one in kept))
        return list(zip(kept, urls, strict=True)), found[-1].story.story_id if len(found) == limit else None

    async def is_archiving(self, author_id: int) -> bool:
        return await self._archive.is_wanted(author_id)

    async def highlights(self, viewer_id: int, author_id: int) -> list[ShownHighlight]:
        """The highlights of an account whose profile the viewer sees, in their order, each with its first story that is
        there; none for whatever reason."""
        if not await self._sees(viewer_id, author_id):
            return []
        found = await self._archive.highlights(author_id)
        stories = await self._archive.stories(author_id, {key for one in found for key in one.story_ids})
        shown = [ShownHighlight(one, _there(one.story_ids, stories)) for one in found]
        return [one for one in shown if one.stories]

    async def highlight(self, viewer_id: int, author_id: int, number: int) -> ShownHighlight:
        """Raises HighlightNotFound."""
        highlight = await self._archive.highlight(author_id, number) if await self._sees(viewer_id, author_id) else None
        if highlight is None:
            raise HighlightNotFound
        return await self._shown(author_id, highlight)

    async def _shown(self, author_id: int, highlight: Highlight) -> ShownHighlight:
        stories = _there(highlight.story_ids, await self._archive.stories(author_id, highlight.story_ids))
        if not stories:
            raise HighlightNotFound
        return ShownHighlight(highlight, stories)

    async def _sees(self, viewer_id: int, author_id: int) -> bool:
        if viewer_id == author_id:
            return True
        account = (await self._accounts.seen(viewer_id, [author_id])).get(author_id)
        return account is not None and account.open


def public_variants(archived: ArchivedStory) -> tuple[Variant, ...]:
    """The sizes of a story that is in a highlight."""
    assert archived.token is not None
    return highlight_variants(archived.photo, archived.token)


def _there(story_ids: Iterable[int], stories: Mapping[int, ArchivedStory]) -> tuple[ArchivedStory, ...]:
    found = (stories.get(story_id) for story_id in story_ids)
    return tuple(one for one in found if one is not None and not one.deleted and one.token)
