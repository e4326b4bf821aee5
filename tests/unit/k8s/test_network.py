"""Who may talk to whom: exactly those who need to."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic_settings import BaseSettings

from photomesh_local.configuration import registry
from photomesh_shared.settings import (
    AuthSettings,
    CassandraSettings,
    KafkaSettings,
    PostgresSettings,
    RedisSettings,
    StorageSettings,
)
from tests.support.manifests import named, of, pod_template, pods, workload_kind

_PREFIX = "needs.photomesh.dev/"
_PARTS: dict[type[BaseSettings], str] = {
    CassandraSettings: "cassandra",
    KafkaSettings: "kafka",
    RedisSettings: "redis",
    StorageSettings: "object-storage",
}
_FIELDS = {
    "feed_redis_url": "feed-redis",
    "cdn_purge_urls": "cdn",
    "smtp_url": "mail",
    "opensearch_url": "opensearch",
    "outbound_test_receivers": "internet",
}
SERVICES = [name for name, program in registry.PROGRAMS.items() if program.kind != "job"]
CALLED = [name for name, program in registry.PROGRAMS.items() if program.kind == "http" and name != "gateway"]


def _needs(template: Any) -> set[str]:
    labels = template["metadata"]["labels"]
    return {label.removeprefix(_PREFIX) for label in labels if label.startswith(_PREFIX)}


def _by_settings(name: str) -> set[str]:
    program = registry.PROGRAMS[name]
    kind = program.settings_class()
    needs = {need for part, need in _PARTS.items() if issubclass(kind, part)}
    if issubclass(kind, PostgresSettings):
        needs.add(f"{program.deployable.name}-db")
    if issubclass(kind, AuthSettings) and name != "identity":
        needs.add("identity")
    needs |= {service for service in CALLED if f"{service.replace('-', '_')}_url" in kind.model_fields}
    needs |= {need for field, need in _FIELDS.items() if field in kind.model_fields}
    return needs


@pytest.mark.parametrize("name", SERVICES)
def test_a_program_needs_what_its_settings_speak_of(name: str) -> None:
    assert _needs(pod_template(named(workload_kind(registry.PROGRAMS[name].kind), name))) == _by_settings(name)


def _allowed_out() -> dict[str, Any]:
    """What may be needed → where it is."""
    policies = {policy.name: policy.spec for policy in of("NetworkPolicy")}
    return {
        name.removeprefix("to-"): spec["egress"][0]
        for name, spec in policies.items()
        if name.startswith("to-") and spec["podSelector"] == {"matchLabels": {_PREFIX + name[3:]: "true"}}
    }


def test_everything_is_denied_that_is_not_allowed() -> None:
    policy = named("NetworkPolicy", "default-deny")
    assert policy.spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_every_need_is_met_and_no_other() -> None:
    needs = {need for _, template in pods() for need in _needs(template)}
    assert set(_allowed_out()) == needs


def _into(name: str) -> list[Any]:
    policy = named("NetworkPolicy", f"into-{name}")
    assert policy.spec["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": name}}
    return [peer for rule in policy.spec["ingress"] for peer in rule["from"]]


def _needing(need: str) -> Any:
    return {"podSelector": {"matchLabels": {_PREFIX + need: "true"}}}


PROXIES = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "envoy-gateway-system"}}}


def test_services_are_reached_by_those_who_need_them() -> None:
    assert _into("gateway") == [PROXIES]
    for name in CALLED:
        assert _into(name) == [_needing(name)]
    assert _into("edge") == [PROXIES, _needing("cdn")]
    assert _into("shield") == [_needing("shield"), _needing("cdn")]


def test_the_stores_let_in_those_who_need_them() -> None:
    let_in = {
        peer["podSelector"]["matchLabels"].popitem()[0].removeprefix(_PREFIX)
        for policy in of("NetworkPolicy", folder="data-plane")
        for rule in policy.spec["ingress"]
        for peer in rule["from"]
        if "namespaceSelector" in peer and "podSelector" in peer
    }
    (listener,) = named("Kafka", "photomesh", folder="data-plane").spec["kafka"]["listeners"]
    assert any(
        peer.get("podSelector") == {"matchLabels": {_PREFIX + "kafka": "true"}}
        for peer in listener["networkPolicyPeers"]
    )
    stores = {need for need, rule in _allowed_out().items() if "namespaceSelector" in rule.get("to", [{}])[0]}
    assert let_in | {"kafka"} == stores
