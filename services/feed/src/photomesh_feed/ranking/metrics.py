"""Prometheus metrics of ranking."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

__all__ = [
    "CALIBRATION",
    "FAILED",
    "MODEL_SECONDS",
    "MODEL_TRAINED",
    "OVERLAP",
    "RANKED",
    "REFUSED",
    "REVIEWED",
    "SHARE",
]

RANKED = Counter("photomesh_feed_ranked_total", "Orders made, by what ranked: candidate, base, weights.", ["ranker"])
FAILED = Counter("photomesh_feed_model_failures_total", "Orders for which a model failed, or took too long.", ["slot"])
REFUSED = Counter("photomesh_feed_models_refused_total", "Models that were not loaded, by reason.", ["reason"])
MODEL_SECONDS = Histogram(
    "photomesh_feed_model_seconds",
    "Processor time of scoring the candidates of an order by a model.",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1),
)
OVERLAP = Histogram(
    "photomesh_feed_shadow_overlap",
    "Of the first ten posts, how many a model in the shadow would have put there as well, as a share.",
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
)
MODEL_TRAINED = Gauge(
    "photomesh_feed_model_trained_seconds", "When a model was trained, since 1970; 0: none.", ["slot"]
)
SHARE = Gauge("photomesh_feed_candidate_share", "Share of the viewers for whom the candidate ranks.")
REVIEWED = Gauge("photomesh_feed_models_reviewed_seconds", "When the trainer last judged models, since 1970; 0: never.")
CALIBRATION = Gauge(
    "photomesh_feed_model_calibration_ratio",
    "What the model that ranks predicted of the latest day, divided by what happened.",
    ["head"],
)
for _ranker in ("candidate", "base", "weights"):
    RANKED.labels(_ranker)
for _slot in ("candidate", "base"):
    FAILED.labels(_slot)
    MODEL_TRAINED.labels(_slot)
for _reason in ("size", "broken", "schema", "digest", "constant", "missing", "pointer"):
    REFUSED.labels(_reason)
