"""Who likes a post or a comment, and how many: which likes are counted. Pure.

A subject is a post or a comment. Its likes are counted in buckets, by account; a bucket is one partition, and what is
counted is remembered account by account. So an event that comes again changes nothing, and the newest of an account's
events wins in whatever order they come.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from photomesh_post.posts.domain import Reactions
from photomesh_shared.events import CommentLiked, CommentUnliked, Envelope, PostLiked, PostUnliked

__all__ = ["BUCKETS", "NEVER", "Bucket", "Counts", "Like", "LikeEvent", "Reactions", "bucket_of", "newest", "reactions"]

LikeEvent = PostLiked | PostUnliked | CommentLiked | CommentUnliked

BUCKETS = 16


def bucket_of(account_id: int) -> int:
    """Of the account's likes. The ids themselves would not do: their low bits are mostly zero."""
    return zlib.crc32(account_id.to_bytes(8, "big")) % BUCKETS


class Like(NamedTuple):
    """What one account says of a subject. The larger is the newer; should two versions be the same, it is liked, which
    is also what Cassandra makes of two such cells."""

    version: int = 0
    liked: bool = False


NEVER = Like()


@dataclass(frozen=True)
class Bucket:
    """`likes` are those that were asked for, as far as there are any; `revision` grows by one with every change."""

    count: int = 0
    revision: int = 0
    likes: Mapping[int, Like] = field(default_factory=dict)

    def after(self, said: Mapping[int, Like]) -> Bucket:
        """With what these accounts said; itself if all of it is counted."""
        news = {account: like for account, like in said.items() if like > self.likes.get(account, NEVER)}
        if not news:
            return self
        more = sum(like.liked - self.likes.get(account, NEVER).liked for account, like in news.items())
        return Bucket(self.count + more, self.revision + 1, {**self.likes, **news})


def newest(envelopes: Iterable[Envelope[LikeEvent]]) -> dict[int, dict[int, dict[int, Like]]]:
    """The newest of what each account says, by subject and bucket."""
    said: defaultdict[int, defaultdict[int, dict[int, Like]]] = defaultdict(lambda: defaultdict(dict))
    for envelope in envelopes:
        event = envelope.data
        subject_id = event.comment_id if isinstance(event, CommentLiked | CommentUnliked) else event.post_id
        like = Like(envelope.entityversion, isinstance(event, PostLiked | CommentLiked))
        bucket = said[subject_id][bucket_of(event.account_id)]
        bucket[event.account_id] = max(like, bucket.get(event.account_id, NEVER))
    return {subject_id: dict(buckets) for subject_id, buckets in said.items()}


@dataclass(frozen=True)
class Counts:
    """What is counted of a subject, each by partition. `version` numbers what was published."""

    by_bucket: Mapping[int, int] = field(default_factory=dict)
    by_month: Mapping[int, int] = field(default_factory=dict)
    version: int = 0

    @property
    def likes(self) -> int:
        return sum(self.by_bucket.values())

    @property
    def comments(self) -> int:
        """Of a post with replies, of a comment its replies."""
        return sum(self.by_month.values())


def reactions(counts: Counts, viewer_id: int, said: Like, counted: Bucket | None) -> Reactions:
    """To somebody who said so, and of whom that is counted.

    Their own like shows at once, so it is added as long as it is not counted. Whether it is, only the bucket says whose
    row it is in, and not the counts, which follow a moment later; so that bucket's count is taken where there is a row.
    `counts` must have been read before: then they do not know of a row that was not there.
    """
    by_bucket = dict(counts.by_bucket)
    known = NEVER
    if counted:
        by_bucket[bucket_of(viewer_id)] = counted.count
        known = counted.likes.get(viewer_id, NEVER)
    liked = max(said, known).liked
    return Reactions(sum(by_bucket.values()) + liked - known.liked, counts.comments, liked)
