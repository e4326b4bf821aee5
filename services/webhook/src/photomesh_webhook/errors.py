"""Problems of webhooks, beyond those of `photomesh_shared.errors`.

NotFound 404       ── WebhookNotFound, DeliveryNotFound
Conflict 409       ── TooManyWebhooks, TooManyTests, WebhookDisabled
Gone 410           ── EventGone
Unprocessable 422  ── WebhookUrlRefused, UnknownEventTypes, ReplayInFuture
Unavailable 503    ── EventsUnavailable
"""

from __future__ import annotations

from photomesh_shared.errors import Conflict, Gone, NotFound, Unavailable, Unprocessable

__all__ = [
    "DeliveryNotFound",
    "EventGone",
    "EventsUnavailable",
    "ReplayInFuture",
    "TooManyTests",
    "TooManyWebhooks",
    "UnknownEventTypes",
    "WebhookDisabled",
    "WebhookNotFound",
    "WebhookUrlRefused",
]


class WebhookNotFound(NotFound):
    """You have no webhook with this id."""

    code, title = "webhook-not-found", "There is no such webhook"


class DeliveryNotFound(NotFound):
    """The webhook has no delivery with this id. The log goes back 30 days."""

    code, title = "delivery-not-found", "There is no such delivery"


class TooManyWebhooks(Conflict):
    """Your account has as many webhooks as it may (`limit`). Delete one that you do not need."""

    code, title = "too-many-webhooks", "You have too many webhooks"


class TooManyTests(Conflict):
    """As many tests of this webhook as there may be (`limit`) wait to be sent. Wait until they are delivered."""

    code, title = "too-many-tests", "Tests of the webhook wait already"


class WebhookDisabled(Conflict):
    """The webhook is disabled, so nothing is sent to it but tests. Enable it first: `PATCH` with `"enabled": true`."""

    code, title = "webhook-disabled", "The webhook is disabled"


class EventGone(Gone):
    """The event is in its topic no longer, or is about an account that was erased, so it cannot be sent again."""

    code, title = "event-gone", "The event is not available any more"


class WebhookUrlRefused(Unprocessable):
    """The URL is not one that may be called: https, port 443 or 8443, without a user name. It must lead to a public
    address; that is checked at each delivery."""

    code, title = "webhook-url-refused", "The URL cannot be called"


class UnknownEventTypes(Unprocessable):
    """Some `types` are not offered to this audience; `errors` names them. A type is, for example,
    `photomesh.post.liked.v1`; `photomesh.post.*` stands for all that are offered of this kind."""

    code, title = "unknown-event-types", "Some types of events are not offered"


class ReplayInFuture(Unprocessable):
    """`since` lies in the future."""

    code, title = "replay-in-future", "The time to replay from lies in the future"


class EventsUnavailable(Unavailable):
    """The topics of events cannot be read at the moment. Try again after `Retry-After` seconds."""

    code, title = "events-unavailable", "Events cannot be read at the moment"
