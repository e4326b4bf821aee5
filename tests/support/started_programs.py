"""Prints the counters with labels that have a series once programs have started, one a line. Starts no server.

A program of its own, because counters are global: in the process of other tests they have counted long ago.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from prometheus_client import REGISTRY

from photomesh_gateway.admission import Admission, AdmissionLimits
from photomesh_gateway.ratelimit.buckets import LocalBuckets
from photomesh_gateway.ratelimit.limiter import AddressFactors, RateLimiter
from photomesh_shared.clock import SystemClock
from photomesh_shared.concurrency.gcra import Rate
from photomesh_shared.consumer.copies import CopyReconciliation
from photomesh_shared.events import PhotoReady
from photomesh_shared.http import Budget, RateClass
from photomesh_shared.kafka.consumer import kafka_source
from photomesh_shared.kafka.publisher import KafkaPublisher
from photomesh_shared.kafka.runner import ConsumerRunner
from photomesh_shared.stores.object_storage import ObjectStorage
from tests.support.kafka import NO_KAFKA


async def _handle(_: Any) -> None:
    raise AssertionError("nothing is consumed")


def main() -> None:
    for module in (
        "photomesh_explore.metrics",
        "photomesh_export.metrics",
        "photomesh_feed.ranking.metrics",
        "photomesh_feed.reading.metrics",
        "photomesh_media_worker.service",
        "photomesh_notification.push.metrics",
        "photomesh_post.metrics",
        "photomesh_shared.stores.cdn",
        "photomesh_identity.metrics",
        "photomesh_social_graph.metrics",
        "photomesh_search.metrics",
        "photomesh_story.metrics",
        "photomesh_webhook.sending.metrics",
    ):
        import_module(module)
    once = Rate(1, 1)
    classes, budgets = dict.fromkeys(RateClass, once), dict.fromkeys(Budget, 1)
    RateLimiter(LocalBuckets(), once, once, classes, budgets, 1, AddressFactors())
    Admission(AdmissionLimits(total=1, per_upstream=1, per_client=1, queue=1, patience=1))
    publisher = KafkaPublisher(NO_KAFKA, "post-consumer")
    ConsumerRunner(kafka_source(NO_KAFKA), group="post", handlers={PhotoReady: _handle}, publisher=publisher)
    ObjectStorage(None, None)
    CopyReconciliation[Any]("accounts", None, None, None, SystemClock(), pass_seconds=1)  # type: ignore[arg-type]
    for family in REGISTRY.collect():
        if family.type == "counter":
            for sample in family.samples:
                if sample.labels and sample.name.endswith("_total"):
                    print(sample.name, sample.labels.get("outcome", ""))


main()
