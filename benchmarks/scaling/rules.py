"""How many pods each rule wants: lag alone, and arrivals with the backlog as Prometheus and KEDA see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor

from benchmarks.scaling.group import STEP, Sample
from photomesh_local.configuration.registry import ConsumerScaling

__all__ = ["Rule", "arrivals_and_backlog", "lag_alone"]

Rule = Callable[[Sequence[Sample], float], float]
"""(history, seconds) → pods wanted."""

_SCRAPE_SECONDS, _PHASE, _WINDOW = 15, 7, 60
"""Scrapes come this often, this long after a decision of the HPA; the window of `rate`."""


def lag_alone(threshold: int) -> Rule:
    """One pod for each `threshold` records that wait, as KEDA's Kafka scaler counts by default."""

    def wanted(history: Sequence[Sample], now: float) -> float:
        lags = _at(history, now).lags
        return min(sum(lags) / threshold, len(lags))

    return wanted


def arrivals_and_backlog(scaling: ConsumerScaling, seconds_per_record: float) -> Rule:
    """The largest of the rules of `deploy/k8s/base/monitoring/scaling.yaml` and of Kafka's lag."""

    def wanted(history: Sequence[Sample], now: float) -> float:
        last = (now - _PHASE) // _SCRAPE_SECONDS * _SCRAPE_SECONDS + _PHASE
        first = max(last - _WINDOW + _SCRAPE_SECONDS, last % _SCRAPE_SECONDS)
        arrivals = backlog = 0.0
        if last > first:
            ends = zip(_at(history, first).ends, _at(history, last).ends, strict=True)
            rates = [(late - early) / (last - first) for early, late in ends]
            needed = sum(min(rate * seconds_per_record, 1) for rate in rates)
            partitions_a_pod = max(1, floor(len(rates) * scaling.utilization / needed)) if needed else len(rates)
            arrivals = len(rates) / partitions_a_pod
            arrivals = max(arrivals, arrivals * 1.1 - 1.09)  # beyond the tolerance of the HPA
            lags = _at(history, last).lags
            backlog = sum(min(lag * seconds_per_record / scaling.backlog_seconds, 1) for lag in lags)
        lags = _at(history, now).lags
        by_kafka = min(sum(lags) / scaling.backlog, sum(lag > 0 for lag in lags))
        return max(arrivals, backlog, by_kafka)

    return wanted


def _at(history: Sequence[Sample], seconds: float) -> Sample:
    return history[max(0, min(len(history) - 1, int(seconds / STEP)))]
