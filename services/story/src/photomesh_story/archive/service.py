"""Use cases: keep stories that are over, put them into highlights, and remove them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Sequence

from photomesh_shared.events import PhotoReady, StoryPublished
from photomesh_shared.failpoints import declare, failpoint
from photomesh_story.archive.domain import ArchivedStory, Highlight, unused
from photomesh_story.archive.protocols import Archive, ArchiveBytes
from photomesh_story.errors import NotInArchive
from photomesh_story.stories.domain import Audience
from photomesh_story.stories.protocols import Tables

__all__ = ["Archivist", "HighlightService"]

AFTER_COPIES = declare("story.highlights.after_copies", "sizes of stories are public, their highlight is not written")

_TOKEN_BYTES = 16
_COPIED_AT_ONCE = 8


class Archivist:
    """What the sweeper and erasures do with the archive. Every method is idempotent, and raises Unavailable."""

    def __init__(self, tables: Tables, archive: Archive, bytes_: ArchiveBytes) -> None:
        self._tables = tables
        self._archive = archive
        self._bytes = bytes_

    async def keep(self, story: StoryPublished, photo: PhotoReady) -> bool:
        """Puts a story that is over into its author's archive, unless the author wants none. Returns whether the
        photo's private bytes are needed from now on."""
        if not await self._archive.is_wanted(story.author_id):
            return False
        await self._archive.add(story, photo)
        # A deletion of the story marks it first, here and there: one of both sees the other.
        stored = await self._tables.story(story.story_id)
        return stored is not None and not stored.deleted

    async def end(self, author_id: int, story_id: int) -> None:
        """Removes a story that was deleted from the archive, with its bytes."""
        if archived := await self._archive.story(author_id, story_id):
            await self._forget(archived)
        await self._archive.remove(author_id, story_id)

    async def erase(self, account_id: int) -> int:
        """Removes all that the archive has of an account. Returns how many stories that were."""
        count = 0
        async for archived in self._archive.every(account_id):
            await self._forget(archived)
            count += 1
        await self._archive.forget_account(account_id)
        return count

    async def _forget(self, archived: ArchivedStory) -> None:
        if archived.token:
            await self._bytes.remove_highlight(archived.photo, archived.token)
        await self._bytes.forget(archived.photo.photo_id, archived.photo.upload_id)


class HighlightService:
    """Every method is idempotent, and raises Unavailable."""

    def __init__(self, archive: Archive, bytes_: ArchiveBytes) -> None:
        self._archive = archive
        self._bytes = bytes_

    async def archive_from_now(self, author_id: int, *, wanted: bool) -> None:
        """Notes whether the author's stories go into the archive when they are over."""
        await self._archive.want(author_id, wanted=wanted)

    async def write(self, author_id: int, highlight: Highlight) -> None:
        """Writes a highlight. Its stories are public from now on, as far as the profile is. Raises NotInArchive."""
        archived = await self._archive.stories(author_id, highlight.story_ids)
        chosen = [archived.get(story_id) for story_id in highlight.story_ids]
        if any(one is None or one.deleted or one.story.audience != Audience.FOLLOWERS for one in chosen):
            raise NotInArchive
        places = asyncio.Semaphore(_COPIED_AT_ONCE)

        async def publish(one: ArchivedStory) -> None:
            async with places:
                token = one.token or await self._archive.claim_token(
                    author_id, one.story.story_id, secrets.token_urlsafe(_TOKEN_BYTES)
                )
                await self._bytes.publish_highlight(one.photo, token)

        await asyncio.gather(*(publish(one) for one in chosen if one is not None))
        await failpoint(AFTER_COPIES)
        before = await self._archive.highlight(author_id, highlight.number)
        await self._archive.write_highlight(author_id, highlight)
        if before is not None:
            await self._withdraw(author_id, before.story_ids, await self._archive.highlights(author_id))

    async def remove(self, author_id: int, number: int) -> None:
        """Removes a highlight, with the copies of stories that are in no other. The row goes last: after a failure, the
        same request goes on."""
        highlights = await self._archive.highlights(author_id)
        for one in highlights:
            if one.number == number:
                await self._withdraw(author_id, one.story_ids, [other for other in highlights if other is not one])
        await self._archive.remove_highlight(author_id, number)

    async def _withdraw(self, author_id: int, story_ids: Collection[int], highlights: Sequence[Highlight]) -> None:
        """Removes the copies of those of the stories that are in none of the highlights. In another one later, they
        have other keys."""
        gone = await self._archive.stories(author_id, unused(story_ids, highlights))
        for story_id, one in gone.items():
            if one.token:
                await self._bytes.remove_highlight(one.photo, one.token)
                await self._archive.drop_token(author_id, story_id)
