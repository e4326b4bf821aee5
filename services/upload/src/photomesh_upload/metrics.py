"""Prometheus metrics of uploads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge

from photomesh_shared.errors import Problem

__all__ = ["COMPLETES", "EXPIRED", "INITS", "OPEN", "OVERSIZED", "RETENTION_ELAPSED", "problems_counted"]

INITS = Counter("photomesh_upload_inits_total", "Uploads created, or the code of the problem.", ["outcome"])
COMPLETES = Counter("photomesh_upload_completes_total", "Uploads completed, or the code of the problem.", ["outcome"])
OPEN = Gauge("photomesh_uploads_open", "Open uploads at the last run of the sweeper.")
EXPIRED = Counter("photomesh_uploads_expired_total", "Uploads expired by the sweeper.")
OVERSIZED = Counter(
    "photomesh_uploads_oversized_total", "Uploads ended by the sweeper because parts were sent again too often."
)
RETENTION_ELAPSED = Counter(
    "photomesh_photos_retention_elapsed_total", "Photos whose time is over, unless a post uses them.", ["stage"]
)
for _stage in ("unusable", "unused"):
    RETENTION_ELAPSED.labels(_stage)


@contextmanager
def problems_counted(counter: Counter) -> Iterator[None]:
    """Counts a problem that is raised inside, by its code."""
    try:
        yield
    except Problem as problem:
        counter.labels(problem.code).inc()
        raise
