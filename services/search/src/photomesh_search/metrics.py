"""Prometheus metrics."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import Counter, Gauge, Histogram

from photomesh_shared.errors import Unavailable

__all__ = ["AGE", "DOCUMENTS", "REFILLS", "REFUSED", "Search", "measured"]

_KINDS = ("accounts", "posts", "hashtags", "places")

SEARCHES = Counter(
    "photomesh_searches_total", "Searches by what came of them: found, empty, unavailable, failed.", ["kind", "outcome"]
)
SECONDS = Histogram(
    "photomesh_search_seconds",
    "From a search to its answer.",
    ["kind"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5),
)
REFILLS = Counter("photomesh_search_refills_total", "Further rounds for pages whose hits could not be shown.", ["kind"])
REFUSED = Counter("photomesh_search_refused_total", "Requests that OpenSearch refused: they are wrong.", ["side"])
DOCUMENTS = Counter("photomesh_search_documents_total", "Documents sent to the index, repetitions too.", ["index"])
AGE = Gauge("photomesh_search_document_age_seconds", "Of the newest event that was indexed: time until then.")

for _kind in _KINDS:
    REFILLS.labels(_kind)
    SECONDS.labels(_kind)
    for _outcome in ("found", "empty", "unavailable", "failed"):
        SEARCHES.labels(_kind, _outcome)
for _side in ("search", "consumer"):
    REFUSED.labels(_side)
for _index in ("accounts", "posts"):
    DOCUMENTS.labels(_index)


@dataclass
class Search:
    """`found`: how much is in the answer."""

    found: int = 0


@contextmanager
def measured(kind: str) -> Iterator[Search]:
    """Measures a search."""
    search, began, outcome = Search(), time.perf_counter(), "failed"
    try:
        yield search
        outcome = "found" if search.found else "empty"
    except Unavailable:
        outcome = "unavailable"
        raise
    finally:
        SEARCHES.labels(kind, outcome).inc()
        SECONDS.labels(kind).observe(time.perf_counter() - began)
