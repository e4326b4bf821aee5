"""Prometheus metrics of this service, besides those of every service."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

__all__ = ["CHANGES", "GROUP_WRITES", "OLDEST_TASK", "TASKS"]

CHANGES = Counter("photomesh_notification_changes_total", "Changes collected, before those of one actor are folded.")
TASKS = Counter("photomesh_notification_tasks_total", "Tasks published by the collector.")
GROUP_WRITES = Counter("photomesh_notification_group_writes_total", "Writes of groups.")
OLDEST_TASK = Gauge(
    "photomesh_notification_task_age_seconds", "Age of the newest handled task when it was handled, from its event."
)
