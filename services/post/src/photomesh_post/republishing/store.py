"""What Cassandra says of the things in post's compacted topics."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from photomesh_post.comments.domain import OwnComment
from photomesh_post.comments.store import CassandraComments
from photomesh_post.posts.projection import post_of
from photomesh_post.posts.store import CassandraPosts
from photomesh_post.republishing.states import (
    Stored,
    collection_event,
    comment_event,
    like_event,
    list_event,
    post_event,
    restated,
)
from photomesh_post.saves.store import CassandraSaves
from photomesh_post.tables.rows import FINAL, bucket_of
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, Event
from photomesh_shared.events.versions import next_version
from photomesh_shared.ids import decode, encode
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["StoredThings"]


class StoredThings:
    """Every method raises DatabaseUnavailable when no answer comes."""

    def __init__(self, session: CassandraSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._posts = CassandraPosts(session, clock)
        self._comments = CassandraComments(session)
        self._saves = CassandraSaves(session)
        self._owners: dict[int, int] = {}

    # All things, with their versions

    async def of_topic(self, topic: str) -> AsyncGenerator[Stored, None]:
        """All things of a topic, also those that have ended."""
        scans = {"posts": (self._all_posts,), "engagement": (self._all_comments, self._all_likes)}
        for scan in scans.get(topic, (self._all_collections, self._all_lists)):
            async for stored in scan():
                yield stored

    async def _all_posts(self) -> AsyncGenerator[Stored, None]:
        async for row in self._session.rows("SELECT * FROM posts"):
            if post := post_of(row):
                yield Stored(encode("o", post.id).encode(), post.version, post.deleted)

    async def _all_comments(self) -> AsyncGenerator[Stored, None]:
        cql = "SELECT comment_id, post_id, deleted, WRITETIME(post_id) AS version FROM comments"
        async for row in self._session.rows(cql):
            if row["post_id"] is not None:
                ended = bool(row["deleted"])
                yield Stored(encode("c", row["comment_id"]).encode(), None if ended else row["version"], ended)

    async def _all_likes(self) -> AsyncGenerator[Stored, None]:
        subject, prefix = 0, ""
        async for row in self._session.rows("SELECT subject_id, account_id, liked, version FROM likes"):
            if row["account_id"] is None:  # a partition with a count and no rows
                continue
            if row["subject_id"] != subject:
                subject = row["subject_id"]
                prefix = encode("c" if await self._comments.comment(subject) else "o", subject)
            yield Stored(f"{prefix}:{encode('u', row['account_id'])}".encode(), row["version"], not row["liked"])

    async def _all_collections(self) -> AsyncGenerator[Stored, None]:
        """And remembers whose they are: lists and topic name a collection by its own id."""
        cql = "SELECT account_id, collection_id, name, deleted, WRITETIME(name) AS version FROM collections"
        async for row in self._session.rows(cql):
            self._owners[row["collection_id"]] = row["account_id"]
            if row["version"] is not None:
                ended = bool(row["deleted"])
                yield Stored(encode("k", row["collection_id"]).encode(), None if ended else row["version"], ended)

    async def _all_lists(self) -> AsyncGenerator[Stored, None]:
        async for row in self._session.rows("SELECT list_id, post_id, kept, version FROM saves"):
            if row["post_id"] is not None and row["version"] is not None:
                prefix = encode("k" if row["list_id"] in self._owners else "u", row["list_id"])
                yield Stored(f"{prefix}:{encode('o', row['post_id'])}".encode(), row["version"], not row["kept"])

    # One thing, as it is now

    async def current(self, key: bytes, *, above: int) -> Envelope[Event] | None:
        """The event that says what the tables say of a key. Its version is the stored one, or the next above if the
        tables have none. None if what it is about is unknown."""
        parts = key.decode().split(":")
        kinds = "".join(part.partition("_")[0] for part in parts)
        numbers = [decode(part.partition("_")[0], part) for part in parts]
        next_ = next_version(above, self._clock.now())
        found: tuple[Event, int] | None
        match kinds:
            case "o":
                found = await self._post(numbers[0])
            case "c":
                found = await self._comment(numbers[0], next_)
            case "ou" | "cu":
                found = await self._like(numbers[0], numbers[1])
            case "k":
                found = await self._collection(numbers[0], next_)
            case _:
                found = await self._listed(numbers[0], numbers[1])
        return restated(*found) if found else None

    async def _post(self, post_id: int) -> tuple[Event, int] | None:
        post = await self._posts.post(post_id)
        return (post_event(post), post.version) if post else None

    async def _comment(self, comment_id: int, next_: int) -> tuple[Event, int] | None:
        comment = await self._comments.comment(comment_id)
        post = await self._posts.post(comment.post_id) if comment else None
        if comment is None or post is None:
            return None
        parent = await self._comments.comment(comment.parent_id) if comment.parent_id else None
        if comment.deleted:
            return comment_event(comment, None, post, parent, next_), next_
        texts = await self._comments.texts([OwnComment(comment.id, comment.post_id, comment.parent_id)])
        [row] = await self._session.execute(
            "SELECT WRITETIME(post_id) AS version FROM comments WHERE comment_id = ?", comment_id
        )
        if comment_id not in texts:
            return None
        return comment_event(comment, texts[comment_id], post, parent, row["version"]), row["version"]

    async def _like(self, subject_id: int, account_id: int) -> tuple[Event, int] | None:
        comment = await self._comments.comment(subject_id)
        post = await self._posts.post(comment.post_id if comment else subject_id)
        rows = await self._session.execute(
            "SELECT liked, version FROM likes WHERE subject_id = ? AND bucket = ? AND account_id = ?",
            subject_id,
            bucket_of(account_id),
            account_id,
        )
        if post is None or not rows:
            return None
        version = rows[0]["version"]
        return like_event(account_id, post, comment, version, liked=rows[0]["liked"]), version

    async def _collection(self, collection_id: int, next_: int) -> tuple[Event, int] | None:
        owner_id = self._owners[collection_id]
        [row] = await self._session.execute(
            "SELECT name, deleted, WRITETIME(name) AS version FROM collections"
            " WHERE account_id = ? AND collection_id = ?",
            owner_id,
            collection_id,
        )
        version = next_ if row["version"] == FINAL else row["version"]
        return collection_event(owner_id, collection_id, None if row["deleted"] else row["name"], version), version

    async def _listed(self, list_id: int, post_id: int) -> tuple[Event, int] | None:
        membership = (await self._saves.memberships(list_id, [post_id])).get(post_id)
        if membership is None:
            return None
        owner_id = self._owners.get(list_id)
        event = list_event(list_id, owner_id, post_id, membership.version, kept=membership.present)
        return event, membership.version
