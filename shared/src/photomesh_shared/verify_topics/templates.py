"""Keys and subjects of event types as templates over their fields: `{follower_id}.{followee_id}`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from photomesh_shared.events import Event

__all__ = ["key_template", "owner_template", "subject_template"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = 700_000_000_001  # ids that occur nowhere else in the example


def key_template(kind: type[Event]) -> str:
    """Return which fields make up the record's key."""
    return _template(kind, lambda event: event.record_key())


def owner_template(kind: type[Event]) -> str:
    """Return which fields make up `ce_partitionkey`, by which the partition is chosen."""
    return _template(kind, lambda event: event.partition_key())


def subject_template(kind: type[Event]) -> str:
    """Return which fields make up `ce_subject`."""
    return _template(kind, lambda event: event.subject())


def _template(kind: type[Event], text_of: Callable[[Event], str]) -> str:
    """Give every number, time and text of the example a value of its own, and look for them in the result."""
    example = kind.example()
    fields = {name: getattr(example, name) for name in kind.model_fields}
    numbers = {name: _FIRST + place for place, name in enumerate(fields) if type(fields[name]) is int}
    times = {
        name: _EPOCH + timedelta(days=9_000 + p) for p, name in enumerate(fields) if type(fields[name]) is datetime
    }
    texts = {name: f"text-{place}-" for place, name in enumerate(fields) if type(fields[name]) is str}
    event = example.model_copy(update={**numbers, **times, **texts})
    text = text_of(event)
    written = event.model_dump(mode="json")
    for name in numbers:
        text = text.replace(str(written[name]), f"{{{name}}}")
    for name, value in texts.items():
        text = text.replace(value, f"{{{name}}}")
    for name, time in times.items():
        text = text.replace(str((time - _EPOCH) // timedelta(microseconds=1)), f"{{{name}, in microseconds}}")
    return text
