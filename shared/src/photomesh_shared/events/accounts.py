"""Events of accounts. Each carries the whole public state, because the topic is compacted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from pydantic import Field

from photomesh_shared import ids
from photomesh_shared.events.envelope import Event, UtcTime
from photomesh_shared.ids import UserId

__all__ = ["AccountRegistered", "AccountUpdated"]


class _Account(Event):
    topic: ClassVar[str] = "accounts"

    user_id: UserId
    username: str = Field(description="Unique, lower case.", examples=["ada"])
    display_name: str
    bio: str
    private: bool = Field(description="Whether only approved followers see the account's posts.")
    avatar_url: str | None = Field(description="CDN URL of a public size of one of the account's photos.")
    registered_at: UtcTime

    def partition_key(self) -> str:
        return ids.encode("u", self.user_id)

    def subject(self) -> str:
        return ids.encode("u", self.user_id)


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
    """The public profile or the privacy of an account changed."""

    type_: ClassVar[str] = "photomesh.account.updated.v1"

    updated_at: UtcTime

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
