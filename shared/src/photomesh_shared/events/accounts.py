"""Events of accounts. Those of the topic `accounts` carry the whole public state, because it is compacted.

By `erasures` and `erasure_acknowledgements` an account is erased: the request, and what each consumer group answers.
[docs/erasure.md](../../../../docs/erasure.md) has the protocol; `photomesh_shared.consumer.erasure` follows it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import Field

from photomesh_shared import ids
from photomesh_shared.events.envelope import Event, EventModel, UtcTime
from photomesh_shared.ids import ErasureId, UserId
from photomesh_shared.personal import ACTIVITY, NOT_PERSONAL, PREFERENCE, PROFILE

__all__ = [
    "ACTIVE",
    "EVERYBODY",
    "FOLLOWEES",
    "AccountDeleted",
    "AccountErasureRequested",
    "AccountRegistered",
    "AccountUpdated",
    "ErasureAcknowledged",
    "Kept",
]

ACTIVE = "active"
EVERYBODY, FOLLOWEES = "everybody", "followees"

_USER, _ERASURE = 382_764_105_932_316_672, 5_821_349_071_226_315_776
_AT = datetime(2026, 12, 21, 10, 0, tzinfo=UTC)
_LATER = datetime(2026, 12, 21, 10, 0, 7, tzinfo=UTC)


class _Subject(Event):
    topic: ClassVar[str] = "accounts"

    user_id: UserId

    def partition_key(self) -> str:
        return ids.encode("u", self.user_id)

    def subject(self) -> str:
        return ids.encode("u", self.user_id)


class _Account(_Subject):
    username: Annotated[str, PROFILE] = Field(description="Unique, lower case.", examples=["ada"])
    display_name: Annotated[str, PROFILE]
    bio: Annotated[str, PROFILE]
    private: Annotated[bool, PREFERENCE] = Field(description="Whether only approved followers see the account's posts.")
    avatar_url: Annotated[str | None, PROFILE] = Field(
        description="CDN URL of a public size of one of the account's photos."
    )
    registered_at: Annotated[UtcTime, ACTIVITY]
    status: Annotated[str, PREFERENCE] = Field(
        ACTIVE,
        description="`active`; or `deactivated` or `leaving`, and more may be added: such an account, all that it wrote"
        " and what it did are hidden from everybody but itself, as if it did not exist.",
        examples=[ACTIVE],
    )
    mentionable_by: Annotated[str, PREFERENCE] = Field(
        EVERYBODY,
        description="By whom the account can be mentioned: `everybody`; or `followees`, the accounts that it follows,"
        " and more may be added. A mention by anybody else is text, and names no account.",
        examples=[EVERYBODY],
    )
    searchable: Annotated[bool, PREFERENCE] = Field(
        True,
        description="Whether searches may find the account and its posts, and explore may show these to strangers.",
    )


class AccountRegistered(_Account):
    """An account was registered."""

    type_: ClassVar[str] = "photomesh.account.registered.v1"

    @classmethod
    def example(cls) -> AccountRegistered:
        return cls(
            user_id=382_764_105_932_316_672,
            username="ada",
            display_name="Ada L.",
            bio="",
            private=False,
            avatar_url=None,
            registered_at=datetime(2026, 11, 21, 10, 0, tzinfo=UTC),
        )


class AccountUpdated(_Account):
    """The public profile, the privacy or the status of an account changed."""

    type_: ClassVar[str] = "photomesh.account.updated.v1"

    updated_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> AccountUpdated:
        return cls(
            user_id=382_764_105_932_316_672,
            username="ada",
            display_name="Ada Lovelace",
            bio="Numbers, mostly.",
            private=True,
            avatar_url="https://cdn.example/variants/Zk3vQ0/150.jpg",
            registered_at=datetime(2026, 11, 21, 10, 0, tzinfo=UTC),
            updated_at=datetime(2026, 11, 21, 10, 5, tzinfo=UTC),
        )


class AccountDeleted(_Subject):
    """An account and its public profile were erased. Its posts, likes and follows end with events of their own."""

    type_: ClassVar[str] = "photomesh.account.deleted.v1"
    ends: ClassVar[bool] = True

    deleted_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> AccountDeleted:
        return cls(user_id=382_764_105_932_316_672, deleted_at=datetime(2026, 12, 21, 10, 0, tzinfo=UTC))


class AccountErasureRequested(Event):
    """An account left, its time of grace is over, and everything about it must be erased. Repeated until every group
    has acknowledged it. Its version is above those of the account's earlier events: a subscriber that keeps it
    skips what arrives late."""

    type_: ClassVar[str] = "photomesh.account.erasure-requested.v1"
    topic: ClassVar[str] = "erasures"

    request_id: ErasureId
    user_id: UserId
    requested_at: Annotated[UtcTime, ACTIVITY] = Field(
        description="When the erasure was started; the same in all repetitions."
    )

    def partition_key(self) -> str:
        return ids.encode("u", self.user_id)

    def subject(self) -> str:
        return ids.encode("u", self.user_id)

    @classmethod
    def example(cls) -> AccountErasureRequested:
        return cls(request_id=_ERASURE, user_id=_USER, requested_at=_AT)


class Kept(EventModel):
    """Something about an erased account that a group still has."""

    what: Annotated[str, NOT_PERSONAL] = Field(max_length=200, description="Without personal data.")
    why: Annotated[str, NOT_PERSONAL] = Field(max_length=500)
    until: Annotated[UtcTime | None, NOT_PERSONAL] = Field(
        description="When it is gone; null if that is not a matter of time."
    )


class ErasureAcknowledged(Event):
    """A consumer group has erased what it had of an account. May be repeated: the highest of each count is right."""

    type_: ClassVar[str] = "photomesh.erasure.acknowledged.v1"
    topic: ClassVar[str] = "erasure_acknowledgements"

    request_id: ErasureId
    user_id: UserId
    group: Annotated[str, NOT_PERSONAL] = Field(
        max_length=100, pattern=r"^[a-z0-9][a-z0-9._-]*$", description="The consumer group."
    )
    counts: Annotated[dict[str, int], ACTIVITY] = Field(description="How many things of each kind were erased.")
    done_at: Annotated[UtcTime, NOT_PERSONAL]
    keeps: tuple[Kept, ...] = Field(description="What is still there, why, and until when.")

    def record_key(self) -> str:
        return f"{ids.encode('er', self.request_id)}:{self.group}"

    def partition_key(self) -> str:
        return ids.encode("u", self.user_id)

    def subject(self) -> str:
        return f"{ids.encode('er', self.request_id)}.{self.group}"

    def source(self) -> str:
        return f"/photomesh/{self.group}"

    @classmethod
    def example(cls) -> ErasureAcknowledged:
        kept = Kept(
            what="posts shown in feeds (topic impressions)",
            why="records are kept for 28 days, and cannot be removed one by one",
            until=datetime(2027, 1, 18, 10, 0, tzinfo=UTC),
        )
        counts = {"feeds": 1, "snapshots": 12}
        return cls(request_id=_ERASURE, user_id=_USER, group="feed", counts=counts, done_at=_LATER, keeps=(kept,))
