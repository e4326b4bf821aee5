"""JSON Schemas of events, as pairs, that any validator of draft 2020-12 compiles (tested with jsonschema and ajv).

The producer's is closed: exactly the declared fields. The consumer's is open: further fields may be added. One schema
cannot express both, and against either alone, a checker reports an added optional field as breaking.

`x-personal` says of each field what personal data it is, in the producer's schemas and in AsyncAPI. The consumer's are
without it: subscribers compile those, and ajv in its strict mode refuses keywords of no vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from photomesh_shared.events.documents.personal_fields import models_of, personal_of
from photomesh_shared.events.envelope import Event
from photomesh_shared.events.topics import TOPICS
from photomesh_shared.personal import Personal

__all__ = ["consumer_schema", "declare_personal", "producer_schema"]

Schema = dict[str, Any]

_OF_THE_EVENT = "that of the event"


def producer_schema(kind: type[Event]) -> Schema:
    """Return the schema of published events: all fields are required, others forbidden."""
    schema = _schema(kind, "serialization", "producer", lambda node: None)
    declare_personal(kind, schema)
    return schema


def consumer_schema(kind: type[Event]) -> Schema:
    """Return the schema for consumers: required fields are guaranteed, and known fields keep their types."""

    def open_up(node: Schema) -> None:
        if node.get("additionalProperties") is False:
            del node["additionalProperties"]

    return _schema(kind, "validation", "consumer", open_up)


def declare_personal(kind: type[Event], schema: Schema) -> None:
    """Add `x-personal` to all fields of the event and of its parts, as far as they say what they are."""
    for model in models_of(kind):
        node = schema if model is kind else schema["$defs"][model.__name__]
        retention = TOPICS[kind.topic].kept_in_short if model is kind else _OF_THE_EVENT
        for name, personal in personal_of(model).items():
            if personal is not None:
                node["properties"][name]["x-personal"] = _declaration(personal, retention)


def _declaration(personal: Personal, retention: str) -> Schema:
    if not personal.is_personal:
        return {"category": personal.category}
    return {
        "category": personal.category,
        "purpose": personal.purpose,
        "basis": personal.basis,
        "retention": retention,
    }


def _schema(kind: type[Event], mode: Any, side: str, change: Callable[[Schema], None]) -> Schema:
    body = kind.model_json_schema(mode=mode)
    _visit(body, change)
    _visit(body, _tidy)
    _visit(body, _state_encoding)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        # The namespace id of a URN has no dots (RFC 8141): the type's first word is ours, the rest names the schema.
        "$id": f"urn:{kind.type_.replace('.', ':', 1)}:{side}",
        "title": kind.__name__,
        **body,
        "examples": [kind.example().model_dump(mode="json")],
    }


def _tidy(node: Schema) -> None:
    """Remove pydantic's titles, which only repeat the names of fields, and line breaks of docstrings."""
    if isinstance(node.get("title"), str):
        del node["title"]
    if isinstance(node.get("description"), str):
        node["description"] = " ".join(node["description"].split())


def _state_encoding(node: Schema) -> None:
    """Replace pydantic's `format: base64url`, which no vocabulary defines, by the keyword for encoded bytes."""
    if node.get("format") == "base64url":
        del node["format"]
        node["contentEncoding"] = "base64url"


def _visit(node: Any, change: Callable[[Schema], None]) -> None:
    """Call `change` on every schema in `node`; names of properties and examples are not schemas."""
    if not isinstance(node, dict):
        return
    change(node)
    for word in ("$defs", "properties"):
        for child in node.get(word, {}).values():
            _visit(child, change)
    for word in ("anyOf", "allOf", "oneOf", "prefixItems"):
        for child in node.get(word, []):
            _visit(child, change)
    for word in ("items", "additionalProperties"):
        _visit(node.get(word), change)
