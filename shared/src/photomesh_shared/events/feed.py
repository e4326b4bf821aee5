"""Events of feeds: the fan-out of a publication, in parts of equal size, what was served, and what was seen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from photomesh_shared import ids
from photomesh_shared.events.envelope import Event, EventModel, UtcTime
from photomesh_shared.ids import PostId, UserId
from photomesh_shared.packed_ids import pack
from photomesh_shared.personal import ACTIVITY, NOT_PERSONAL, RELATION
from photomesh_shared.ranking.features import FEATURE_SCHEMA, pack_features

__all__ = ["FanoutRequested", "FeedServed", "Impression", "ImpressionRecorded", "ImpressionsRecorded"]

_ADA, _GRACE, _POST = 382_764_105_932_316_672, 382_764_211_093_504_000, 382_764_298_916_429_824
_SEEN_AT = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FanoutRequested(Event):
    """A post is to be inserted into the feeds of some of its author's followers. `time` is that of the cause: the
    post's publication, or the author's number of followers falling below the fan-out limit."""

    type_: ClassVar[str] = "photomesh.feed.fanout-requested.v1"
    topic: ClassVar[str] = "feed_tasks"

    # Bytes are base64 in JSON; packed ids take a quarter less than decimal ones, and need no parsing.
    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    post_id: PostId
    author_id: UserId
    part: Annotated[int, NOT_PERSONAL] = Field(
        description="Number of the part, from 1; the total is not known in advance."
    )
    followers: Annotated[bytes, RELATION] = Field(
        description="Up to 1,000 account ids, each a big-endian signed integer of eight bytes; base64 in the "
        "URL-safe alphabet."
    )
    older_remain: Annotated[bool, NOT_PERSONAL] = Field(
        default=False, description="Whether the author has older posts that are not inserted along with this one."
    )

    def partition_key(self) -> str:
        return self.subject()

    def subject(self) -> str:
        return f"{ids.encode('o', self.post_id)}.{self.part}"

    @classmethod
    def example(cls) -> FanoutRequested:
        followers = pack([_GRACE])
        return cls(post_id=_POST, author_id=_ADA, part=1, followers=followers)


class Impression(EventModel):
    """A post that was seen."""

    post_id: PostId
    position: Annotated[int, ACTIVITY] = Field(description="Position in the feed, from 0.")
    mode: Annotated[str, ACTIVITY] = Field(description="`chronological` or `ranked`. More may be added.")
    seen_at: Annotated[UtcTime, ACTIVITY]
    request_id: Annotated[str | None, ACTIVITY] = Field(
        default=None, description="Names the record of `served` that has the post, if it exists: apps can make it up."
    )
    dwell_ms: Annotated[int | None, ACTIVITY] = Field(
        default=None, description="How long the post was on the screen, in milliseconds, as the app says."
    )


class ImpressionsRecorded(Event):
    """An account saw posts in its feed, as reported by the app in one request: unverified, so a post may not exist, and
    may be reported repeatedly. Each report is a separate entity, so `entityversion` is 1."""

    type_: ClassVar[str] = "photomesh.impressions.recorded.v1"
    topic: ClassVar[str] = "impressions"

    account_id: UserId = Field(description="The viewing account.")
    recorded_at: Annotated[UtcTime, ACTIVITY] = Field(description="When the report arrived.")
    impressions: tuple[Impression, ...] = Field(description="In the order of the report; at most 100.")

    def partition_key(self) -> str:
        return ids.encode("u", self.account_id)

    def subject(self) -> str:
        microseconds = int((self.recorded_at - _EPOCH).total_seconds() * 1_000_000)
        return f"{ids.encode('u', self.account_id)}.impressions.{microseconds}"

    @classmethod
    def example(cls) -> ImpressionsRecorded:
        seen = (
            Impression(
                post_id=_POST, position=3, mode="ranked", seen_at=_SEEN_AT, request_id="Zk3vQ0m1", dwell_ms=3200
            ),
            Impression(post_id=_POST + 4096, position=4, mode="ranked", seen_at=_SEEN_AT),
        )
        return cls(account_id=_GRACE, recorded_at=_SEEN_AT, impressions=seen)


class ImpressionRecorded(Event):
    """An account saw a post in its feed. Superseded by `photomesh.impressions.recorded.v1`, which has all impressions
    of a report in one record; not published any more, though the topic may still have some."""

    type_: ClassVar[str] = "photomesh.impression.recorded.v1"
    topic: ClassVar[str] = "impressions"

    account_id: UserId = Field(description="The viewing account.")
    post_id: PostId
    position: Annotated[int, ACTIVITY] = Field(description="Position in the feed, from 0.")
    mode: Annotated[str, ACTIVITY] = Field(description="`chronological` or `ranked`. More may be added.")
    seen_at: Annotated[UtcTime, ACTIVITY]

    def partition_key(self) -> str:
        return ids.encode("u", self.account_id)

    def subject(self) -> str:
        return f"{ids.encode('o', self.post_id)}.{ids.encode('u', self.account_id)}.impression"

    @classmethod
    def example(cls) -> ImpressionRecorded:
        return cls(account_id=_GRACE, post_id=_POST, position=3, mode="ranked", seen_at=_SEEN_AT)


class FeedServed(Event):
    """A ranked order was made for an account, whose pages are served under one request id. Written by the server, so
    that what a model learns from cannot be made up: apps name only request, position and time (`impressions`). Not
    every order has a record: under load they are dropped.

    The lists are columns of equal length, the first position first: at most 60 posts, for deeper ones are rarely seen.
    Suggested posts, which are no candidates of the ranking, are listed apart.
    """

    type_: ClassVar[str] = "photomesh.feed.served.v1"
    topic: ClassVar[str] = "served"

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    account_id: UserId = Field(description="The viewing account.")
    request_id: Annotated[str, ACTIVITY] = Field(description="Unique with the account.")
    served_at: Annotated[UtcTime, ACTIVITY]
    surface: Annotated[str, ACTIVITY] = Field(description="`home`. More may be added.")
    model: Annotated[str, NOT_PERSONAL] = Field(description="The model that ranked: its name, or `weights`.")
    feature_schema: Annotated[str, NOT_PERSONAL] = Field(description="Which features there are, and in which order.")
    post_ids: Annotated[bytes, ACTIVITY] = Field(
        description="Each a big-endian signed integer of eight bytes; base64 in the URL-safe alphabet."
    )
    author_ids: Annotated[bytes, ACTIVITY] = Field(description="Of each post, in the same form.")
    features: Annotated[bytes, ACTIVITY] = Field(
        description="The features of each post as the model saw them, post by post: little-endian floats of two bytes; "
        "base64 in the URL-safe alphabet."
    )
    known_impressions: Annotated[int, ACTIVITY] = Field(
        description="How many impressions of the account were known, as far as its feed is kept."
    )
    swap_position: Annotated[int | None, NOT_PERSONAL] = Field(
        default=None,
        description="In one order of a hundred, a coin decided which of two neighbours comes first: the index in "
        "`post_ids` of the first of them. Each had a chance of 1/2 to be there; all other posts stand where the scores "
        "put them.",
    )
    swapped: Annotated[bool, NOT_PERSONAL] = Field(default=False, description="Whether the coin exchanged them.")
    suggested_ids: Annotated[bytes, ACTIVITY] = Field(
        default=b"",
        description="Posts of accounts that the viewer does not follow, in the form of `post_ids`. Explore chose them, "
        "and not this ranking; when a page is read, some may be left out.",
    )
    suggested_positions: Annotated[tuple[int, ...], NOT_PERSONAL] = Field(
        default=(), description="Of each of `suggested_ids`, from 0. The posts of `post_ids` take the others in turn."
    )

    def partition_key(self) -> str:
        return ids.encode("u", self.account_id)

    def subject(self) -> str:
        return f"{ids.encode('u', self.account_id)}.served.{self.request_id}"

    @classmethod
    def example(cls) -> FeedServed:
        return cls(
            account_id=_GRACE,
            request_id="Zk3vQ0m1",
            served_at=_SEEN_AT,
            surface="home",
            model="20261121T020000Z-3f9c1a7be04d",
            feature_schema=FEATURE_SCHEMA,
            post_ids=pack([_POST, _POST + 4096]),
            author_ids=pack([_ADA, _ADA]),
            features=pack_features([(0.5, 0.25, 0.75, 0, 0.5, 1.5, 0, 2), (0.5, 0.125, 0.5, 0, 0.5, 0, 0, 3)]),
            known_impressions=250,
            swap_position=0,
            suggested_ids=pack([_POST + 8192]),
            suggested_positions=(9,),
        )
