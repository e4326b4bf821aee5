"""Alerts speak of metrics that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from prometheus_client import REGISTRY

from photomesh_local.configuration import registry
from photomesh_local.configuration.stack import ROOT
from tests.support.manifests import named, pods


def _declaring() -> Iterator[str]:
    """Modules that declare metrics: those that import Prometheus' client."""
    for folder in ("shared", *(deployable.folder for deployable in registry.DEPLOYABLES.values())):
        source = ROOT / folder / "src"
        for path in source.rglob("*.py"):
            if "from prometheus_client import" in path.read_text():
                yield ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")


for declaring in _declaring():
    import_module(declaring)

_SUFFIXES = ("", "_total", "_bucket", "_sum", "_count")
_KNOWN = {family.name + suffix for family in REGISTRY.collect() for suffix in _SUFFIXES}


def _rules() -> list[Any]:
    return [rule for group in named("PrometheusRule", "photomesh").spec["groups"] for rule in group["rules"]]


def test_rules_speak_of_metrics_that_exist() -> None:
    for group in named("PrometheusRule", "photomesh-scaling").spec["groups"]:
        for rule in group["rules"]:
            assert set(re.findall(r"(?<![:\w])photomesh_\w+", rule["expr"])) <= _KNOWN, rule
    for rule in _rules():
        metrics = re.findall(r"\b(?:photomesh|kube)_\w+", rule["expr"])
        assert metrics, rule["alert"]
        assert {metric for metric in metrics if metric.startswith("photomesh")} <= _KNOWN, rule["alert"]


def test_alerts_say_what_is_the_matter() -> None:
    names = [rule["alert"] for rule in _rules()]
    assert len(names) == len(set(names))
    for rule in _rules():
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("page", "warn")


def test_every_program_is_measured() -> None:
    monitor = named("PodMonitor", "photomesh").spec
    wanted = {e["key"]: e["values"] for e in monitor["selector"]["matchExpressions"]}
    (endpoint,) = monitor["podMetricsEndpoints"]
    for workload, template in pods():
        labels = template["metadata"]["labels"]
        if workload.kind == "Deployment":
            assert all(labels[key] in values for key, values in wanted.items())
            (port,) = template["spec"]["containers"][0]["ports"]
            assert port["name"] == endpoint["port"]


def test_every_metric_is_documented_and_no_other() -> None:
    families = [family for family in REGISTRY.collect() if family.name.startswith("photomesh_")]
    expected = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    documented = re.findall(r"^\| `(photomesh_\w+)`", (ROOT / "docs" / "observability.md").read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(expected)
