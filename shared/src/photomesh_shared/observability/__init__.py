"""Logs, metrics and traces, set up once per process by `configure`."""

from __future__ import annotations

from photomesh_shared.observability import logs, metrics, tracing
from photomesh_shared.settings import ServiceSettings

__all__ = ["configure"]


def configure(service: str, settings: ServiceSettings) -> None:
    """Called first thing in a deployable's `__main__`; `service` is the name that logs and spans carry."""
    logs.configure(service, settings.log_level)
    tracing.configure(service, settings)
    metrics.BUILD.labels(settings.version, settings.revision).set(1)
