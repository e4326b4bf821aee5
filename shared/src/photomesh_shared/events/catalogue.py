"""The topic catalogue: the one place from which topics, AsyncAPI and `docs/events.md` are made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

__all__ = ["DEAD_LETTER_RETENTION", "DEFAULT_MAX_RECORD_BYTES", "FOREVER", "TOPICS", "Topic", "dead_letter_topic"]

FOREVER: None = None
DEFAULT_MAX_RECORD_BYTES = 1_048_576
DEAD_LETTER_RETENTION = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic, and what subscribers may rely on."""

    name: str
    summary: str
    owner: str
    """The deployable that publishes it; no other does."""
    types: tuple[str, ...]
    consumers: tuple[str, ...]
    """Consumer groups of the platform itself; each has a dead-letter topic."""
    key: str
    order: str
    retention: timedelta | None
    """How long records stay; None is for ever."""
    cleanup: Literal["delete", "compact"] = "delete"
    personal_data: str
    freshness: str
    partitions: int = 12
    max_record_bytes: int = DEFAULT_MAX_RECORD_BYTES

    @property
    def retention_ms(self) -> int:
        """As Kafka counts it; -1 is for ever."""
        return -1 if self.retention is None else self.retention // timedelta(milliseconds=1)

    @property
    def retention_in_words(self) -> str:
        if self.cleanup == "compact":
            return "the latest record of each key for ever, earlier ones for a day at least"
        if self.retention is None:
            return "for ever"
        return "a day" if self.retention == timedelta(days=1) else f"{self.retention.days} days"


def dead_letter_topic(topic: str, group: str) -> str:
    """Where a group puts the records of a topic that it could not handle."""
    return f"{topic}.{group}.dlt"


_OWNER_ORDER = "All events of one account's photos in this topic, in the order in which they happened."

_ALL = (
    Topic(
        name="accounts",
        summary="Accounts and their public profiles. The latest record of a key is the account's whole public state.",
        owner="identity",
        types=("photomesh.account.registered.v1", "photomesh.account.updated.v1"),
        consumers=("post", "social-graph", "feed"),
        key="account id",
        order="All events of one account, in the order in which they happened.",
        retention=FOREVER,
        cleanup="compact",
        personal_data="Username, display name, bio, avatar. Never e-mail addresses or credentials.",
        freshness="Within a second of the answer to the request (outbox).",
    ),
    Topic(
        name="photos_uploaded",
        summary="An upload is complete: the raw photo is in object storage and waits to be processed.",
        owner="upload",
        types=("photomesh.photo.uploaded.v1",),
        consumers=("media-worker", "post"),
        key="account id of the photo's owner",
        order=_OWNER_ORDER,
        retention=timedelta(days=7),
        personal_data="The file's name as the client gave it; where the raw photo lies (not public).",
        freshness="Within a second of the answer to the request (outbox).",
    ),
    Topic(
        name="photos_reprocess",
        summary="A photo is to be processed again, in bulk and behind the people who wait.",
        owner="upload",
        types=("photomesh.photo.reprocess-requested.v1",),
        consumers=("media-worker-reprocess",),
        key="account id of the photo's owner",
        order=_OWNER_ORDER,
        retention=timedelta(days=7),
        personal_data="The file's name as the client gave it; where the raw photo lies (not public).",
        freshness="Within a second of the request (outbox); the work itself may take as long as it takes.",
    ),
    Topic(
        name="photo_ready",
        summary="A photo was processed: its public sizes, dimensions, hashes, placeholder and metadata.",
        owner="media-worker",
        types=("photomesh.photo.ready.v1",),
        consumers=("post",),
        key="account id of the photo's owner",
        order=_OWNER_ORDER,
        retention=timedelta(days=30),
        personal_data="Camera and time of the shot. Never the location.",
        freshness="As soon as all sizes are stored: within two seconds of the upload's completion, unloaded.",
    ),
    Topic(
        name="photo_rejected",
        summary="A photo was refused for what it is; the reason says what its owner can do.",
        owner="media-worker",
        types=("photomesh.photo.rejected.v1",),
        consumers=("post",),
        key="account id of the photo's owner",
        order=_OWNER_ORDER,
        retention=timedelta(days=30),
        personal_data="None beyond ids.",
        freshness="As soon as the photo has been looked at.",
    ),
    Topic(
        name="photo_failed",
        summary="A photo could not be processed, through no fault of its owner's, and no retry is left.",
        owner="media-worker",
        types=("photomesh.photo.failed.v1",),
        consumers=("post",),
        key="account id of the photo's owner",
        order=_OWNER_ORDER,
        retention=timedelta(days=30),
        personal_data="None beyond ids.",
        freshness="After the last retry, which may be minutes after the upload.",
    ),
    Topic(
        name="posts",
        summary="The life of posts: the log of which the post service's tables are a view.",
        owner="post",
        types=(
            "photomesh.post.created.v1",
            "photomesh.post.published.v1",
            "photomesh.post.failed.v1",
            "photomesh.post.edited.v1",
            "photomesh.post.deleted.v1",
        ),
        consumers=("post", "feed"),
        key="account id of the post's author",
        order="All events of one author's posts, in the order in which they happened.",
        retention=FOREVER,
        personal_data="Captions, mentions, place and alt texts, as their author wrote them for the public.",
        freshness="Before the answer to the request: the log is written first.",
    ),
    Topic(
        name="follows",
        summary="Who follows, asks to follow, blocks and mutes whom.",
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
        key="account id of the first of the pair: the follower, blocker or muter",
        order="All that one account did to others, in the order in which it happened.",
        retention=FOREVER,
        personal_data="Who knows whom. Blocks and mutes are the business of nobody but their maker.",
        freshness="Within a second of the answer to the request (outbox).",
    ),
    Topic(
        name="engagement",
        summary="Likes and comments: the log of which the post service's counts and lists are a view.",
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
        key="post id",
        order="All events about one post and its comments, in the order in which they happened.",
        retention=FOREVER,
        personal_data="Who liked what, and comments as their author wrote them.",
        freshness="Before the answer to the request: the log is written first.",
    ),
    Topic(
        name="saves",
        summary="Saved posts and the collections that they are in: the log of which each account's lists are a view.",
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
        key="account id",
        order="All that one account saved and sorted, in the order in which it happened.",
        retention=FOREVER,
        personal_data="What somebody keeps, and the names of their collections. Nobody else's business.",
        freshness="Before the answer to the request: the log is written first.",
    ),
    Topic(
        name="engagement_counts",
        summary="How many likes and comments each post has. The latest record of a key is all there is to know.",
        owner="post",
        types=("photomesh.post.counted.v1",),
        consumers=("feed",),
        key="post id",
        order="All countings of one post, in order.",
        retention=FOREVER,
        cleanup="compact",
        personal_data="None beyond ids.",
        freshness="Within two seconds of the like or comment; many likes in a moment are counted together.",
    ),
    Topic(
        name="feed_tasks",
        summary="Work of feed's own: a post and up to 1,000 of the followers whose feeds it goes into.",
        owner="feed",
        types=("photomesh.feed.fanout-requested.v1",),
        consumers=("feed-fanout",),
        key="post id and number of the piece, so that the pieces of one post are spread over all consumers",
        order="None: each piece stands for itself.",
        retention=timedelta(days=1),
        personal_data="Who follows whom.",
        freshness="Within a second of the publication.",
    ),
    Topic(
        name="impressions",
        summary="Which posts people saw in their feeds, as their apps say. For analysis and for teaching rankers.",
        owner="feed",
        types=("photomesh.impression.recorded.v1",),
        consumers=(),
        key="account id",
        order="All impressions of one account, in the order in which its apps sent them.",
        retention=timedelta(days=7),
        personal_data="Who saw what, and when.",
        freshness="Before the answer to the request.",
    ),
)

TOPICS = {topic.name: topic for topic in _ALL}
