"""Events of explore: what people say about what it shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import Field

from photomesh_shared import ids
from photomesh_shared.events.envelope import Event, UtcTime
from photomesh_shared.ids import PostId, UserId
from photomesh_shared.personal import ACTIVITY, NOT_PERSONAL, PREFERENCE

__all__ = ["ExploreFeedbackGiven", "ExploreFeedbackRemoved"]

_POST, _ADA, _GRACE = 382_764_298_916_429_824, 382_764_105_932_316_672, 382_764_211_093_504_000
_AT = datetime(2026, 11, 21, 10, 20, tzinfo=UTC)
_LATER = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


class _Feedback(Event):
    topic: ClassVar[str] = "explore_feedback"

    account_id: UserId = Field(description="Who said it; must not be disclosed to others.")
    feedback_id: Annotated[str, NOT_PERSONAL] = Field(
        description="Names what it is about: one account says one thing about it at a time."
    )

    def record_key(self) -> str:
        return f"{ids.encode('u', self.account_id)}:{self.feedback_id}"

    def partition_key(self) -> str:
        return ids.encode("u", self.account_id)

    def subject(self) -> str:
        return f"{ids.encode('u', self.account_id)}.explore.{self.feedback_id}"


class ExploreFeedbackGiven(_Feedback):
    """An account said what it wants to see more, less or not at all of in explore. Replaces what it said before about
    the same thing."""

    type_: ClassVar[str] = "photomesh.explore-feedback.given.v1"

    kind: Annotated[str, PREFERENCE] = Field(
        description="`more`, `less`, `hide_author`, `hide_tag`, `dismiss_account`, `snooze_home` (no suggested posts "
        "at home for 30 days), or `hide_home` (none at all). More may be added.",
        examples=["less"],
    )
    post_id: PostId | None = Field(default=None, description="The post on which it was said, if any.")
    author_id: UserId | None = Field(default=None, description="The post's author, or the dismissed account.")
    tags: Annotated[tuple[str, ...], PREFERENCE] = Field(
        default=(), description="Of `hide_tag`: the hashtag; else those of the post."
    )
    given_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> ExploreFeedbackGiven:
        return cls(
            account_id=_GRACE,
            feedback_id="5f1c0a9be2d74c11",
            kind="less",
            post_id=_POST,
            author_id=_ADA,
            tags=("sunset",),
            given_at=_AT,
        )


class ExploreFeedbackRemoved(_Feedback):
    """An account took back what it had said."""

    type_: ClassVar[str] = "photomesh.explore-feedback.removed.v1"
    ends: ClassVar[bool] = True

    removed_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> ExploreFeedbackRemoved:
        return cls(account_id=_GRACE, feedback_id="5f1c0a9be2d74c11", removed_at=_LATER)
