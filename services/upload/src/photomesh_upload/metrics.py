"""Prometheus metrics of uploads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge

from photomesh_shared.errors import Problem

__all__ = ["COMPLETES", "EXPIRED", "INITS", "OPEN", "problems_counted"]

INITS = Counter("photomesh_upload_inits_total", "Uploads begun, or why not.", ["outcome"])
COMPLETES = Counter("photomesh_upload_completes_total", "Uploads completed, or why not.", ["outcome"])
OPEN = Gauge("photomesh_uploads_open", "Open uploads, as the sweeper saw them last.")
EXPIRED = Counter("photomesh_uploads_expired_total", "Uploads that the sweeper found expired.")


@contextmanager
def problems_counted(counter: Counter) -> Iterator[None]:
    """Counts a problem that passes through, by its code."""
    try:
        yield
    except Problem as problem:
        counter.labels(problem.code).inc()
        raise
