"""Prometheus metrics that several deployables share, and their rendering."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

__all__ = ["BUILD", "CONTENT_TYPE", "HTTP_REQUESTS", "HTTP_SECONDS", "render"]

CONTENT_TYPE = CONTENT_TYPE_LATEST

BUILD = Gauge("photomesh_build_info", "Always 1; the labels are the running release.", ["version", "revision"])
HTTP_REQUESTS = Counter("photomesh_http_requests_total", "Requests responded to.", ["method", "route", "status"])
HTTP_SECONDS = Histogram(
    "photomesh_http_request_seconds",
    "Time from the request's first byte to the response's last.",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def render() -> bytes:
    """Render the process's metrics in Prometheus' text format."""
    return generate_latest()
