"""What Prometheus sees of the graph, besides what every service has."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter

from photomesh_shared.events import Envelope, Event

__all__ = ["CHANGES", "WAITS", "count_changes"]

CHANGES = Counter("photomesh_social_graph_changes_total", "Changes between two accounts, by event type.", ["type"])
WAITS = Counter(
    "photomesh_social_graph_account_waits_total",
    "Requests that had to wait for an account that was just opened, by outcome: known, unknown.",
    ["outcome"],
)


def count_changes(events: Iterable[Envelope[Event]]) -> None:
    for event in events:
        CHANGES.labels(event.data.type_).inc()
