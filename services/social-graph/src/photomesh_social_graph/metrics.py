"""Prometheus metrics of the social graph."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter

from photomesh_shared.events import Envelope, Event

__all__ = ["CHANGES", "RESTRICTION_WRITES", "WAITS", "count_changes"]

CHANGES = Counter("photomesh_social_graph_changes_total", "Changes of a relationship, by event type.", ["type"])
WAITS = Counter(
    "photomesh_social_graph_account_waits_total",
    "Requests that waited for an account registered a moment ago, by outcome: known, unknown.",
    ["outcome"],
)

RESTRICTION_WRITES = Counter(
    "photomesh_social_graph_restriction_writes_total",
    "Blocks and removed followers written through to post and feed, by outcome: ok, failed.",
    ["outcome"],
)
for _outcome in ("ok", "failed"):
    RESTRICTION_WRITES.labels(_outcome)


def count_changes(events: Iterable[Envelope[Event]]) -> None:
    for event in events:
        CHANGES.labels(event.data.type_).inc()
