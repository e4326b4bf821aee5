"""Prometheus metrics of this service, besides those of every service."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

__all__ = [
    "CHANGES",
    "DROPPED",
    "EVENTS",
    "GROUP_WRITES",
    "OPEN_STREAMS",
    "RESETS",
    "STREAMS_ENDED",
    "STREAM_PLACES",
    "SUBSCRIPTION_LOST",
    "TASKS",
    "TASK_AGE",
]

CHANGES = Counter("photomesh_notification_changes_total", "Changes collected, before those of one actor are folded.")
DROPPED = Counter(
    "photomesh_notification_dropped_total",
    "Comments and replies that were not stored, because there are as many of one post or comment as are kept.",
    ["kind"],
)
for _kind in ("comment", "reply"):
    DROPPED.labels(_kind)
TASKS = Counter("photomesh_notification_tasks_total", "Tasks published by the collector.")
GROUP_WRITES = Counter("photomesh_notification_group_writes_total", "Writes of groups.")
TASK_AGE = Gauge(
    "photomesh_notification_task_age_seconds", "Age of the newest handled task when it was handled, from its event."
)
OPEN_STREAMS = Gauge("photomesh_notification_streams", "Open streams.")
STREAM_PLACES = Gauge("photomesh_notification_stream_places", "Streams that may be open.")
STREAMS_ENDED = Counter(
    "photomesh_notification_streams_ended_total",
    "Streams that ended, by why: client, slow, expired, drained, reset.",
    ["why"],
)
EVENTS = Counter("photomesh_notification_stream_events_total", "Events sent to streams.", ["event"])
RESETS = Counter(
    "photomesh_notification_stream_resets_total",
    "Streams whose client was told to read the list again, by reason: unknown-position, lost, too-many.",
    ["reason"],
)
SUBSCRIPTION_LOST = Gauge(
    "photomesh_notification_subscription_lost", "1 while a process of streams has no subscription to Redis."
)
