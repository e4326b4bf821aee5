"""Prometheus metrics of this service, besides those of every service."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

__all__ = ["CHANGES", "DROPPED", "GROUP_WRITES", "TASKS", "TASK_AGE"]

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
