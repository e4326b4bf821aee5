"""The ledger of what subscribers were promised: event types and topic policies, in `schemas/ledger.jsonl`.

One JSON object per line; the latest line of a topic or type is in force. `make schemas` appends what is new. A change
of what was promised (another cleanup policy, retention, key or partition count, a schema edited in place, a type or
topic that is gone) is refused until it is stated with its reason:

    make schemas ARGS='--because "Subscribers rebuild from the latest record of each post."'

Lines are never edited or removed; a contract test compares the file with all its earlier commits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from photomesh_shared.events import Event, Topic
from photomesh_shared.kafka.admin.topics import topic_specs
from photomesh_shared.verify_topics.templates import key_template, owner_template, subject_template
from tools.compatibility import Pair, shape

__all__ = ["Contract", "current", "entries", "lines", "recorded"]

Entry = dict[str, Any]

_OF_THE_CLUSTER = {"min.insync.replicas"}  # depends on the number of brokers, not on the topic


@dataclass(frozen=True)
class Contract:
    """Policy by topic, and topic, key, subject and versions by event type."""

    topics: Mapping[str, Entry] = field(default_factory=dict)
    types: Mapping[str, Entry] = field(default_factory=dict)


def recorded(text: str) -> Contract:
    """Return what the lines of a ledger say."""
    kept: dict[str, dict[str, Entry]] = {"topic": {}, "type": {}}
    for line in text.splitlines():
        entry = json.loads(line)
        kind = next(iter(entry))
        name = entry[kind]
        if entry.get("removed"):
            del kept[kind][name]
        else:
            kept[kind][name] = {word: value for word, value in entry.items() if word not in (kind, "because")}
    return Contract(kept["topic"], kept["type"])


def current(topics: Iterable[Topic], types: Mapping[str, type[Event]], versions: Mapping[str, list[Pair]]) -> Contract:
    """Return what catalogue, models and schemas say; `versions` has all of a type, from the first to the current."""
    return Contract(
        {topic.name: _policy(topic) for topic in topics},
        {
            name: {
                "in": kind.topic,
                "key": key_template(kind),
                "owner": owner_template(kind),
                "subject": subject_template(kind),
                "versions": [_fingerprint(pair) for pair in versions[name]],
            }
            for name, kind in types.items()
        },
    )


def entries(old: Contract, new: Contract) -> tuple[list[Entry], dict[str, Entry]]:
    """Return the entries that lead from `old` to `new`: additions, and changes of promises by their description."""
    additions: list[Entry] = []
    changes: dict[str, Entry] = {}
    for kind, before, after in (("topic", old.topics, new.topics), ("type", old.types, new.types)):
        for name, content in after.items():
            entry = {kind: name, **content}
            if name not in before:
                additions.append(entry)
            elif difference := _difference(before[name], content):
                changes[f"{name}: {'; '.join(difference)}"] = entry
            elif before[name] != content:
                additions.append(entry)
        for name in before.keys() - after.keys():
            changes[f"{name}: the {kind} was removed"] = {kind: name, "removed": True}
    return additions, changes


def lines(entries: Iterable[Entry], because: str | None = None) -> str:
    """Return entries as lines of the ledger."""
    reason = {"because": because} if because else {}
    return "".join(json.dumps(entry | reason, ensure_ascii=False) + "\n" for entry in entries)


def _policy(topic: Topic) -> Entry:
    spec = topic_specs([topic], replication=1)[0]
    settings = {name: value for name, value in sorted(spec.settings.items()) if name not in _OF_THE_CLUSTER}
    return {"owner": topic.owner, "partitions": spec.partitions, **settings}


def _difference(old: Entry, new: Entry) -> list[str]:
    """Return what broke a promise; a further version of a type does not."""
    found = []
    for word in sorted(old.keys() | new.keys()):
        before, after = old.get(word), new.get(word)
        if word == "versions":
            if before != (after or [])[: len(before or [])]:
                found.append("a committed version of its schemas was edited or removed")
        elif before != after:
            found.append(f"{word} {before} → {after}")
    return found


def _fingerprint(pair: Pair) -> str:
    """Return a short hash of the two schemas, without descriptions."""
    text = json.dumps([shape(pair.producer), shape(pair.consumer)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
