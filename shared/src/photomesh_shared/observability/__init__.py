"""Logs, metrics and traces, set up once per process by `configure`."""

from __future__ import annotations

from photomesh_shared.observability import logs, metrics, tracing
from photomesh_shared.settings import ServiceSettings

__all__ = ["configure"]


def configure(service: str, settings: ServiceSettings) -> None:
    """Configure all three, first in a deployable's `__main__`. `service` is the name in logs and spans."""
    logs.configure(service, settings.log_level)
    tracing.configure(service, settings)
    metrics.BUILD.labels(settings.version, settings.revision).set(1)
