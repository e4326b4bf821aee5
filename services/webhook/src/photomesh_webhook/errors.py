"""Problems of webhooks, beyond those of `photomesh_shared.errors`.

NotFound 404       ── WebhookNotFound, DeliveryNotFound
"""

from __future__ import annotations

from photomesh_shared.errors import NotFound

__all__ = ["DeliveryNotFound", "WebhookNotFound"]


class WebhookNotFound(NotFound):
    """You have no webhook with this id."""

    code, title = "webhook-not-found", "There is no such webhook"


class DeliveryNotFound(NotFound):
    """The webhook has no delivery with this id: the log goes back 30 days."""

    code, title = "delivery-not-found", "There is no such delivery"
