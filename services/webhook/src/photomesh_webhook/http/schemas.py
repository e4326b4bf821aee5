"""Requests and responses."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, JsonValue

from photomesh_shared.events import UtcTime
from photomesh_shared.http.schemas import RequestBody, UpdateBody, Url, examples
from photomesh_shared.ids import WebhookDeliveryId, WebhookId
from photomesh_shared.outbound.guard import MAX_URL
from photomesh_shared.text import normalize_line
from photomesh_webhook.deliveries.domain import Delivery
from photomesh_webhook.endpoints.domain import MAX_DESCRIPTION, Audience, Edit, Endpoint, Ordering
from photomesh_webhook.endpoints.event_types import PATTERNS
from photomesh_webhook.endpoints.service import NewEndpoint

__all__ = [
    "Webhook",
    "WebhookCreate",
    "WebhookDelivery",
    "WebhookReplay",
    "WebhookUpdate",
    "WebhookWithSecret",
    "Webhooks",
]

_MAX_TYPES = 50
_ALL_PATTERNS = sorted({pattern for patterns in PATTERNS.values() for pattern in patterns})
_URL = "https://hooks.example.com/photomesh"
_WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
_WEBHOOK: dict[str, JsonValue] = {
    "id": "wh_SLsTuTVKaG",
    "url": _URL,
    "types": ["photomesh.post.*", "photomesh.photo.rejected.v1"],
    "audience": "own",
    "ordering": "subject",
    "description": "The bot that cross-posts",
    "state": "enabled",
    "disabled_reason": None,
    "created_at": "2026-11-21T10:00:00Z",
    "updated_at": "2026-11-21T10:00:00Z",
    "failing_since": None,
    "behind": False,
    "gap": False,
    "pending": 0,
}
_DELIVERY: dict[str, JsonValue] = {
    "id": "whd_8aB3x9Q2",
    "webhook_id": "wh_SLsTuTVKaG",
    "event_id": "0f0e7e0c-8f6b-4f43-b8e4-3d2f1c0b9a87",
    "type": "photomesh.post.liked.v1",
    "subject": "o_SLsTuTVKaG.u_SLsTtd9Xoe",
    "event_time": "2026-11-21T10:20:00Z",
    "state": "failed",
    "attempts": 11,
    "created_at": "2026-11-21T10:20:01Z",
    "next_attempt_at": None,
    "finished_at": "2026-11-24T10:20:01Z",
    "last_status": 500,
    "last_ms": 120,
    "last_answer": "Internal Server Error",
    "last_error": None,
}

EventPattern = Annotated[str, Field(max_length=100, json_schema_extra={"enum": _ALL_PATTERNS})]
EventPatterns = Annotated[
    list[EventPattern],
    Field(
        min_length=1,
        max_length=_MAX_TYPES,
        description="Types of events (docs/events.md), or `photomesh.post.*` for all that are offered of a kind, also"
        " those that are added later.",
    ),
]
WebhookUrl = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_URL,
        description="https, port 443 or 8443. Events are sent there by POST; redirects are not followed.",
        examples=[_URL],
        json_schema_extra={"format": "uri"},
    ),
]
Description = Annotated[
    str, Field(max_length=MAX_DESCRIPTION, description="For yourself."), AfterValidator(normalize_line)
]


class WebhookCreate(RequestBody):
    """An address that events shall be sent to."""

    model_config = examples({"url": _URL, "types": ["photomesh.post.*", "photomesh.photo.rejected.v1"]})

    url: WebhookUrl
    types: EventPatterns
    audience: Audience = Field(
        Audience.OWN,
        description="`own`: events of your own photos and posts, of what others do with them, and of what you hear of."
        " `everyone`: public events of all accounts; for administrators only.",
    )
    ordering: Ordering = Field(
        Ordering.SUBJECT,
        description="`subject`: events of one subject (a post, a photo) are sent one after the other, so one that fails"
        " holds up later ones of the same subject, and nothing else. `none`: as they come.",
    )
    description: Description = ""

    def new(self) -> NewEndpoint:
        return NewEndpoint(
            self.url,
            tuple(dict.fromkeys(self.types)),
            self.audience,
            self.ordering,
            self.description,
        )


class WebhookUpdate(UpdateBody):
    """What shall change."""

    model_config = examples({"enabled": True}, {"types": ["photomesh.photo.*"], "ordering": "none"})

    url: WebhookUrl | None = None
    types: EventPatterns | None = None
    ordering: Ordering | None = None
    description: Description | None = None
    enabled: bool | None = Field(
        None, description="False: nothing is sent. True: what happened meanwhile is sent, if the topics still have it."
    )

    def edit(self) -> Edit:
        return Edit(
            url=self.url,
            types=tuple(dict.fromkeys(self.types)) if self.types is not None else None,
            ordering=self.ordering,
            description=self.description,
            enabled=self.enabled,
        )


class WebhookReplay(RequestBody):
    """From when on events shall be delivered again."""

    model_config = examples({"since": "2026-11-21T10:00:00Z"})

    since: AwareDatetime = Field(description="The time at which the first of them was published.")


class Webhook(BaseModel):
    """An address that events are sent to."""

    model_config = examples(_WEBHOOK)

    id: WebhookId
    url: Url
    types: list[str]
    audience: str
    ordering: str
    description: str
    state: str = Field(description="`enabled` or `disabled`.")
    disabled_reason: str | None = Field(
        description="`owner`, `gone` (it answered 410), `failing` (for three days), `account` (which was"
        " deactivated) or `role` (you are no administrator any more). More may be added."
    )
    created_at: UtcTime
    updated_at: UtcTime
    failing_since: UtcTime | None = Field(description="The first failure after the last success.")
    behind: bool = Field(description="Whether it has yet to catch up: after failures, a pause or a replay.")
    gap: bool = Field(
        description="Whether events may be missing: the topics did not have them any more when the webhook caught up,"
        " or reach less far back than its last replay."
    )
    pending: int = Field(description="Deliveries that wait, 10,000 at most; more may follow while it is `behind`.")

    @classmethod
    def of(cls, endpoint: Endpoint) -> Webhook:
        return cls(**_members(endpoint))


class WebhookWithSecret(Webhook):
    """A webhook with the secret by which its requests are signed."""

    model_config = examples({**_WEBHOOK, "secret": _WHSEC})

    secret: str | None = Field(
        description="Keep it: it is not shown again. Null if a creation was repeated after the secret was replaced."
    )

    @classmethod
    def with_secret(cls, endpoint: Endpoint, secret: str | None) -> WebhookWithSecret:
        return cls(**_members(endpoint), secret=secret)


class Webhooks(BaseModel):
    """All webhooks of an account, the oldest first."""

    model_config = examples({"items": [_WEBHOOK]})

    items: list[Webhook]


class WebhookDelivery(BaseModel):
    """An event for a webhook, and what became of it."""

    model_config = examples(_DELIVERY)

    id: WebhookDeliveryId
    webhook_id: WebhookId
    event_id: str = Field(description="The event's `id`, and the `webhook-id` of each request.")
    type: str
    subject: str
    event_time: UtcTime
    state: str = Field(
        description="`pending`, `delivered`, `failed` (after the last attempt), or `withheld`: you may not see it any"
        " more, so it was not sent. More may be added."
    )
    attempts: int
    created_at: UtcTime
    next_attempt_at: UtcTime | None
    finished_at: UtcTime | None
    last_status: int | None = Field(description="Of the latest attempt; null without an answer.")
    last_ms: int | None = Field(description="How long the latest attempt took.")
    last_answer: str | None = Field(description="The beginning of the latest answer, 1 KB at most.")
    last_error: str | None = Field(description="Why the latest attempt had no answer.")

    @classmethod
    def of(cls, delivery: Delivery) -> WebhookDelivery:
        return cls(
            id=delivery.id,
            webhook_id=delivery.endpoint_id,
            event_id=delivery.event_id,
            type=delivery.type,
            subject=delivery.subject,
            event_time=delivery.event_time,
            state=str(delivery.state),
            attempts=delivery.attempts,
            created_at=delivery.created_at,
            next_attempt_at=delivery.next_attempt_at,
            finished_at=delivery.finished_at,
            last_status=delivery.last_status,
            last_ms=delivery.last_ms,
            last_answer=delivery.last_answer,
            last_error=delivery.last_error,
        )


def _members(endpoint: Endpoint) -> dict[str, object]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "types": list(endpoint.types),
        "audience": str(endpoint.audience),
        "ordering": str(endpoint.ordering),
        "description": endpoint.description,
        "state": str(endpoint.state),
        "disabled_reason": str(endpoint.disabled_reason) if endpoint.disabled_reason else None,
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
        "failing_since": endpoint.failing_since,
        "behind": endpoint.behind,
        "gap": endpoint.gap,
        "pending": endpoint.pending,
    }
