"""Likes of posts and comments, and which of them are counted. Pure.

A subject is a post or a comment. Its likes are counted in buckets, by account. A bucket is one partition, and remembers
account by account what is counted. So a repeated event changes nothing, and the newest of an account's events wins in
whatever order they arrive.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from photomesh_post.counts.domain import Counts, PartitionRef, Reactions, ReactionVersions
from photomesh_post.tables.rows import BUCKETS, bucket_of
from photomesh_shared.events import CommentLiked, CommentUnliked, Envelope, PostLiked, PostUnliked

__all__ = [
    "BUCKETS",
    "NEVER",
    "Bucket",
    "CommentTarget",
    "Like",
    "LikeEvent",
    "OwnLike",
    "bucket_of",
    "newest_likes",
    "reactions",
]

LikeEvent = PostLiked | PostUnliked | CommentLiked | CommentUnliked


class Like(NamedTuple):
    """Whether an account likes a subject. The larger is the newer; of two with the same version the like is larger,
    which is also how Cassandra decides between two such cells."""

    version: int = 0
    liked: bool = False


NEVER = Like()


class OwnLike(NamedTuple):
    """A like in its account's list: of a post or of a comment."""

    subject_id: int
    like: Like


class CommentTarget(NamedTuple):
    """A comment to like."""

    comment_id: int
    comment_author_id: int
    post_id: int
    post_author_id: int


@dataclass(frozen=True)
class Bucket:
    """`likes` are those of the accounts that were asked for, as far as they are counted; `revision` grows by one with
    every change."""

    count: int = 0
    revision: int = 0
    likes: Mapping[int, Like] = field(default_factory=dict)

    def after(self, likes: Mapping[int, Like]) -> Bucket:
        """The bucket with these likes counted, by account; itself if all of them are."""
        news = {account: like for account, like in likes.items() if like > self.likes.get(account, NEVER)}
        if not news:
            return self
        more = sum(like.liked - self.likes.get(account, NEVER).liked for account, like in news.items())
        return Bucket(self.count + more, self.revision + 1, {**self.likes, **news})

    def without(self, account_ids: Collection[int]) -> Bucket:
        """The bucket without these accounts' rows; itself if there are none."""
        gone = [self.likes[account_id] for account_id in account_ids if account_id in self.likes]
        if not gone:
            return self
        rest = {account_id: like for account_id, like in self.likes.items() if account_id not in account_ids}
        return Bucket(self.count - sum(like.liked for like in gone), self.revision + 1, rest)


def newest_likes(envelopes: Iterable[Envelope[LikeEvent]]) -> dict[PartitionRef, dict[int, Like]]:
    """The newest like of each account, by bucket and account."""
    likes: defaultdict[PartitionRef, dict[int, Like]] = defaultdict(dict)
    for envelope in envelopes:
        event = envelope.data
        subject_id = event.comment_id if isinstance(event, CommentLiked | CommentUnliked) else event.post_id
        like = Like(envelope.entityversion, isinstance(event, PostLiked | CommentLiked))
        bucket = likes[PartitionRef(subject_id, bucket_of(event.account_id))]
        bucket[event.account_id] = max(like, bucket.get(event.account_id, NEVER))
    return dict(likes)


def reactions(counts: Counts, viewer_id: int, own: Like, counted: Bucket | None) -> Reactions:
    """What a viewer is shown whose own like is `own`, and of whom `counted` is counted.

    An own like shows at once, so it is added as long as it is not counted. Whether it is, only the bucket with its row
    says, and not the copied counts, which follow a moment later; so where there is a row, the bucket's own count is
    used. `counts` must have been read before the bucket: then they do not include a row that was not there.
    """
    by_bucket = dict(counts.by_bucket)
    known = NEVER
    if counted:
        by_bucket[bucket_of(viewer_id)] = counted.count
        known = counted.likes.get(viewer_id, NEVER)
    newest = max(own, known)
    return Reactions(
        sum(by_bucket.values()) + newest.liked - known.liked,
        counts.comments,
        newest.liked,
        versions=ReactionVersions(counts.version, newest.version),
    )
