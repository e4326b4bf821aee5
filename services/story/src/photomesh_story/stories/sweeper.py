"""Ends stories whose time is over, and those that were deleted: removes their objects, and announces how many accounts
saw them. Nothing is hidden by this: reads and the CDN compare the time themselves."""

from __future__ import annotations

import logging

from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, StoryExpired
from photomesh_shared.events.versions import version_at
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.ids import encode
from photomesh_story.archive.service import Archivist
from photomesh_story.metrics import SWEEPS_FAILED
from photomesh_story.stories.domain import StoredStory, moment_of, ms_of
from photomesh_story.stories.event_log import StoryEventLog
from photomesh_story.stories.protocols import Bytes, Index, Tables

__all__ = ["Sweeper"]

log = logging.getLogger(__name__)

AFTER_REMOVAL = declare("story.sweeper.after_removal", "the objects are gone, the end is not announced")

_BATCH = 50
_LEASE_MS = 60_000
"""A story is nobody else's for so long; then it is tried again, if it is still there."""


class Sweeper:
    """All consumers sweep: each takes some stories for a minute, and everything is idempotent."""

    def __init__(
        self,
        tables: Tables,
        index: Index,
        bytes_: Bytes,
        log: StoryEventLog,
        archivist: Archivist,
        clock: Clock,
        *,
        interval_seconds: float,
    ) -> None:
        self._tables = tables
        self._index = index
        self._bytes = bytes_
        self._log = log
        self._archivist = archivist
        self._clock = clock
        self._interval_seconds = interval_seconds

    async def run(self) -> None:
        """Sweeps for ever."""
        while True:
            try:
                while await self.sweep():
                    pass
            except Unavailable as error:
                log.warning("sweep of stories failed", extra={"reason": repr(error)})
            await self._clock.sleep(self._interval_seconds)

    async def sweep(self) -> int:
        """Ends some stories; returns how many were due. Raises StoriesUnavailable."""
        due = await self._index.due(_BATCH, _LEASE_MS)
        for story_id in due:
            try:
                await self._end(story_id)
            except Unavailable as error:
                SWEEPS_FAILED.inc()
                log.warning("a story is not swept", extra={"story_id": story_id, "reason": repr(error)})
        return len(due)

    async def _end(self, story_id: int) -> None:
        stored = await self._tables.story(story_id)
        if stored is not None and not stored.swept:
            now = await self._index.now_ms()
            expires = ms_of(stored.story.expires_at)
            if not stored.deleted and expires > now:
                await self._index.due_again(story_id, expires)
                return
            photo = await self._tables.photo(stored.story.author_id, stored.story.photo_id)
            kept = photo is not None and not stored.deleted and await self._archivist.keep(stored.story, photo)
            await self._bytes.remove(stored.story.variants)
            if photo and not kept:
                await self._bytes.forget(photo.photo_id, photo.upload_id)
            await failpoint(AFTER_REMOVAL)
            if not stored.deleted:
                await self._announce(stored, now)
            await self._tables.swept(story_id)
        await self._end_archived(story_id)
        await self._index.done(story_id)
        # A deletion meanwhile has put it into the queue, maybe before it was taken out of it here.
        if stored is not None and not stored.deleted and await self._tables.is_deleted(story_id):
            await self._index.due_again(story_id, 0)

    async def _end_archived(self, story_id: int) -> None:
        """Also of a story whose own row is gone: it may be deleted as long as it is in the archive."""
        if await self._tables.is_deleted(story_id):
            author_id = await self._tables.author_of(story_id)
            if author_id is not None:
                await self._archivist.end(author_id, story_id)

    async def _announce(self, stored: StoredStory, now_ms: int) -> None:
        story = stored.story
        views = await self._index.views([story.story_id])
        event = StoryExpired(
            story_id=story.story_id,
            author_id=story.author_id,
            expires_at=story.expires_at,
            views=views[story.story_id],
        )
        name, version = f"{encode('st', story.story_id)}.expired", version_at(story.expires_at)
        await self._log.commit(Envelope.of(event, entityversion=version, id=name, time=moment_of(now_ms)))
