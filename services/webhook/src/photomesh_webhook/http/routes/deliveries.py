"""Routes of the log of deliveries."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from photomesh_shared.auth import Viewer
from photomesh_shared.http import ApiRouter, Auth, Budget, Page, Paging, RateClass
from photomesh_shared.ids import WebhookDeliveryId, WebhookId, encode
from photomesh_shared.tokens.errors import RoleRequired
from photomesh_webhook.deliveries.domain import DeliveryState
from photomesh_webhook.errors import (
    DeliveryNotFound,
    EventGone,
    EventsUnavailable,
    WebhookDisabled,
    WebhookNotFound,
)
from photomesh_webhook.http.dependencies import Dependencies
from photomesh_webhook.http.routes.webhooks import owner_of
from photomesh_webhook.http.schemas import WebhookDelivery

__all__ = ["router"]

router = ApiRouter(prefix="/v1/webhooks/{webhook_id}/deliveries", tags=["webhooks"])


@router.get(
    "",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    paged=True,
    problems=[WebhookNotFound],
    summary="List the deliveries of a webhook",
)
async def list_webhook_deliveries(
    webhook_id: WebhookId,
    viewer: Viewer,
    deps: Dependencies,
    paging: Paging,
    state: Annotated[DeliveryState | None, Query(description="Only those in this state.")] = None,
) -> Page[WebhookDelivery]:
    """What was sent in the last 30 days and what waits to be sent, the newest first. While a webhook is `behind`, there
    is more to come that is not listed."""
    kind = f"webhook-deliveries:{encode('wh', webhook_id)}:{state or ''}"
    position = paging.position(kind)
    found = await deps.deliveries.list_deliveries(
        owner_of(viewer),
        webhook_id,
        state=state,
        before=position[0] if position else None,
        limit=paging.limit + 1,
    )
    shown = found[: paging.limit]
    more = [shown[-1].id] if len(found) > paging.limit else None
    return paging.page(kind, [WebhookDelivery.of(one) for one in shown], more)


@router.post(
    "/{delivery_id}/redeliver",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.WEBHOOKS,
    status_code=202,
    problems=[WebhookNotFound, DeliveryNotFound, RoleRequired, WebhookDisabled, EventGone, EventsUnavailable],
    summary="Deliver an event again",
)
async def redeliver_webhook_event(
    webhook_id: WebhookId, delivery_id: WebhookDeliveryId, viewer: Viewer, deps: Dependencies
) -> WebhookDelivery:
    """Whatever became of it before; one that waits is tried at once. Its `webhook-id` stays the same. Fails with a 410
    if the topic does not have the event any more."""
    return WebhookDelivery.of(await deps.deliveries.redeliver(owner_of(viewer), webhook_id, delivery_id))
