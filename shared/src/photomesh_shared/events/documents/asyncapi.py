"""The AsyncAPI 3.0 document of all topics and events, generated from the catalogue."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from photomesh_shared.events.catalogue import TOMBSTONE_RETENTION, Topic
from photomesh_shared.events.documents.headers import header_schema
from photomesh_shared.events.documents.schemas import consumer_schema, declare_personal
from photomesh_shared.events.envelope import CONTENT_TYPE, Envelope, Event, Record, encode, event_types
from photomesh_shared.events.topics import TOPICS
from photomesh_shared.events.versions import version_at

__all__ = ["SINGLE_EVENTS", "document", "event_id_pattern", "example_record"]

Json = dict[str, Any]

_UNIQUE = "0b0f6a3e-6a1c-4f0e-9d53-1f6f1f2a7c55"
SINGLE_EVENTS = {  # types of which each event is a subject of its own, of this one version
    "photomesh.photo.retention-elapsed.v1",
    "photomesh.feed.fanout-requested.v1",
    "photomesh.feed.served.v1",
    "photomesh.impressions.recorded.v1",
    "photomesh.impression.recorded.v1",
}
_FIXED_VERSION = 1
_EVENT_IDS = {  # of types whose ids are derived, so that a repetition has the same; all others are random
    **dict.fromkeys(TOPICS["accounts"].types, "{subject}.{version}"),
    **dict.fromkeys(TOPICS["erasures"].types, "{subject}.{version}"),
    **dict.fromkeys(TOPICS["erasure_acknowledgements"].types, "{subject}.{version}"),
    **dict.fromkeys(("photomesh.photo.uploaded.v1", "photomesh.photo.retention-elapsed.v1"), "{subject}.{type}.1"),
    **dict.fromkeys(
        (
            "photomesh.photo.reprocess-requested.v1",
            "photomesh.photo.ready.v1",
            "photomesh.photo.rejected.v1",
            "photomesh.photo.failed.v1",
        ),
        "{subject}.{type}.{version}",
    ),
    "photomesh.post.created.v1": "{subject}.created",
    "photomesh.post.published.v1": "{subject}.published",
    "photomesh.post.failed.v1": "{subject}.failed",
    "photomesh.post.deleted.v1": "{subject}.deleted",
    **dict.fromkeys(TOPICS["follows"].types, "{subject}.{version}"),
    "photomesh.story.published.v1": "{subject}.published",
    "photomesh.story.deleted.v1": "{subject}.deleted",
    "photomesh.story.expired.v1": "{subject}.expired",
    "photomesh.comment.created.v1": "{subject}.created",
    "photomesh.comment.deleted.v1": "{subject}.deleted",
    "photomesh.collection.created.v1": "{subject}.created",
    "photomesh.post.counted.v1": "{subject}.{version}",
    "photomesh.feed.fanout-requested.v1": "{subject}.{cause}",
    **dict.fromkeys(TOPICS["notification_tasks"].types, "{subject}.{version}"),
    **dict.fromkeys(TOPICS["notifications"].types, "{subject}.{version}"),
}

_DESCRIPTION = """\
Every state change in Photomesh is an event in a Kafka topic, in the CloudEvents 1.0 binary mode: context attributes are
`ce_…` headers, the value is JSON.

**Delivery** is at least once: a record may be redelivered, always with the same `ce_id`.

**Order** is guaranteed within one owner (`ce_partitionkey`) of one topic. Across topics, and across a change of the
number of partitions, use `ce_entityversion`: it increases with every event of a subject, so store the highest applied
version and skip events that are not higher.

**Compacted topics** (`x-compacted`): the latest record of a key is the whole state of one thing. A thing that ends is
an event and then a tombstone: a record of the same key without a value, of type `photomesh.tombstone.v1`. Whoever folds
events ignores tombstones; they are for compaction, and for tables that hold the latest record of each key.

**Evolution**: only optional fields are added to a type; ignore unknown fields and types. A breaking change is a new
type (`….v2`) beside the old one. Codes and statuses are open sets.
"""


def document() -> Json:
    """Return the whole document, as JSON values."""
    schemas: Json = {}
    messages = {kind.__name__: _message(kind, schemas) for kind in event_types().values()}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Photomesh events", "version": "1.0.0", "description": _DESCRIPTION},
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "local": {
                "host": "127.0.0.1:18092",
                "protocol": "kafka",
                "description": "The local stack (`make up`).",
            }
        },
        "channels": {name: _channel(topic) for name, topic in TOPICS.items()},
        "operations": {f"publish_{name}": _operation(topic) for name, topic in TOPICS.items()},
        "components": {
            "messages": messages,
            "schemas": dict(sorted(schemas.items())),
            "messageTraits": {"cloudEvent": {"headers": header_schema()}},
        },
    }


def _kinds(topic: Topic) -> list[type[Event]]:
    types = event_types()
    return [types[name] for name in topic.types]


def _channel(topic: Topic) -> Json:
    names = [kind.__name__ for kind in _kinds(topic)]
    return {
        "address": topic.name,
        "summary": topic.summary,
        "description": (
            f"**Key**: {topic.key}. **Partition**: by {topic.owner_id}. **Order**: {topic.order} "
            f"**Kept**: {topic.retention_in_words}. **Rebuild**: {topic.rebuild} "
            f"**Personal data**: {topic.personal_data} **Freshness**: {topic.freshness}"
        ),
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": [topic.cleanup],
                    "retention.ms": _milliseconds(topic.retention),
                    "retention.bytes": topic.retention_bytes or -1,
                    "max.message.bytes": topic.max_record_bytes,
                    **({"delete.retention.ms": _milliseconds(TOMBSTONE_RETENTION)} if topic.is_compacted else {}),
                },
            }
        },
        "x-owner": topic.owner,
        "x-key": topic.key,
        "x-partitioned-by": topic.owner_id,
        "x-compacted": topic.is_compacted,
        **({"x-restricted": True} if topic.restricted else {}),
        "x-rebuild": topic.rebuild,
        "x-consumers": list(topic.consumers),
    }


def _milliseconds(time: timedelta | None) -> int:
    return -1 if time is None else time // timedelta(milliseconds=1)


def _operation(topic: Topic) -> Json:
    return {
        "action": "send",
        "title": f"{topic.owner} publishes {topic.name}",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{kind.__name__}"} for kind in _kinds(topic)],
    }


def _message(kind: type[Event], schemas: Json) -> Json:
    payload = consumer_schema(kind)
    declare_personal(kind, payload)
    for name, schema in payload.pop("$defs", {}).items():
        lifted = _lift(schema)
        if schemas.setdefault(name, lifted) != lifted:
            raise ValueError(f"two events have different models named {name}")
    for word in ("$schema", "$id", "examples", "title"):
        payload.pop(word, None)
    schemas[kind.__name__] = _lift(payload)
    example = example_record(kind)
    return {
        "name": kind.type_,
        "title": kind.__name__,
        "summary": " ".join((kind.__doc__ or "").split()),
        "contentType": CONTENT_TYPE,
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": TOPICS[kind.topic].key}}},
        "examples": [
            {
                "name": kind.__name__,
                "headers": {name: value.decode() for name, value in example.headers},
                "payload": json.loads(example.value or b""),
            }
        ],
    }


def example_record(kind: type[Event]) -> Record:
    """Return the record of a type's example as its service writes it: id, time and version are of the usual forms."""
    event = kind.example()
    time = _time_of(event)
    version = _FIXED_VERSION if kind.type_ in SINGLE_EVENTS else version_at(time)
    form = _EVENT_IDS.get(kind.type_, _UNIQUE)
    envelope = Envelope(
        id=form.format(subject=event.subject(), type=kind.type_, version=version, cause="published"),
        source=event.source(),
        time=time,
        entityversion=version,
        data=event,
    )
    return encode(envelope)


def event_id_pattern(kind: type[Event]) -> str:
    """Return a regular expression of the ids of a type's events."""
    form = _EVENT_IDS.get(kind.type_, "{unique}")
    parts = {
        "subject": r"[A-Za-z0-9_.]+",
        "type": re.escape(kind.type_),
        "version": r"\d+",
        "cause": r"[A-Za-z0-9_.-]+",
        "unique": r"[0-9a-f-]{36}",
    }
    return "".join(
        re.escape(text) + (parts[name] if name else "") for text, name, _, _ in string.Formatter().parse(form)
    )


def _time_of(event: Event) -> datetime:
    """Return when the example happened: the latest of its times."""
    times = [value for name in type(event).model_fields if isinstance(value := getattr(event, name), datetime)]
    return max(times, default=datetime(2026, 11, 21, 10, 11, 2, tzinfo=UTC))


def _lift(schema: Any) -> Any:
    """Rewrite a schema's local references to the document's components."""
    if isinstance(schema, list):
        return [_lift(item) for item in schema]
    if isinstance(schema, Mapping):
        return {
            word: value.replace("#/$defs/", "#/components/schemas/") if word == "$ref" else _lift(value)
            for word, value in schema.items()
        }
    return schema
