"""Requests and responses about devices."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field
from yarl import URL

from photomesh_notification.errors import PushKeysRefused
from photomesh_notification.push.domain import Subscription
from photomesh_shared.events import UtcTime
from photomesh_shared.http.schemas import RequestBody, examples
from photomesh_shared.ids import PushSubscriptionId, SessionId
from photomesh_shared.outbound.guard import MAX_URL

__all__ = ["PushKey", "PushSubscription", "PushSubscriptionCreate", "PushSubscriptionKeys", "PushSubscriptions"]

_P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
_AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
_ENDPOINT = "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABnQ0Fr"
_EXAMPLE = {
    "id": "ps_5cEJxQ2W8aT",
    "push_service": "updates.push.services.mozilla.com",
    "session_id": "ss_3kTMd7aXxQz",
    "registered_at": "2026-11-21T10:00:00Z",
    "resting_until": None,
}

Base64Url = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9_-]+={0,2}$")]


class PushSubscriptionKeys(RequestBody):
    """The keys of a browser's `PushSubscription`, in base64url."""

    p256dh: Base64Url = Field(description="The device's public key.", examples=[_P256DH])
    auth: Base64Url = Field(description="The device's authentication secret.", examples=[_AUTH])

    def decoded(self) -> tuple[bytes, bytes]:
        """Raises PushKeysRefused."""
        return _decoded(self.p256dh), _decoded(self.auth)


class PushSubscriptionCreate(RequestBody):
    """A device, as a browser's `PushSubscription.toJSON()` or UnifiedPush describes it."""

    model_config = examples({"endpoint": _ENDPOINT, "keys": {"p256dh": _P256DH, "auth": _AUTH}})

    endpoint: str = Field(
        min_length=1,
        max_length=MAX_URL,
        description="An https URL of the push service, on port 443 or 8443.",
        examples=[_ENDPOINT],
    )
    keys: PushSubscriptionKeys


class PushSubscription(BaseModel):
    """A device that receives pushes."""

    model_config = examples(_EXAMPLE)

    id: PushSubscriptionId
    push_service: str = Field(description="The host of its endpoint.")
    session_id: SessionId = Field(description="The log-in session that registered it: it ends with this session.")
    registered_at: UtcTime
    resting_until: UtcTime | None = Field(
        description="Set if the push service refused us: nothing is sent to the device before that. Register it again"
        " to try at once."
    )

    @classmethod
    def of(cls, subscription: Subscription) -> PushSubscription:
        return cls(
            id=subscription.id,
            push_service=URL(subscription.endpoint, encoded=True).host or "",
            session_id=subscription.session_id,
            registered_at=subscription.registered_at,
            resting_until=subscription.quarantined_until,
        )


class PushSubscriptions(BaseModel):
    """All devices of an account, the last registered first."""

    model_config = examples({"items": [_EXAMPLE]})

    items: list[PushSubscription]

    @classmethod
    def of(cls, subscriptions: Sequence[Subscription]) -> PushSubscriptions:
        return cls(items=[PushSubscription.of(one) for one in subscriptions])


class PushKey(BaseModel):
    """The key by which push services know us."""

    model_config = examples({"application_server_key": _P256DH})

    application_server_key: str = Field(
        description="For `PushManager.subscribe`: a public key on P-256, uncompressed, in base64url."
    )


def _decoded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except binascii.Error as error:
        raise PushKeysRefused("`keys` are not base64url.") from error
