"""The use cases of stories over stores in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from photomesh_shared.events import FOR_STORIES, PhotoReady, StoryPublished, StoryReplyCreated
from photomesh_shared.ids import EPOCH
from photomesh_story.archive.queries import ArchiveQueries
from photomesh_story.archive.service import Archivist, HighlightService
from photomesh_story.replies.queries import ReplyQueries
from photomesh_story.replies.service import ReplyEnder, ReplyService
from photomesh_story.stories.domain import Audience, moment_of
from photomesh_story.stories.erasure import AccountEraser
from photomesh_story.stories.event_handlers import StoryEventHandlers
from photomesh_story.stories.event_log import StoryEventLog
from photomesh_story.stories.queries import StoryQueries
from photomesh_story.stories.service import PhotoWait, StoryEnder, StoryService
from photomesh_story.stories.sweeper import Sweeper
from tests.support.story.memory import (
    MemoryAccounts,
    MemoryArchive,
    MemoryBytes,
    MemoryIndex,
    MemoryLog,
    MemoryReplies,
    MemoryTables,
    Time,
)

ADA, GRACE, LINUS = 1_001, 1_002, 1_003


def id_at(ms: int, number: int = 0) -> int:
    """An id of that moment."""
    return (ms - int(EPOCH.timestamp() * 1000) << 22) + number


@dataclass
class Scene:
    """`photo` puts a photo of somebody's into the tables; Grace follows Ada."""

    time: Time = field(default_factory=Time)
    tables: MemoryTables = field(default_factory=MemoryTables)
    bytes: MemoryBytes = field(default_factory=MemoryBytes)
    accounts: MemoryAccounts = field(default_factory=MemoryAccounts)
    publisher: MemoryLog = field(default_factory=MemoryLog)
    replies: MemoryReplies = field(default_factory=MemoryReplies)
    archive: MemoryArchive = field(default_factory=MemoryArchive)

    def __post_init__(self) -> None:
        self.index = MemoryIndex(self.time)
        self.log = StoryEventLog(self.tables, self.index, self.replies, self.archive, self.publisher)
        self.archivist = Archivist(self.tables, self.archive, self.bytes)
        self.archive_queries = ArchiveQueries(self.archive, self.bytes, self.accounts)
        self.highlights = HighlightService(self.archive, self.bytes)
        self.queries = StoryQueries(self.tables, self.index, self.accounts)
        self.ender = StoryEnder(self.log, self.time)
        wait = PhotoWait(self.time, max_age=timedelta(days=1), max_wait=timedelta(seconds=2))
        self.service = StoryService(
            self.tables,
            self.index,
            self.bytes,
            self.archive,
            log=self.log,
            ender=self.ender,
            queries=self.queries,
            wait=wait,
        )
        self.sweeper = Sweeper(
            self.tables, self.index, self.bytes, self.log, self.archivist, self.time, interval_seconds=5
        )
        reply_ender = ReplyEnder(self.replies, self.log, self.time)
        self.reply_service = ReplyService(
            self.tables, self.replies, log=self.log, ender=reply_ender, queries=self.queries
        )
        self.reply_queries = ReplyQueries(self.tables, self.replies, self.accounts, self.queries)
        self.eraser = AccountEraser(
            self.tables,
            self.index,
            self.bytes,
            self.replies,
            self.archivist,
            ender=self.ender,
            reply_ender=reply_ender,
            clock=self.time,
        )
        self.handlers = StoryEventHandlers(
            self.tables, self.index, self.bytes, self.archive, log=self.log, reply_ender=reply_ender
        )
        self._photos = 0

    async def follow(self, follower: int, followee: int) -> None:
        self.accounts.follows.add((follower, followee))
        await self.index.relation("follows", follower, followee, 1, active=True)

    async def befriend(self, owner: int, friend: int, version: int = 1, *, active: bool = True) -> None:
        await self.index.relation("close_friends", friend, owner, version, active=active)

    def new_photo(self, owner: int) -> PhotoReady:
        self._photos += 1
        photo_id = id_at(self.time.ms, self._photos)
        return PhotoReady.example().model_copy(
            update={"photo_id": photo_id, "owner_id": owner, "purpose": FOR_STORIES, "bucket": "private"}
        )

    async def photo(self, owner: int) -> int:
        photo = self.new_photo(owner)
        await self.tables.add_photo(photo, 1)
        return photo.photo_id

    async def publish(
        self, author: int, audience: Audience = Audience.FOLLOWERS, alt_text: str | None = None
    ) -> StoryPublished:
        return await self.service.publish(author, await self.photo(author), audience, alt_text)

    async def tray(self, viewer: int) -> list[tuple[int, int, bool]]:
        """Author, newest story, unseen."""
        rings = await self.queries.tray(viewer, 50)
        return [(one.account.id, one.ring.story_id, one.ring.unseen) for one in rings]

    async def sees(self, viewer: int, author: int) -> list[int]:
        return [one.story.story_id for one in await self.queries.stories_of(viewer, author)]

    async def replay(self) -> Any:
        """Everything that the log says, once more."""
        for envelope in list(self.publisher.events):
            if isinstance(envelope.data, StoryReplyCreated):
                await self.handlers.reply_created(envelope)  # type: ignore[arg-type]
            else:
                await self.log.apply(envelope)  # type: ignore[arg-type]

    def wait(self, **span: float) -> None:
        self.time.ms += int(timedelta(**span).total_seconds() * 1000)

    @property
    def now(self) -> Any:
        return moment_of(self.time.ms)
