"""Bodies of requests: CloudEvents 1.0 in structured mode, whose `data` is the record's value byte for byte. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime

__all__ = ["CONTENT_TYPE", "structured"]

CONTENT_TYPE = "application/cloudevents+json"


def structured(
    *, event_id: str, source: str, type_: str, time: datetime, subject: str, entityversion: int, value: bytes
) -> bytes:
    """Return the event as JSON. `value` is JSON already and is not parsed, so no number or letter of it changes.

    `timestamp` is the time once more, under the name that Standard Webhooks gives it. `entityversion` is a string:
    integers of CloudEvents have 32 bits.
    """
    at = time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    attributes = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": type_,
        "time": at,
        "timestamp": at,
        "subject": subject,
        "entityversion": str(entityversion),
        "datacontenttype": "application/json",
    }
    head = json.dumps(attributes, ensure_ascii=False, separators=(",", ":"))[:-1]
    return head.encode() + b',"data":' + value + b"}"
