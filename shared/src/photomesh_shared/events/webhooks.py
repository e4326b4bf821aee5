"""Events of webhooks: what state an endpoint is in. Never its URL or its secrets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import Field

from photomesh_shared import ids
from photomesh_shared.events.envelope import Event, UtcTime
from photomesh_shared.ids import UserId, WebhookId
from photomesh_shared.personal import ACTIVITY, NOT_PERSONAL, PREFERENCE

__all__ = ["WebhookDeleted", "WebhookStateChanged"]

_WEBHOOK, _ADA = 382_764_513_820_131_328, 382_764_105_932_316_672
_AT = datetime(2026, 11, 21, 10, 20, tzinfo=UTC)
_LATER = datetime(2026, 11, 22, 10, 20, tzinfo=UTC)


class _Webhook(Event):
    topic: ClassVar[str] = "webhooks"

    webhook_id: WebhookId
    account_id: UserId = Field(description="The account whose webhook it is.")

    def record_key(self) -> str:
        return ids.encode("wh", self.webhook_id)

    def partition_key(self) -> str:
        return ids.encode("u", self.account_id)

    def subject(self) -> str:
        return ids.encode("wh", self.webhook_id)


class WebhookStateChanged(_Webhook):
    """A webhook was made, enabled or disabled, or has been failing for so long that its owner should know."""

    type_: ClassVar[str] = "photomesh.webhook.state-changed.v1"

    state: Annotated[str, PREFERENCE] = Field(description="`enabled` or `disabled`.", examples=["enabled"])
    disabled_reason: Annotated[str | None, PREFERENCE] = Field(
        None,
        description="Why it is disabled: `owner`, `gone` (it answered 410), `failing` (for three days), `account`"
        " (which is deactivated) or `role` (of everybody's events, whose owner is no administrator any more). More may"
        " be added.",
    )
    failing_since: Annotated[UtcTime | None, NOT_PERSONAL] = Field(
        None, description="The first failure after the last success; null while it works."
    )
    failing_hours: Annotated[int, NOT_PERSONAL] = Field(
        0, ge=0, description="How long it has been failing, in steps: 0, 1, 24, 48 or 72."
    )
    changed_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> WebhookStateChanged:
        return cls(
            webhook_id=_WEBHOOK,
            account_id=_ADA,
            state="enabled",
            failing_since=_AT,
            failing_hours=24,
            changed_at=_LATER,
        )


class WebhookDeleted(_Webhook):
    """A webhook was deleted by its owner, or with the account."""

    type_: ClassVar[str] = "photomesh.webhook.deleted.v1"
    ends: ClassVar[bool] = True

    deleted_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> WebhookDeleted:
        return cls(webhook_id=_WEBHOOK, account_id=_ADA, deleted_at=_LATER)
