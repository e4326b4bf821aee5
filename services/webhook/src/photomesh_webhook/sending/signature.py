"""Signatures of requests: Standard Webhooks 1.0 (https://www.standardwebhooks.com), HMAC-SHA256. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

__all__ = ["signed_headers", "webhook_id_of"]


def webhook_id_of(event_id: str) -> str:
    """The `webhook-id` of an event: the same on every try. The parts of what is signed are separated by dots, so it
    has none; `~` is in no id of ours."""
    return event_id.replace(".", "~")


def signed_headers(event_id: str, at: datetime, body: bytes, secrets: Sequence[bytes]) -> Mapping[str, str]:
    """The three headers of a request that is sent now. `secrets`: all that are live, newest first; a receiver that
    knows one of them accepts the request."""
    webhook_id, timestamp = webhook_id_of(event_id), str(int(at.timestamp()))
    signed = b".".join((webhook_id.encode(), timestamp.encode(), body))
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_sign(secret, signed)}" for secret in secrets),
    }


def _sign(secret: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
