"""Routes of devices that receive pushes (Web Push)."""

from __future__ import annotations

from fastapi import Response

from photomesh_notification import errors
from photomesh_notification.http.dependencies import Dependencies
from photomesh_notification.http.schemas.push import (
    PushKey,
    PushSubscription,
    PushSubscriptionCreate,
    PushSubscriptions,
)
from photomesh_shared.auth import Viewer
from photomesh_shared.http import ApiRouter, Auth, Budget, RateClass
from photomesh_shared.ids import PushSubscriptionId, encode
from photomesh_shared.tokens.errors import SessionRequired

__all__ = ["router"]

router = ApiRouter(tags=["notifications"])

_MAX_BODY = 32 * 1024  # an endpoint has 2,000 characters, and JSON may escape each of them
_NO_STORE = {"Cache-Control": "private, no-store"}  # only its owner may ever see it


@router.get(
    "/v1/notifications/push/key", auth=Auth.NONE, rate=RateClass.READ, summary="Get the key that devices subscribe to"
)
async def get_push_key(deps: Dependencies) -> PushKey:
    """Pass it to `PushManager.subscribe` as `applicationServerKey`. It stays the same."""
    return PushKey(application_server_key=deps.push_key)


@router.post(
    "/v1/notifications/push/subscriptions",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.TOGGLES,
    max_body=_MAX_BODY,
    scope=None,
    status_code=201,
    problems=[errors.PushEndpointRefused, errors.PushKeysRefused],
    summary="Register a device for pushes",
)
async def register_push_subscription(
    body: PushSubscriptionCreate, response: Response, viewer: Viewer, deps: Dependencies
) -> PushSubscription:
    """Safe to repeat: the same endpoint is the same device, whose keys are replaced. Do it at each start of your
    client, and on `pushsubscriptionchange`.

    The device belongs to the account that registered it last, and ends with the log-in session that did. An account
    has 10 at most; with one more, the one that was registered the longest time ago ends. Pushes have the form of
    Declarative Web Push, which a service worker can read as JSON. They name what happened and who did it, and contain
    no texts and no pictures."""
    if viewer.session_id is None:
        raise SessionRequired
    subscription = await deps.push_subscriptions.register(
        viewer.account_id, viewer.session_id, body.endpoint, *body.keys.decoded()
    )
    location = f"/v1/notifications/push/subscriptions/{encode('ps', subscription.id)}"
    response.headers.update({"Location": location, **_NO_STORE})
    return PushSubscription.of(subscription)


@router.get(
    "/v1/notifications/push/subscriptions",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    scope=None,
    summary="List your devices that get pushes",
)
async def list_push_subscriptions(response: Response, viewer: Viewer, deps: Dependencies) -> PushSubscriptions:
    """The last registered first, at most 10. Devices that their push service gave up, or whose log-in session ended,
    are removed when something should be sent to them."""
    response.headers.update(_NO_STORE)
    return PushSubscriptions.of(await deps.push_subscriptions.subscriptions(viewer.account_id))


@router.delete(
    "/v1/notifications/push/subscriptions/{subscription_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    scope=None,
    status_code=204,
    summary="Remove a device",
)
async def delete_push_subscription(subscription_id: PushSubscriptionId, viewer: Viewer, deps: Dependencies) -> None:
    """It gets no pushes any more. Safe to repeat."""
    await deps.push_subscriptions.delete(viewer.account_id, subscription_id)
