"""Routes of webhooks."""

from __future__ import annotations

from fastapi import Request, Response

from photomesh_shared.auth import Principal, Viewer
from photomesh_shared.errors import AccountNotFound
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, Budget, Creation, RateClass
from photomesh_shared.http.conditional import content_tag, offer, require_match
from photomesh_shared.ids import WebhookId, encode
from photomesh_shared.tokens.errors import RoleRequired
from photomesh_webhook.endpoints.domain import Endpoint
from photomesh_webhook.endpoints.service import Owner
from photomesh_webhook.errors import (
    EventsUnavailable,
    ReplayInFuture,
    TooManyTests,
    TooManyWebhooks,
    UnknownEventTypes,
    WebhookDisabled,
    WebhookNotFound,
    WebhookUrlRefused,
)
from photomesh_webhook.http.dependencies import Dependencies
from photomesh_webhook.http.schemas import (
    Webhook,
    WebhookCreate,
    WebhookDelivery,
    WebhookReplay,
    Webhooks,
    WebhookUpdate,
    WebhookWithSecret,
)

__all__ = ["owner_of", "router"]

router = ApiRouter(prefix="/v1/webhooks", tags=["webhooks"])

_MAX_BODY = 32 * 1024  # a URL has 2,000 characters, and JSON may escape each of them
_NO_STORE = "private, no-store"


def owner_of(viewer: Principal) -> Owner:
    return Owner(viewer.account_id, viewer.roles)


def _tag(endpoint: Endpoint) -> str:
    """The version, on which writes depend, and a digest of what delivery knows."""
    return f'"{endpoint.version}-{content_tag(repr(endpoint).encode())[1:-1]}"'


@router.post(
    "",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.WEBHOOKS,
    max_body=_MAX_BODY,
    idempotent=True,
    status_code=201,
    problems=[RoleRequired, WebhookUrlRefused, UnknownEventTypes, TooManyWebhooks, AccountNotFound],
    summary="Create a webhook",
)
async def create_webhook(
    body: WebhookCreate, response: Response, viewer: Viewer, creation: Creation, deps: Dependencies
) -> WebhookWithSecret:
    """From now on, events are sent to the address: each by a POST whose body is the event as structured CloudEvent,
    signed as Standard Webhooks describes. The response has the secret, which is not shown again. An account has 10
    webhooks at most."""
    endpoint, secret = await deps.endpoints.create(creation, owner_of(viewer), body.new())
    response.headers.update({"Location": f"/v1/webhooks/{encode('wh', endpoint.id)}", "Cache-Control": _NO_STORE})
    return WebhookWithSecret.with_secret(endpoint, secret)


@router.get("", auth=Auth.REQUIRED, rate=RateClass.READ, summary="List your webhooks")
async def list_webhooks(response: Response, viewer: Viewer, deps: Dependencies) -> Webhooks:
    """The oldest first, without their secrets."""
    response.headers["Cache-Control"] = PRIVATE
    return Webhooks(items=[Webhook.of(one) for one in await deps.endpoints.list_endpoints(owner_of(viewer))])


@router.get(
    "/{webhook_id}", auth=Auth.REQUIRED, rate=RateClass.READ, problems=[WebhookNotFound], summary="Get a webhook"
)
async def get_webhook(
    webhook_id: WebhookId, request: Request, response: Response, viewer: Viewer, deps: Dependencies
) -> Webhook:
    """Without its secret. Says whether it works: `failing_since`, `behind`, `pending`."""
    endpoint = await deps.endpoints.get(owner_of(viewer), webhook_id)
    offer(request, response, _tag(endpoint), cache_control=PRIVATE)
    return Webhook.of(endpoint)


@router.patch(
    "/{webhook_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.WEBHOOKS,
    max_body=_MAX_BODY,
    conditional=True,
    problems=[WebhookNotFound, RoleRequired, WebhookUrlRefused, UnknownEventTypes],
    summary="Update a webhook",
)
async def update_webhook(
    webhook_id: WebhookId,
    body: WebhookUpdate,
    request: Request,
    response: Response,
    viewer: Viewer,
    deps: Dependencies,
) -> Webhook:
    """Members that are left out stay unchanged. Enable a disabled one to get what happened meanwhile. Another URL is
    tried at once; types that are added count from now on."""

    def precondition(endpoint: Endpoint) -> None:
        require_match(request, _tag(endpoint), stem=f'"{endpoint.version}-')

    endpoint = await deps.endpoints.edit(owner_of(viewer), webhook_id, body.edit(), precondition)
    response.headers.update({"ETag": _tag(endpoint), "Cache-Control": PRIVATE})
    return Webhook.of(endpoint)


@router.delete("/{webhook_id}", auth=Auth.REQUIRED, rate=RateClass.WRITE, status_code=204, summary="Delete a webhook")
async def delete_webhook(webhook_id: WebhookId, viewer: Viewer, deps: Dependencies) -> None:
    """Nothing is sent to it any more, and nobody reads its log, which is deleted within 30 days. Safe to repeat."""
    await deps.endpoints.delete(owner_of(viewer), webhook_id)


@router.post(
    "/{webhook_id}/rotate-secret",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.WEBHOOKS,
    problems=[WebhookNotFound, RoleRequired],
    summary="Replace the secret of a webhook",
)
async def rotate_webhook_secret(
    webhook_id: WebhookId, response: Response, viewer: Viewer, deps: Dependencies
) -> WebhookWithSecret:
    """Returns another secret. For 24 hours, requests are signed with both, so that none is refused while you change it
    on your side. Replaced again within that time, the oldest ends at once."""
    endpoint, secret = await deps.endpoints.rotate_secret(owner_of(viewer), webhook_id)
    response.headers["Cache-Control"] = _NO_STORE
    return WebhookWithSecret.with_secret(endpoint, secret)


@router.post(
    "/{webhook_id}/test",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.WEBHOOKS,
    status_code=202,
    problems=[WebhookNotFound, RoleRequired, TooManyTests],
    summary="Test a webhook",
)
async def test_webhook(webhook_id: WebhookId, viewer: Viewer, deps: Dependencies) -> WebhookDelivery:
    """Sends an event of type `photomesh.webhook.test.v1`, in the way of all others, also to a disabled webhook. The log
    of deliveries shows what became of it."""
    return WebhookDelivery.of(await deps.deliveries.test(owner_of(viewer), webhook_id))


@router.post(
    "/{webhook_id}/replay",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.WEBHOOKS,
    status_code=202,
    problems=[WebhookNotFound, RoleRequired, WebhookDisabled, ReplayInFuture, EventsUnavailable],
    summary="Deliver events again from a time on",
)
async def replay_webhook(webhook_id: WebhookId, body: WebhookReplay, viewer: Viewer, deps: Dependencies) -> Webhook:
    """Delivers all events that the webhook asks for and that were published since then, also those that it got before
    (their `webhook-id` is the same), and those from before it was made. The topics say how long events are kept
    (docs/events.md)."""
    return Webhook.of(await deps.deliveries.replay(owner_of(viewer), webhook_id, body.since))
