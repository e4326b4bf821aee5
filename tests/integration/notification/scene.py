"""A post and what happens to it, and the programs that make notifications of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from photomesh_shared import ids
from photomesh_shared.events import (
    BlockCreated,
    BlockDeleted,
    CommentCreated,
    CommentDeleted,
    Envelope,
    Event,
    MuteCreated,
    PostLiked,
    PostUnliked,
    encode,
)
from photomesh_shared.events.versions import version_at
from photomesh_shared.kafka.publisher import KafkaPublisher
from photomesh_shared.stores.cassandra import CassandraSession
from tests.support.services import process
from tests.support.tokens import free_port
from tests.support.waiting import eventually

COLLECTOR, WRITER = "photomesh_notification.collector", "photomesh_notification.writer"
GROUPS = {COLLECTOR: "notification", WRITER: "notification-writer"}
Environment = Callable[[str], Mapping[str, str]]
Groups = dict[str, dict[str, Any]]
_AT_ONCE = 100  # a publisher waits ten seconds for all of them


class Scene:
    """A post of somebody, and what happens to it: versions and times follow the order of calls."""

    def __init__(self, publisher: KafkaPublisher, database: CassandraSession, new_id: Callable[[], int]) -> None:
        self.publisher, self.database, self.new_id = publisher, database, new_id
        self.author, self.post = new_id(), new_id()
        self._start = datetime.now(UTC) - timedelta(minutes=5)
        self._count = 0

    def at(self) -> datetime:
        self._count += 1
        return self._start + timedelta(milliseconds=self._count)

    async def publish(self, *events: tuple[Event, datetime]) -> None:
        records = [encode(Envelope.of(event, entityversion=version_at(at), time=at)) for event, at in events]
        for start in range(0, len(records), _AT_ONCE):
            await self.publisher.send(records[start : start + _AT_ONCE])

    def like(self, actor: int, *, on: bool = True) -> tuple[Event, datetime]:
        at, of = self.at(), {"post_id": self.post, "post_author_id": self.author, "account_id": actor}
        return (PostLiked(**of, liked_at=at) if on else PostUnliked(**of, unliked_at=at)), at

    def comment(self, actor: int, comment_id: int, *, deleted: bool = False) -> tuple[Event, datetime]:
        at = self.at()
        of: dict[str, Any] = {
            "post_id": self.post,
            "post_author_id": self.author,
            "account_id": actor,
            "comment_id": comment_id,
            "parent_id": None,
        }
        if deleted:
            return CommentDeleted(**of, deleted_by=actor, deleted_at=at), at
        return CommentCreated(**of, parent_author_id=None, text="", mentions=(), created_at=at), at

    def block(self, blocker: int, blocked: int, *, on: bool = True) -> tuple[Event, datetime]:
        at, of = self.at(), {"blocker_id": blocker, "blocked_id": blocked}
        return (BlockCreated(**of, created_at=at) if on else BlockDeleted(**of, deleted_at=at)), at

    def mute(self, muter: int, muted: int) -> tuple[Event, datetime]:
        at = self.at()
        return MuteCreated(muter_id=muter, muted_id=muted, created_at=at), at

    async def groups(self) -> Groups:
        """What the author can see, by kind, without versions."""
        rows = await self.database.execute("SELECT * FROM notification_groups WHERE account_id = ?", self.author)
        left_out = ("version", "account_id", "recent")
        return {
            row["group_id"]: {name: value for name, value in row.items() if name not in left_out}
            for row in rows
            if row["count"]
        }

    async def eventually(self, expected: Mapping[str, list[int]], within: float = 60) -> Groups:
        """Waits until the author sees exactly these actors, by group."""

        def seen(groups: Groups) -> dict[str, list[int]]:
            return {name: list(group["actors"]) for name, group in groups.items()}

        return await eventually(self.groups, until=lambda groups: seen(groups) == expected, within=within, every=0.2)

    def twin(self) -> Scene:
        """Another post of somebody else, of the same moment."""
        twin = Scene(self.publisher, self.database, self.new_id)
        twin.author, twin.post = self.author + 1, self.post + 1
        return twin

    def repeated(self, happened: tuple[Event, datetime], *, comment_id: int) -> tuple[Event, datetime]:
        """The same event of this post."""
        event, at = happened
        changes = {"post_id": self.post, "post_author_id": self.author}
        if isinstance(event, CommentCreated):
            changes["comment_id"] = comment_id
        return event.model_copy(update=changes), at

    @property
    def likes(self) -> str:
        return f"like.{ids.encode('o', self.post)}.0"


@asynccontextmanager
async def running(environment: Environment, module: str, failpoints: str = "") -> AsyncIterator[Any]:
    program = "notification-collector" if module == COLLECTOR else "notification-writer"
    async with process(module, environment(program), port=free_port(), failpoints=failpoints, ready=False) as one:
        yield one
