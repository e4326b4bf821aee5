"""Events of posts that were seen in feeds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from pydantic import Field

from photomesh_shared import ids
from photomesh_shared.events.envelope import Event, UtcTime
from photomesh_shared.ids import PostId, UserId

__all__ = ["ImpressionRecorded"]


class ImpressionRecorded(Event):
    """An account saw a post in its feed, as reported by the app: unverified, so the post may not exist, and may be
    reported repeatedly. Each impression is a separate entity, so `entityversion` is 1."""

    type_: ClassVar[str] = "photomesh.impression.recorded.v1"
    topic: ClassVar[str] = "impressions"

    account_id: UserId = Field(description="The viewing account.")
    post_id: PostId
    position: int = Field(description="Position in the feed, from 0.")
    mode: str = Field(description="`chronological` or `ranked`. More may be added.")
    seen_at: UtcTime

    def partition_key(self) -> str:
        return ids.encode("u", self.account_id)

    def subject(self) -> str:
        return f"{ids.encode('o', self.post_id)}.{ids.encode('u', self.account_id)}.impression"

    @classmethod
    def example(cls) -> ImpressionRecorded:
        return cls(
            account_id=382_764_211_093_504_000,
            post_id=382_764_298_916_429_824,
            position=3,
            mode="ranked",
            seen_at=datetime(2026, 11, 21, 10, 30, tzinfo=UTC),
        )
