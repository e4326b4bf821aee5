"""Who scales on what, how far, and what may be away at a time."""

from __future__ import annotations

import json
import math

import pytest

from photomesh_local.configuration import registry
from photomesh_shared.events import TOPICS
from photomesh_shared.ids import MAX_WORKER
from photomesh_shared.settings import PostgresSettings
from tests.support.manifests import container, env_file, named, of, pods

DEPLOYMENTS = {deployment.name: deployment for deployment in of("Deployment")}
COMPONENT = {
    name: deployment.spec["template"]["metadata"]["labels"]["app.kubernetes.io/component"]
    for name, deployment in DEPLOYMENTS.items()
}
APIS = [name for name, component in COMPONENT.items() if component == "api"]
CONSUMERS = [name for name, component in COMPONENT.items() if component == "consumer"]


def test_everything_scales_by_one_thing() -> None:
    assert {hpa.name for hpa in of("HorizontalPodAutoscaler")} == set(APIS)
    assert {scaled.name for scaled in of("ScaledObject")} == set(CONSUMERS)
    # A number of replicas in the manifest would undo the autoscaler's with every deployment.
    assert not any("replicas" in deployment.spec for deployment in DEPLOYMENTS.values())


@pytest.mark.parametrize("name", APIS)
def test_an_api_scales_on_processor_time(name: str) -> None:
    spec = named("HorizontalPodAutoscaler", name).spec
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    assert 2 <= spec["minReplicas"] < spec["maxReplicas"]
    assert [metric["resource"]["name"] for metric in spec["metrics"]] == ["cpu"]
    assert spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] >= 300


@pytest.mark.parametrize("name", CONSUMERS)
def test_a_consumer_scales_on_arrivals_and_backlog(name: str) -> None:
    spec = named("ScaledObject", name).spec
    assert spec["scaleTargetRef"] == {"name": name}
    assert "fallback" not in spec, "an alert says that nothing is measured; pods are not made up"
    measured, *by_kafka = spec["triggers"]
    group = registry.PROGRAMS[name].group
    assert measured["type"] == "prometheus"
    assert measured["metadata"]["query"] == f'max(photomesh:consumer_pods_wanted{{group="{group}"}})'
    assert measured["metadata"]["threshold"] == "1"
    assert measured["metadata"]["ignoreNullValues"] == ("true" if spec["minReplicaCount"] == 0 else "false")
    triggers = [trigger["metadata"] for trigger in by_kafka]
    assert {trigger["consumerGroup"] for trigger in triggers} == {group}
    expected = {topic.name for topic in TOPICS.values() if group in topic.consumers}
    assert sorted(trigger["topic"] for trigger in triggers) == sorted(expected)
    scaling = registry.PROGRAMS[name].scaling
    assert isinstance(scaling, registry.ConsumerScaling)
    partitions = _partitions_of_the_cluster()
    assert spec["maxReplicaCount"] == min(partitions, scaling.max or partitions)
    for trigger in by_kafka:
        metadata = trigger["metadata"]
        assert trigger["type"] == "kafka"
        assert int(metadata["lagThreshold"]) > 0
        assert metadata["limitToPartitionsWithLag"] == "true"
        assert metadata["offsetResetPolicy"] == "earliest"
        assert metadata["version"] == "4.0.0"
        assert metadata["bootstrapServersFromEnv"] == "PHOTOMESH_KAFKA_BOOTSTRAP"
        assert (metadata["sasl"], metadata["tls"]) == ("scram_sha512", "enable")
        assert trigger["authenticationRef"] == {"name": named("TriggerAuthentication", "kafka").name}


def _partitions_of_the_cluster() -> int:
    """All topics have as many."""
    partitions: dict[str, int] = json.loads(env_file("base/common/photomesh.env")["PHOTOMESH_KAFKA_PARTITIONS"])
    assert partitions.keys() == {"*"}
    return partitions["*"]


@pytest.mark.parametrize("name", CONSUMERS)
def test_a_rebalance_alone_starts_no_pod(name: str) -> None:
    """A group that pauses for three seconds, fully used, has three seconds of work waiting for each pod."""
    scaling = registry.PROGRAMS[name].scaling
    assert isinstance(scaling, registry.ConsumerScaling)
    assert scaling.backlog_seconds >= 3 / scaling.utilization


def test_every_group_of_the_catalogue_is_scaled_by_rules_of_its_own() -> None:
    groups = {group for topic in TOPICS.values() for group in topic.consumers}
    scaled = {t["metadata"]["consumerGroup"] for s in of("ScaledObject") for t in s.spec["triggers"][1:]}
    assert scaled == groups
    rules = [rule for group in named("PrometheusRule", "photomesh-scaling").spec["groups"] for rule in group["rules"]]
    wanted = [rule["labels"] for rule in rules if rule["record"] == "photomesh:consumer_pods_wanted"]
    assert sorted((labels["group"], labels["signal"]) for labels in wanted) == sorted(
        (group, signal) for group in groups for signal in ("arrivals", "tolerance", "backlog")
    )


def test_people_are_waited_on_and_bulk_is_not() -> None:
    assert named("ScaledObject", "media-worker").spec["minReplicaCount"] >= 2
    assert named("ScaledObject", "media-worker-reprocess").spec["minReplicaCount"] == 0
    (priority,) = of("PriorityClass")
    assert priority.body["value"] < 0
    template = DEPLOYMENTS["media-worker-reprocess"].spec["template"]
    assert template["spec"]["priorityClassName"] == priority.name
    lanes = {
        name: {entry["name"]: entry["value"] for entry in container(DEPLOYMENTS[name])["env"]}["PHOTOMESH_LANE"]
        for name in ("media-worker", "media-worker-reprocess")
    }
    assert lanes == {"media-worker": "uploads", "media-worker-reprocess": "reprocess"}


def test_every_workload_keeps_all_but_one_through_a_disruption() -> None:
    serving = {workload.name for workload, _ in pods() if workload.kind not in ("Job", "CronJob")}
    budgets = {budget.name: budget.spec for budget in of("PodDisruptionBudget")}
    assert set(budgets) == serving
    for name, spec in budgets.items():
        assert spec["maxUnavailable"] == 1
        assert spec["selector"]["matchLabels"] == {"app.kubernetes.io/name": name}


def _pods_at_most(name: str) -> int:
    """With the surge of a rolling update."""
    replicas: int = named("HorizontalPodAutoscaler", name).spec["maxReplicas"]
    return math.ceil(replicas * 1.25)


def _consumers_at_most(name: str) -> int:
    replicas: int = named("ScaledObject", name).spec["maxReplicaCount"]
    return math.ceil(replicas * 1.5)


def _labels(name: str) -> dict[str, str]:
    labels: dict[str, str] = DEPLOYMENTS[name].spec["template"]["metadata"]["labels"]
    return labels


@pytest.mark.parametrize("name", [name for name, made in registry.DEPLOYABLES.items() if made.postgres])
def test_postgres_has_a_connection_for_every_place_in_every_pool(name: str) -> None:
    database = named("Cluster", f"{name}-db", folder="data-plane")
    pool = PostgresSettings.model_fields["postgres_pool"].default
    consumers = [consumer for consumer in CONSUMERS if f"needs.photomesh.dev/{name}-db" in _labels(consumer)]
    pods_at_most = _pods_at_most(name) + sum(map(_consumers_at_most, consumers))
    assert pods_at_most * pool <= int(database.spec["postgresql"]["parameters"]["max_connections"]) - 20


def test_there_are_worker_numbers_for_all() -> None:
    assert sum(_pods_at_most(name) for name in APIS) < (MAX_WORKER + 1) / 4
