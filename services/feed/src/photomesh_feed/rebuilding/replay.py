"""Folds the records of topics into the latest state of each thing, of those that matter to what Redis holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from photomesh_feed.domain.holdings import Holdings
from photomesh_feed.domain.snapshots import Snapshot
from photomesh_shared import ids
from photomesh_shared.events import (
    ACTIVE,
    AccountDeleted,
    AccountErasureRequested,
    AccountRegistered,
    AccountUpdated,
    CommentCreated,
    CommentDeleted,
    Envelope,
    Event,
    FollowCreated,
    FollowDeleted,
    FollowRequestClosed,
    FollowRequested,
    MuteCreated,
    MuteDeleted,
    PostCounted,
    PostDeleted,
    PostEdited,
    PostLiked,
    PostPublished,
    PostSaved,
    PostUnliked,
    PostUnsaved,
    Record,
    decode_or_skip,
)

__all__ = ["TOPICS_OF_FEED", "Replay", "States"]

TOPICS_OF_FEED = ("accounts", "follows", "posts", "engagement", "saves", "engagement_counts", "erasures")
_FINAL = 1 << 62
"""The version of an end after which nothing comes."""

K = TypeVar("K")
V = TypeVar("V")
Pair = tuple[int, int]


class States(Generic[K, V]):
    """The state of the highest version of each thing; None: it has ended."""

    def __init__(self) -> None:
        self._states: dict[K, tuple[int, V | None]] = {}

    def put(self, key: K, version: int, value: V | None) -> None:
        known = self._states.get(key)
        if known is None or version >= known[0]:
            self._states[key] = version, value

    def get(self, key: K) -> V | None:
        return self._states.get(key, (0, None))[1]

    def version(self, key: K) -> int:
        return self._states.get(key, (0, None))[0]

    def existing(self) -> Iterator[tuple[K, V]]:
        for key, (_, value) in self._states.items():
            if value is not None:
                yield key, value


class Replay:
    """Keeps what is needed to judge `held`, and nothing else of the topics."""

    def __init__(self, held: Holdings, cdn_url: str) -> None:
        self.accounts = States[int, dict[str, str]]()
        self.follows = States[Pair, bool]()
        self.mutes = States[Pair, bool]()
        self.authors = States[int, int]()
        """The author of each published post."""
        self.snapshots = States[int, Snapshot]()
        self.counts = States[int, Pair]()
        self.likes = States[Pair, bool]()
        """By account and post."""
        self.saves = States[Pair, bool]()
        self.comments = States[Pair, bool]()
        """By account and comment."""
        self._held = held
        self._cdn_url = cdn_url
        states = [s for reader in held.readers.values() for s in (reader.likes, reader.saves) if s is not None]
        self._posts = held.posts.keys() | {post for one in states for post in one.active}
        followed = {author for reader in held.readers.values() for author in reader.following}
        self._authors = followed | held.timelines.keys()
        self._accounts = held.accounts.keys() | held.readers.keys()

    def take(self, record: Record) -> None:
        """Apply a record, if it holds an event or ends something."""
        if record.is_tombstone:
            self._end(record)
        elif envelope := decode_or_skip(record):
            self.apply(envelope)

    def apply(self, envelope: Envelope[Any]) -> None:
        """Apply an event; one that changes nothing that is held is skipped."""
        version = envelope.entityversion
        match envelope.data:
            case AccountRegistered() | AccountUpdated() as account:
                if account.user_id in self._accounts:
                    self.accounts.put(account.user_id, version, _fields(account))
            case AccountDeleted() | AccountErasureRequested() as account:
                self.accounts.put(account.user_id, _FINAL, None)
            case FollowCreated() | FollowDeleted() | FollowRequested() | FollowRequestClosed() as follow:
                self._relate(self.follows, follow.pair(), version, follows=isinstance(follow, FollowCreated))
            case MuteCreated() | MuteDeleted() as mute:
                self._relate(self.mutes, mute.pair(), version, follows=isinstance(mute, MuteCreated))
            case PostPublished() | PostEdited() as post:
                if post.post_id in self._posts or post.author_id in self._authors:
                    self._publish(post, version)
            case PostDeleted() as post:
                self._end_post(post.post_id)
            case PostCounted() as counted:
                if counted.post_id in self._posts:
                    self.counts.put(counted.post_id, version, (counted.likes, counted.comments))
            case PostLiked() | PostUnliked() as like:
                self._engage(self.likes, (like.account_id, like.post_id), version, like)
            case PostSaved() | PostUnsaved() as save:
                self._engage(self.saves, (save.account_id, save.post_id), version, save)
            case CommentCreated() | CommentDeleted() as comment:
                self._engage(self.comments, (comment.account_id, comment.comment_id), version, comment)

    def _relate(self, to: States[Pair, bool], pair: Pair, version: int, *, follows: bool) -> None:
        if pair[0] in self._held.readers:
            to.put(pair, version, True if follows else None)

    def _engage(self, to: States[Pair, bool], key: Pair, version: int, event: Event) -> None:
        if key[0] in self._held.readers:
            to.put(key, version, None if event.ends else True)

    def _publish(self, post: PostPublished | PostEdited, version: int) -> None:
        if isinstance(post, PostPublished):
            snapshot: Snapshot | None = Snapshot.of_publication(post, version, self._cdn_url)
        else:
            snapshot, before = (
                Snapshot.of_edited_post(post, version, self._cdn_url),
                self.snapshots.get(post.post_id),
            )
            if snapshot is None and before is not None:  # an edit from before edits had all of the post
                snapshot = Snapshot.of_edit(before.static, post, version)
        if snapshot is None:
            return
        self.authors.put(post.post_id, version, post.author_id)
        if post.post_id in self._held.posts:
            self.snapshots.put(post.post_id, version, snapshot)

    def _end_post(self, post_id: int) -> None:
        if self.authors.version(post_id) or post_id in self._posts:
            self.authors.put(post_id, _FINAL, None)
            self.snapshots.put(post_id, _FINAL, None)

    def _end(self, record: Record) -> None:
        """Apply a tombstone. That of an event of its own changes nothing more, but the event may be compacted away. One
        without `ce_endedby` removes a key that a thing has left."""
        if record.key is None or record.header("ce_endedby") is None:
            return
        kinds, found = zip(*((part[:1], _id_in(part)) for part in record.key.decode().split(":")[:2]), strict=True)
        version = int(record.header("ce_entityversion") or 0)
        match record.topic, kinds:
            case "accounts", _:
                self.accounts.put(found[0], _FINAL, None)
            case "posts", _:
                self._end_post(found[0])
            case "follows", _:
                to = self.follows if record.key.endswith(b":follow") else self.mutes
                if not record.key.endswith(b":block"):
                    self._relate(to, (found[0], found[1]), version, follows=False)
            case "engagement", ("o", "u"):
                self._end_engagement(self.likes, (found[1], found[0]), record)
            case "saves", ("u", "o"):
                self._end_engagement(self.saves, (found[0], found[1]), record)

    def _end_engagement(self, of: States[Pair, bool], key: Pair, record: Record) -> None:
        """What ends with its post or its account has a tombstone alone."""
        if key[0] in self._held.readers:
            own = record.header("ce_endedby") in (PostUnliked.type_, PostUnsaved.type_)
            of.put(key, int(record.header("ce_entityversion") or 0) if own else _FINAL, None)


def _id_in(part: str) -> int:
    """Return the id in a part of a key, whatever it is of."""
    return ids.decode(part.partition("_")[0], part)


def _fields(account: AccountRegistered | AccountUpdated) -> dict[str, str]:
    return {
        "username": account.username,
        "display_name": account.display_name,
        "avatar_url": account.avatar_url or "",
        "private": "1" if account.private else "0",
        "hidden": "0" if account.status == ACTIVE else "1",
    }
