"""Signatures and bodies, judged by libraries that are not ours."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime, timedelta

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from photomesh_shared.events import Envelope, Event, PostLiked, encode, event_types
from photomesh_webhook.sending.cloud_event import CONTENT_TYPE, structured
from photomesh_webhook.sending.signature import signed_headers, webhook_id_of

OLD, NEW, OTHER = (os.urandom(32) for _ in range(3))
EVENT_ID = "u_1.photomesh.photo.ready.v1.1795256400000000"


def body_of(event: Event, *, event_id: str = EVENT_ID, entityversion: int = 1_795_256_400_000_000) -> bytes:
    value = encode(Envelope.of(event, entityversion=entityversion)).value
    assert value is not None
    return structured(
        event_id=event_id,
        source=event.source(),
        type_=event.type_,
        time=datetime(2026, 11, 21, 10, 20, tzinfo=UTC),
        subject=event.subject(),
        entityversion=entityversion,
        value=value,
    )


def verified(body: bytes, headers: dict[str, str], secret: bytes) -> object:
    return Webhook("whsec_" + base64.b64encode(secret).decode()).verify(body, headers)


@pytest.mark.parametrize("secret", [OLD, NEW], ids=["old", "new"])
def test_a_receiver_with_either_live_secret_accepts_a_request(secret: bytes) -> None:
    body = body_of(PostLiked.example())
    headers = dict(signed_headers(EVENT_ID, datetime.now(UTC), body, [NEW, OLD]))
    assert verified(body, headers, secret) == json.loads(body)


def test_another_secret_a_changed_body_and_an_old_time_are_refused() -> None:
    body, now = body_of(PostLiked.example()), datetime.now(UTC)
    headers = dict(signed_headers(EVENT_ID, now, body, [NEW]))
    for tried, given, secret in [
        (body, headers, OTHER),
        (body[:-1] + b" }", headers, NEW),
        (body, dict(signed_headers(EVENT_ID, now - timedelta(minutes=10), body, [NEW])), NEW),
        (body, {**headers, "webhook-id": "another"}, NEW),
    ]:
        with pytest.raises(WebhookVerificationError):
            verified(tried, given, secret)


def test_the_id_has_no_dot_and_stays_distinct() -> None:
    assert "." not in webhook_id_of(EVENT_ID)
    assert webhook_id_of("a.b") != webhook_id_of("ab") != webhook_id_of("a-b")


@pytest.mark.parametrize("name", sorted(event_types()))
def test_every_type_is_a_cloud_event_with_its_value_byte_for_byte(name: str) -> None:
    event = event_types()[name].example()
    body = body_of(event)
    assert event.model_dump_json().encode() in body
    parsed = from_structured_event(HTTPMessage({"content-type": CONTENT_TYPE}, body), JSONFormat())
    assert parsed.get_type() == name
    assert parsed.get_id() == EVENT_ID
    assert parsed.get_subject() == event.subject()
    assert parsed.get_extension("entityversion") == "1795256400000000"
    assert parsed.get_data() == json.loads(event.model_dump_json())
    document = json.loads(body)
    assert document["timestamp"] == document["time"] == "2026-11-21T10:20:00Z"


def test_letters_beyond_ascii_survive() -> None:
    value = '{"text":"Señor \\u00e9 🌅 "}'.encode()
    body = structured(
        event_id="é",
        source="/photomesh/post",
        type_="t",
        time=datetime(2026, 11, 21, tzinfo=UTC),
        subject="s",
        entityversion=0,
        value=value,
    )
    assert value in body
    assert json.loads(body)["data"] == json.loads(value)
