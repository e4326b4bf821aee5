"""JSON Schema of a record's headers: the context attributes of CloudEvents and ours."""

from __future__ import annotations

from typing import Any

from photomesh_shared.events.envelope import CONTENT_TYPE, MAX_ENTITY_VERSION

__all__ = ["decimal_pattern", "header_schema"]

_REQUIRED = ("ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "ce_subject", "ce_entityversion")


def header_schema() -> dict[str, Any]:
    """Return the schema of the headers as an object of strings; further headers are allowed."""
    return {
        "type": "object",
        "required": [*_REQUIRED, "content-type"],
        "properties": {
            "ce_specversion": {"type": "string", "const": "1.0"},
            "ce_id": {"type": "string", "minLength": 1, "description": "Unique per event; the same if republished."},
            "ce_type": {"type": "string", "minLength": 1, "description": "The event's type and major version."},
            "ce_source": {"type": "string", "minLength": 1, "description": "The deployable that published it."},
            "ce_time": {"type": "string", "format": "date-time", "description": "When the event happened."},
            "ce_subject": {
                "type": "string",
                "minLength": 1,
                "description": "The entity whose versions are counted, such as a photo, a post or a pair of accounts.",
            },
            "ce_entityversion": {
                "type": "string",
                "pattern": decimal_pattern(MAX_ENTITY_VERSION),
                "description": "0 to 2^63-1, in decimal. Increases with every event of the subject, across topics.",
            },
            "ce_partitionkey": {
                "type": "string",
                "minLength": 1,
                "description": "The owner's id; its murmur2 gives the partition, as in Kafka's default partitioner.",
            },
            "content-type": {"type": "string", "const": CONTENT_TYPE},
            "traceparent": {"type": "string", "description": "W3C trace context, if the event is part of a trace."},
            "ce_requestid": {
                "type": "string",
                "description": "The Request-Id of the HTTP request that caused the event.",
            },
        },
    }


def decimal_pattern(largest: int) -> str:
    """Return a regular expression of the decimal numbers from 0 to `largest`, without leading zeros.

    JSON Schema bounds numbers only, and headers are text.
    """
    digits = str(largest)
    branches = ["0"]
    if len(digits) > 1:
        branches.append(f"[1-9][0-9]{{0,{len(digits) - 2}}}")
    for place, digit in enumerate(digits):
        lowest, below = (0 if place else 1), int(digit) - 1
        if lowest <= below:
            rest = len(digits) - place - 1
            branches.append(f"{digits[:place]}[{lowest}-{below}]" + (f"[0-9]{{{rest}}}" if rest else ""))
    return f"^({'|'.join([*branches, digits])})$"
