"""Events of endpoints, in the topic `webhooks`. Pure."""

from __future__ import annotations

from datetime import datetime

from photomesh_shared.events import Envelope, WebhookDeleted, WebhookStateChanged
from photomesh_webhook.endpoints.domain import Endpoint

__all__ = ["deleted", "state_changed"]


def state_changed(endpoint: Endpoint, now: datetime, *, failing_hours: int = 0) -> Envelope[WebhookStateChanged]:
    """`failing_hours`: for how many hours it has been failing."""
    event = WebhookStateChanged(
        webhook_id=endpoint.id,
        account_id=endpoint.account_id,
        state=str(endpoint.state),
        disabled_reason=str(endpoint.disabled_reason) if endpoint.disabled_reason else None,
        failing_since=endpoint.failing_since,
        failing_hours=failing_hours,
        changed_at=now,
    )
    return Envelope.of(event, entityversion=endpoint.version, time=now)


def deleted(endpoint: Endpoint, version: int, now: datetime) -> Envelope[WebhookDeleted]:
    event = WebhookDeleted(webhook_id=endpoint.id, account_id=endpoint.account_id, deleted_at=now)
    return Envelope.of(event, entityversion=version, time=now)
