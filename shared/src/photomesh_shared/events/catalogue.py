"""The topic catalogue, from which topics, AsyncAPI and `docs/events.md` are generated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

__all__ = [
    "COMPACTION_LAG",
    "COMPACTION_LIMIT",
    "COMPRESSION",
    "DEAD_LETTER_RETENTION",
    "DEAD_LETTER_RETENTION_BYTES",
    "DEFAULT_MAX_RECORD_BYTES",
    "TOMBSTONE_RETENTION",
    "TOPICS",
    "Topic",
    "dead_letter_topic",
    "segment_ms",
]

DEFAULT_MAX_RECORD_BYTES = 1_048_576
COMPRESSION = "lz4"
"""Brokers compress all topics: every client reads it, and it costs the least CPU on either side."""
COMPACTION_LAG = timedelta(days=7)
"""Nothing younger is compacted: a subscriber that is at most so far behind sees every event."""
COMPACTION_LIMIT = timedelta(days=8)
"""What has been superseded or has ended is compacted away by then."""
TOMBSTONE_RETENTION = timedelta(days=7)
"""Tombstones stay so long after their key has been compacted, so that a slow rebuild does not miss them."""
DEAD_LETTER_RETENTION = timedelta(days=30)
DEAD_LETTER_RETENTION_BYTES = 1 << 30

_COMPACTED_SEGMENT = timedelta(days=1)
_GIB = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic and its guarantees to subscribers."""

    name: str
    summary: str
    owner: str
    """The only deployable that publishes to it."""
    types: tuple[str, ...]
    consumers: tuple[str, ...]
    """Consumer groups of the platform itself; each has a dead-letter topic."""
    key: str
    """What the records' keys are."""
    owner_id: str
    """What partitions are chosen by: the records of one owner are in one partition (`partitioning`)."""
    order: str
    cleanup: Literal["delete", "compact"]
    """`compact`: the latest record of a key is the whole state of one thing, and stays. `delete`: records are events
    that are kept for `retention`."""
    retention: timedelta | None = None
    retention_bytes: int | None = None
    """Of a partition; its oldest records are dropped beyond it, even before `retention`."""
    rebuild: str
    """What a new subscriber can build from the topic, and how."""
    personal_data: str
    freshness: str
    partitions: int = 12
    """Unless the setting `KAFKA_PARTITIONS` has another number for the topic."""
    max_record_bytes: int = DEFAULT_MAX_RECORD_BYTES

    def __post_init__(self) -> None:
        if (self.cleanup == "delete") != (self.retention is not None and self.retention_bytes is not None):
            raise ValueError(f"{self.name}: events need a retention in time and bytes, states must not have any")

    @property
    def is_compacted(self) -> bool:
        return self.cleanup == "compact"

    @property
    def segment_ms(self) -> int:
        """Time after which a segment is closed, in milliseconds.

        Kafka deletes whole segments, and compacts and deletes only closed ones: with its default of seven days, a day
        would become eight.
        """
        return segment_ms(self.retention or _COMPACTED_SEGMENT * 24)

    @property
    def retention_in_words(self) -> str:
        """How long records stay, and why the topic does not grow without bound."""
        if self.retention is None or self.retention_bytes is None:
            return (
                f"every record for {COMPACTION_LAG.days} days; then the latest of each key as long as its thing exists,"
                f" and the others are gone after {COMPACTION_LIMIT.days} days, so the size is that of what exists"
            )
        days = "a day" if self.retention == timedelta(days=1) else f"{self.retention.days} days"
        return f"{days}, and at most {self.retention_bytes // _GIB} GiB a partition"


def segment_ms(retention: timedelta) -> int:
    """Return the length of a segment in milliseconds, so that records outlive `retention` by a 24th of it at most, or
    by an hour."""
    return max(retention / 24, timedelta(hours=1)) // timedelta(milliseconds=1)


def dead_letter_topic(topic: str, group: str) -> str:
    """Return the topic for a group's dead letters of a topic."""
    return f"{topic}.{group}.dlt"


_OWNER_ORDER = "All events of one account's photos in this topic, in the order of occurrence."
_WHOLE = "Everything, from the earliest record: the latest record of each key is the whole state of its thing."
_EVENTS = "Only what happened within the retention."

_ALL = (
    Topic(
        name="accounts",
        summary="Accounts and their public profiles. The latest record of a key has the account's whole public state.",
        owner="identity",
        types=("photomesh.account.registered.v1", "photomesh.account.updated.v1"),
        consumers=("post", "social-graph", "feed"),
        key="account id",
        owner_id="account id",
        order="All events of one account, in the order of occurrence.",
        cleanup="compact",
        rebuild=_WHOLE,
        personal_data="Username, display name, bio, avatar. Never e-mail addresses or credentials.",
        freshness="Within a second of the answer to the request (outbox).",
    ),
    Topic(
        name="photos_uploaded",
        summary="Completed uploads, whose photos wait to be processed; later, that the time of unused photos is over.",
        owner="upload",
        types=("photomesh.photo.uploaded.v1", "photomesh.photo.retention-elapsed.v1"),
        consumers=("media-worker", "post"),
        key="account id of the photo's owner",
        owner_id="account id of the photo's owner",
        order=_OWNER_ORDER,
        cleanup="delete",
        retention=timedelta(days=7),
        retention_bytes=16 * _GIB,
        rebuild=_EVENTS,
        personal_data="The file's name as the client gave it; where the raw photo lies (not public).",
        freshness="Within a second of the answer to the request (outbox).",
    ),
    Topic(
        name="photos_reprocess",
        summary="Requests to reprocess photos, in bulk and with lower priority than new uploads.",
        owner="upload",
        types=("photomesh.photo.reprocess-requested.v1",),
        consumers=("media-worker-reprocess",),
        key="account id of the photo's owner",
        owner_id="account id of the photo's owner",
        order=_OWNER_ORDER,
        cleanup="delete",
        retention=timedelta(days=7),
        retention_bytes=16 * _GIB,
        rebuild=_EVENTS,
        personal_data="The file's name as the client gave it; where the raw photo lies (not public).",
        freshness="Within a second of the request (outbox); processing has no time limit.",
    ),
    Topic(
        name="photo_ready",
        summary="Processed photos: public sizes, dimensions, hashes, placeholder and metadata.",
        owner="media-worker",
        types=("photomesh.photo.ready.v1",),
        consumers=("post",),
        key="account id of the photo's owner",
        owner_id="account id of the photo's owner",
        order=_OWNER_ORDER,
        cleanup="delete",
        retention=timedelta(days=30),
        retention_bytes=16 * _GIB,
        rebuild=_EVENTS,
        personal_data="Camera and time of the photo. Never the location.",
        freshness="Once all sizes are stored: within two seconds of the upload's completion, without load.",
    ),
    Topic(
        name="photo_rejected",
        summary="Photos rejected because of their content or format; the reason tells the owner what to do.",
        owner="media-worker",
        types=("photomesh.photo.rejected.v1",),
        consumers=("post",),
        key="account id of the photo's owner",
        owner_id="account id of the photo's owner",
        order=_OWNER_ORDER,
        cleanup="delete",
        retention=timedelta(days=30),
        retention_bytes=16 * _GIB,
        rebuild=_EVENTS,
        personal_data="None beyond ids.",
        freshness="As soon as the photo has been inspected.",
    ),
    Topic(
        name="photo_failed",
        summary="Photos that could not be processed because of an error of the platform, after the last retry.",
        owner="media-worker",
        types=("photomesh.photo.failed.v1",),
        consumers=("post",),
        key="account id of the photo's owner",
        owner_id="account id of the photo's owner",
        order=_OWNER_ORDER,
        cleanup="delete",
        retention=timedelta(days=30),
        retention_bytes=16 * _GIB,
        rebuild=_EVENTS,
        personal_data="None beyond ids.",
        freshness="After the last retry, which may be minutes after the upload.",
    ),
    Topic(
        name="posts",
        summary="The lifecycle of posts; the post service's tables are a projection of this log.",
        owner="post",
        types=(
            "photomesh.post.created.v1",
            "photomesh.post.published.v1",
            "photomesh.post.failed.v1",
            "photomesh.post.edited.v1",
            "photomesh.post.deleted.v1",
        ),
        consumers=("post", "feed"),
        key="post id",
        owner_id="account id of the post's author",
        order="All events of one author's posts, in the order of occurrence.",
        cleanup="compact",
        rebuild=_WHOLE,
        personal_data="Captions, mentions, place and alt texts, as published by the author.",
        freshness="Before the answer to the request: the log is written first.",
    ),
    Topic(
        name="follows",
        summary="Follows, follow requests, blocks and mutes.",
        owner="social-graph",
        types=(
            "photomesh.follow.created.v1",
            "photomesh.follow.deleted.v1",
            "photomesh.follow.requested.v1",
            "photomesh.follow.request-closed.v1",
            "photomesh.block.created.v1",
            "photomesh.block.deleted.v1",
            "photomesh.mute.created.v1",
            "photomesh.mute.deleted.v1",
        ),
        consumers=("post", "feed"),
        key="the two account ids and what is between them: `u_…:u_…:follow` (also a request), `:block` or `:mute`",
        owner_id="account id of the first of the pair: the follower, blocker or muter",
        order="All actions of one account on others, in the order of occurrence.",
        cleanup="compact",
        rebuild=_WHOLE,
        personal_data="Relations between accounts. Blocks and mutes are private to the account that made them.",
        freshness="Within a second of the answer to the request (outbox).",
    ),
    Topic(
        name="engagement",
        summary="Likes and comments; the post service's counts and lists are a projection of this log.",
        owner="post",
        types=(
            "photomesh.post.liked.v1",
            "photomesh.post.unliked.v1",
            "photomesh.comment.created.v1",
            "photomesh.comment.deleted.v1",
            "photomesh.comment.liked.v1",
            "photomesh.comment.unliked.v1",
        ),
        consumers=("post-engagement", "feed"),
        key="`o_…:u_…` for an account's like of a post, `c_…` for a comment, `c_…:u_…` for a like of a comment",
        owner_id="post id",
        order="All events of one post and its comments, in the order of occurrence.",
        cleanup="compact",
        rebuild=_WHOLE,
        personal_data="Likes by account, and the text of comments.",
        freshness="Before the answer to the request: the log is written first.",
    ),
    Topic(
        name="saves",
        summary="Saved posts and their collections; each account's lists are a projection of this log.",
        owner="post",
        types=(
            "photomesh.post.saved.v1",
            "photomesh.post.unsaved.v1",
            "photomesh.collection.created.v1",
            "photomesh.collection.renamed.v1",
            "photomesh.collection.deleted.v1",
            "photomesh.collection.post-added.v1",
            "photomesh.collection.post-removed.v1",
        ),
        consumers=("post-engagement", "feed"),
        key="`u_…:o_…` for a saved post, `k_…` for a collection, `k_…:o_…` for a post in a collection",
        owner_id="account id",
        order="All events of one account, in the order of occurrence.",
        cleanup="compact",
        rebuild=_WHOLE,
        personal_data="An account's saved posts and the names of its collections: private to the account.",
        freshness="Before the answer to the request: the log is written first.",
    ),
    Topic(
        name="engagement_counts",
        summary="Counts of likes and comments per post. The latest record of a key supersedes all others.",
        owner="post",
        types=("photomesh.post.counted.v1",),
        consumers=("feed",),
        key="post id",
        owner_id="post id",
        order="All counts of one post, in order.",
        cleanup="compact",
        rebuild=_WHOLE,
        personal_data="None beyond ids.",
        freshness="Within two seconds of the like or comment; bursts of likes are coalesced.",
    ),
    Topic(
        name="feed_tasks",
        summary="feed's internal work: a post and up to 1,000 followers whose feeds it is inserted into.",
        owner="feed",
        types=("photomesh.feed.fanout-requested.v1",),
        consumers=("feed-fanout",),
        key="post id and part number",
        owner_id="post id and part number, so that the parts of one post are spread over all consumers",
        order="None: parts are independent.",
        cleanup="delete",
        retention=timedelta(days=1),
        retention_bytes=16 * _GIB,
        rebuild="Nothing: work that is done once.",
        personal_data="Who follows whom.",
        freshness="Within a second of the publication.",
    ),
    Topic(
        name="impressions",
        summary="Posts seen in feeds, as reported by apps. For analysis and for training rankers.",
        owner="feed",
        types=("photomesh.impressions.recorded.v1", "photomesh.impression.recorded.v1"),
        consumers=(),
        key="account id",
        owner_id="account id",
        order="All impressions of one account, in the order in which its apps sent them.",
        cleanup="delete",
        retention=timedelta(days=28),
        retention_bytes=32 * _GIB,
        rebuild=_EVENTS,
        personal_data="Posts seen by account, with times.",
        freshness="Before the answer to the request.",
        max_record_bytes=32 * 1024,
    ),
)

TOPICS = {topic.name: topic for topic in _ALL}
