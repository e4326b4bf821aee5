"""Alerts fire when they should and are silent when they should be; promtool judges."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import REGISTRY

from photomesh_local.configuration.stack import ROOT
from tests.support.manifests import named
from tests.unit.k8s import test_monitoring  # noqa: F401  (imports every module with metrics)
from tools import alerts

RULES = [rule for group in named("PrometheusRule", "photomesh").spec["groups"] for rule in group["rules"]]
TESTS: list[Any] = [test for path in alerts.TESTS.glob("*.yml") for test in yaml.safe_load(path.read_text())["tests"]]
WITHOUT_START = {
    "photomesh_http_requests_total": "its label sets are not known beforehand; the alert wants more than 5"
}


@pytest.mark.timeout(600)  # promtool evaluates every rule at every step, for a minute and more of processor
def test_alerts_fire_and_are_silent_as_their_tests_say() -> None:
    assert alerts.errors() == []


pytestmark = pytest.mark.timeout(600)  # promtool evaluates every rule for every step of all series


def test_a_failing_test_is_reported(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    test = {"interval": "15s", "alert_rule_test": [{"eval_time": "5m", "alertname": "PhotomeshErrors"}]}
    test["alert_rule_test"][0]["exp_alerts"] = [{"exp_labels": {"job": "nobody"}}]  # type: ignore[index]
    (tmp_path / "wrong.yml").write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [test]}))
    monkeypatch.setattr(alerts, "TESTS", tmp_path)
    assert any("PhotomeshErrors" in line for line in alerts.errors())


def test_each_alert_has_a_test_in_which_it_fires_and_one_in_which_it_is_silent() -> None:
    seen: defaultdict[str, set[bool]] = defaultdict(set)
    for case in (case for test in TESTS for case in test.get("alert_rule_test", ())):
        seen[case["alertname"]].add(bool(case["exp_alerts"]))
    assert seen == {rule["alert"]: {True, False} for rule in RULES}


def test_counters_of_alerts_start_at_zero() -> None:
    """A series that appears with its first event shows no increase, so the first dead letter would not be seen."""
    command = [sys.executable, "-m", "tests.support.started_programs"]
    started = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    series = {(name, wanted) for name, outcome in (line.split(" ") for line in started) for wanted in (outcome, "")}
    labelled = {
        f"{collector._name}_total"
        for collector in REGISTRY._collector_to_names
        if isinstance(collector, MetricWrapperBase) and collector._type == "counter" and collector._labelnames
    }
    pattern = r'\b(photomesh_\w+_total)\b(?:\{outcome="(\w+)"\})?'
    watched = {
        (name, outcome)
        for rule in RULES
        for name, outcome in re.findall(pattern, rule["expr"])
        if name in labelled - WITHOUT_START.keys()
    }
    assert {("photomesh_dead_letters_total", ""), ("photomesh_photos_total", "failed")} <= watched
    assert watched <= series
