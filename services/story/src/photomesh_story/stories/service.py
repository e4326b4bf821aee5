"""Use cases of the API: publish, see and delete stories."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.events import Envelope, PhotoReady, StoryDeleted, StoryPublished, StoryViewed
from photomesh_shared.events.versions import version_at
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.ids import encode, timestamp_of
from photomesh_story.archive.protocols import Archive
from photomesh_story.errors import NoPhotoForStory, PhotoHadItsStory, StoryNotFound, TooManyStories
from photomesh_story.stories.domain import LIFETIME, MAX_A_DAY, Audience, Claim, StoredStory, moment_of
from photomesh_story.stories.event_log import StoryEventLog
from photomesh_story.stories.protocols import Bytes, Index, Tables
from photomesh_story.stories.queries import StoryQueries

__all__ = ["PhotoWait", "StoryEnder", "StoryService"]

AFTER_COPY = declare("story.after_copy", "the sizes are public, the story is not announced")

_TOKEN_BYTES = 16
_SKEW = timedelta(minutes=1)
_BACKOFF = Backoff(base=0.02, cap=0.25)


class PhotoWait:
    """How long a request waits for a photo that may be on its way."""

    def __init__(self, clock: Clock, *, max_age: timedelta, max_wait: timedelta) -> None:
        self._clock = clock
        self._max_age = max_age
        self._max_wait = max_wait.total_seconds()

    def may_arrive(self, photo_id: int) -> bool:
        """Whether the photo's upload may have been completed just now."""
        return -_SKEW < self._clock.now() - timestamp_of(photo_id) < self._max_age

    async def find(self, tables: Tables, owner_id: int, photo_id: int) -> PhotoReady | None:
        deadline, pauses = self._clock.monotonic() + self._max_wait, _BACKOFF.delays()
        while True:
            photo = await tables.photo(owner_id, photo_id)
            if photo or not self.may_arrive(photo_id) or self._clock.monotonic() >= deadline:
                return photo
            await self._clock.sleep(next(pauses))


class StoryService:
    def __init__(
        self,
        tables: Tables,
        index: Index,
        bytes_: Bytes,
        archive: Archive,
        *,
        log: StoryEventLog,
        ender: StoryEnder,
        queries: StoryQueries,
        wait: PhotoWait,
    ) -> None:
        self._tables = tables
        self._index = index
        self._bytes = bytes_
        self._archive = archive
        self._log = log
        self._ender = ender
        self._queries = queries
        self._wait = wait

    async def publish(self, author_id: int, photo_id: int, audience: Audience, alt_text: str | None) -> StoryPublished:
        """Publishes a photo as a story for the next 24 hours.

        Idempotent: a photo is in one story at most, so the same request again returns the story that exists. Raises
        NoPhotoForStory, PhotoHadItsStory, TooManyStories, Unavailable.
        """
        photo = await self._wait.find(self._tables, author_id, photo_id)
        if photo is None:
            if self._wait.may_arrive(photo_id):
                raise NoPhotoForStory(headers={"Retry-After": "1"}, retryable=True)
            raise NoPhotoForStory
        now = moment_of(await self._index.now_ms())
        if stored := await self._tables.story(photo_id):
            return _present(stored, now)
        if await self._index.published_in_a_day(author_id) >= MAX_A_DAY:
            raise TooManyStories
        # Of two requests, one decides; one that is repeated after a crash goes on with what the first decided.
        claim = await self._tables.claim(author_id, photo_id, Claim(secrets.token_urlsafe(_TOKEN_BYTES), now))
        # In whole seconds, which is what the CDN compares.
        expires_at = (claim.published_at + LIFETIME).replace(microsecond=0)
        if expires_at <= now:
            raise PhotoHadItsStory
        variants = await self._bytes.publish(photo, claim.token, expires_at)
        await failpoint(AFTER_COPY)
        story = StoryPublished(
            story_id=photo_id,
            author_id=author_id,
            photo_id=photo_id,
            audience=str(audience),
            alt_text=alt_text,
            width=photo.width,
            height=photo.height,
            placeholder=photo.placeholder,
            variants=variants,
            published_at=claim.published_at,
            expires_at=expires_at,
        )
        name = f"{encode('st', photo_id)}.published"
        version = version_at(claim.published_at)
        await self._log.commit(Envelope.of(story, entityversion=version, id=name, time=claim.published_at))
        # A deletion may have been faster.
        if (stored := await self._tables.story(photo_id)) is None:
            return story
        return _present(stored, now)

    async def see(self, viewer_id: int, story_id: int) -> None:
        """Notes that the viewer saw a story, and with it all earlier ones of its author. Idempotent: the first view
        counts. One's own stories are not counted. Raises StoryNotFound, Unavailable."""
        story, standing = await self._queries.visible(viewer_id, story_id)
        if viewer_id == story.author_id or standing.viewed:
            return
        at = moment_of(standing.now_ms)
        view = StoryViewed(
            story_id=story_id,
            author_id=story.author_id,
            viewer_id=viewer_id,
            expires_at=story.expires_at,
            viewed_at=at,
        )
        await self._log.commit(Envelope.of(view, entityversion=version_at(at), time=at))

    async def delete(self, viewer_id: int, story_id: int) -> None:
        """Deletes a story of the viewer's, also one in the archive; the sweeper removes its objects. Idempotent. Raises
        StoryNotFound, Unavailable."""
        if await self._tables.is_deleted(story_id) and await self._tables.author_of(story_id) == viewer_id:
            return
        if stored := await self._tables.story(story_id):
            story = stored.story
        elif archived := await self._archive.story(viewer_id, story_id):
            story = archived.story
        else:
            raise StoryNotFound
        if story.author_id != viewer_id:
            raise StoryNotFound
        await self._ender.end(story)


class StoryEnder:
    """Deletes stories, for their authors and for erasures."""

    def __init__(self, log: StoryEventLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    async def end(self, story: StoryPublished) -> None:
        """Deletes a story. Raises Unavailable."""
        now = self._clock.now()
        event = StoryDeleted(
            story_id=story.story_id,
            author_id=story.author_id,
            audience=story.audience,
            expires_at=story.expires_at,
            deleted_at=now,
        )
        version = max(version_at(now), version_at(story.published_at) + 1)
        name = f"{encode('st', story.story_id)}.deleted"
        await self._log.commit(Envelope.of(event, entityversion=version, id=name, time=now))


def _present(stored: StoredStory, now: datetime) -> StoryPublished:
    if stored.deleted or stored.story.expires_at <= now:
        raise PhotoHadItsStory
    return stored.story
