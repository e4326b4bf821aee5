"""`docs/events.md`: the catalogue of topics and events as a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from photomesh_shared.events import TOPICS, Event, Topic, dead_letter_topic, event_types
from photomesh_shared.events.asyncapi import example_record
from photomesh_shared.events.schemas import consumer_schema

__all__ = ["event_docs"]

_INTRODUCTION = """\
<!-- Made by `make schemas` from photomesh_shared.events; change it there. -->

# Events

Every state change is an event in a Kafka topic that anyone may subscribe to and replay. Records are
[CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md) in
Kafka's binary mode: context attributes are headers, the value is JSON. The same in machine-readable form:
[`asyncapi.json`](asyncapi.json), and the JSON Schemas in [`schemas/`](../schemas).

## What a subscriber may rely on

- **Delivery is at least once.** A record may come again, always with the same `ce_id`.
- **Order holds within one key of one topic.** Across topics, `ce_entityversion` tells: it grows with every event of one
  subject (photo, post, account). Keep the highest that you have applied, and drop what is not higher.
- **Types grow by optional fields only.** Ignore fields and types that you do not know; codes and statuses are open
  sets. A breaking change is a new type (`….v2`) beside the old one. `schemas/*.consumer.json` are the schemas to
  validate with; the `producer` ones say exactly what is written now.
- **Start anywhere.** A new group that starts at the earliest offset gets all that the topic still holds.

| header | |
| --- | --- |
| `ce_id` | unique per event, the same when it is sent again |
| `ce_type` | such as `photomesh.photo.ready.v1` |
| `ce_source` | the deployable that published it |
| `ce_time` | when it happened |
| `ce_subject` | the id of what it is about |
| `ce_entityversion` | grows with every event of the subject, across topics |
| `traceparent`, `ce_requestid` | the trace, and the HTTP request that led to it; may be missing |
"""

_DEAD_LETTERS = """\
## Dead letters

What a group of ours cannot handle goes to `<topic>.<group>.dlt`, with key, value and headers as they were and headers
that say what happened: `dlt_cause` (`undecodable`, `invalid`, or `exhausted` after the last retry), `dlt_error`,
`dlt_attempts`, `dlt_topic`, `dlt_partition`, `dlt_offset`, `dlt_group`, `dlt_time`. They are kept for 30 days.
`python -m photomesh_shared.dead_letters <topic> <group>` prints them, and `--replay` sends them again.
"""


def event_docs() -> str:
    """The whole page."""
    topics = "\n".join(part for topic in TOPICS.values() for part in _topic(topic))
    letters = "\n".join(f"- `{dead_letter_topic(t.name, group)}`" for t in TOPICS.values() for group in t.consumers)
    return f"{_INTRODUCTION}\n## Topics\n\n{_overview()}\n\n{topics}\n{_DEAD_LETTERS}\n{letters}\n"


def _overview() -> str:
    rows = [
        f"| [`{t.name}`](#{t.name}) | {t.owner} | {', '.join(t.consumers) or '–'} | {t.key} | {t.retention_in_words} |"
        for t in TOPICS.values()
    ]
    return "\n".join(["| topic | published by | consumed by | key | kept |", "| --- | --- | --- | --- | --- |", *rows])


def _topic(topic: Topic) -> Iterator[str]:
    yield f"### {topic.name}\n"
    yield f"{topic.summary}\n"
    yield f"- **Key:** {topic.key}; {topic.partitions} partitions"
    yield f"- **Order:** {topic.order}"
    yield f"- **Kept:** {topic.retention_in_words}"
    yield f"- **Personal data:** {topic.personal_data}"
    yield f"- **Freshness:** {topic.freshness}\n"
    types = event_types()
    for name in topic.types:
        yield from _event(types[name])


def _event(kind: type[Event]) -> Iterator[str]:
    yield f"#### {kind.type_}\n"
    yield f"{' '.join((kind.__doc__ or '').split())}\n"
    schema = consumer_schema(kind)
    yield "| field | type | |"
    yield "| --- | --- | --- |"
    required = schema.get("required", [])
    for name, field in schema["properties"].items():
        words = _description(field, schema).replace("|", "\\|")
        yield f"| `{name}` | {_type(field)}{'' if name in required else ', optional'} | {words} |"
    value = json.dumps(json.loads(example_record(kind).value or b""), indent=2, ensure_ascii=False)
    yield f"\n```json\n{value}\n```\n"


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " or ".join(_type(branch) for branch in field["anyOf"])
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    return {"date-time": "time"}.get(field.get("format", ""), str(field.get("type", "anything")))


def _description(field: dict[str, Any], schema: dict[str, Any]) -> str:
    if "description" in field:
        return str(field["description"])
    nested = field.get("items", field)
    if "$ref" in nested:
        part = schema["$defs"][str(nested["$ref"]).rpartition("/")[2]]
        names = ", ".join(f"`{name}`" for name in part["properties"])
        return f"{part.get('description', '')} ({names})"
    return ""
