"""Every pod: what it runs, how it is watched, how it ends, what it may do."""

from __future__ import annotations

from typing import Any

import pytest

from photomesh_identity.settings import Settings as IdentitySettings
from photomesh_local.configuration import registry
from photomesh_local.configuration.stack import ROOT
from photomesh_media_worker.settings import Settings as WorkerSettings
from tests.support.manifests import Resource, container, memory, named, of, pods, secrets, workload_kind

PODS = {workload.name: (workload, template) for workload, template in pods()}
ENTRY_POINTS = {name: program.command for name, program in registry.PROGRAMS.items() if program.kind != "job"}
JOBS = {name: program.command for name, program in registry.PROGRAMS.items() if program.kind == "job"}
each_pod = pytest.mark.parametrize("name", PODS)
each_entry_point = pytest.mark.parametrize("name", ENTRY_POINTS)

_COMMIT_AND_LEAVE = 20
"""Seconds that a consumer may take after its drain, at most: for its last commit, and for leaving the group."""
SHUTDOWN = 20


def _workload(name: str) -> Resource:
    workload, _ = PODS[name]
    return workload


def test_every_entry_point_has_a_deployment_and_every_deployment_is_one() -> None:
    assert {one.name for one in of("Deployment", "CronJob")} == set(ENTRY_POINTS)
    for name in ENTRY_POINTS:
        assert _workload(name).kind == workload_kind(registry.PROGRAMS[name].kind)


@each_entry_point
def test_it_runs_the_module_that_the_local_stack_runs(name: str) -> None:
    assert container(_workload(name))["command"] == ENTRY_POINTS[name]


def test_jobs_run_what_the_local_stack_runs_before_it_starts_services() -> None:
    assert {job.name: container(job)["command"] for job in of("Job")} == JOBS
    assert {name for name in JOBS if name.endswith("-schema")} == {f"{name}-schema" for name in _with_migrations()}


def _with_migrations() -> list[str]:
    return [name for name, made in registry.DEPLOYABLES.items() if (ROOT / made.folder / "migrations").is_dir()]


@each_pod
def test_restricted_security(name: str) -> None:
    """The Pod Security Standard "restricted", and a root file system that nobody writes to."""
    workload, template = PODS[name]
    spec, only = template["spec"], container(workload)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert all(set(volume) - {"name"} <= {"emptyDir", "configMap"} for volume in spec.get("volumes", []))
    assert not any("hostPort" in port for port in only.get("ports", []))
    assert spec["automountServiceAccountToken"] is False


def test_the_namespace_enforces_it() -> None:
    labels = named("Namespace", "photomesh").body["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@each_pod
def test_resources(name: str) -> None:
    resources = container(_workload(name))["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert set(resources["limits"]) == {"memory"}
    assert memory(resources["requests"]["memory"]) <= memory(resources["limits"]["memory"])


def _serving() -> list[str]:
    return [name for name, (workload, _) in PODS.items() if workload.kind not in ("Job", "CronJob")]


@pytest.mark.parametrize("name", _serving())
def test_probes(name: str) -> None:
    only = container(_workload(name))
    assert only["startupProbe"]["httpGet"] == only["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    ready = "/readyz" if name in ENTRY_POINTS else "/healthz"
    assert only["readinessProbe"]["httpGet"] == {"path": ready, "port": "http"}
    # /readyz gives each dependency two seconds.
    assert only["readinessProbe"]["timeoutSeconds"] > 2
    assert [port["name"] for port in only["ports"]] == ["http"]


@pytest.mark.parametrize("name", _serving())
def test_labels_and_selectors(name: str) -> None:
    workload, template = PODS[name]
    labels = template["metadata"]["labels"]
    assert workload.spec["selector"]["matchLabels"] == {"app.kubernetes.io/name": name}
    assert labels["app.kubernetes.io/name"] == name
    assert labels["app.kubernetes.io/part-of"] == "photomesh"
    spread = template["spec"]["topologySpreadConstraints"]
    assert {constraint["topologyKey"] for constraint in spread} == {
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    }
    assert all(constraint["labelSelector"]["matchLabels"] == {"app.kubernetes.io/name": name} for constraint in spread)


@pytest.mark.parametrize("name", _serving())
def test_it_has_time_to_end(name: str) -> None:
    workload, template = PODS[name]
    served = any(service.spec["selector"] == {"app.kubernetes.io/name": name} for service in of("Service"))
    sleep = container(workload).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert (sleep >= 5) == served, "whoever gets requests stays until nobody sends any more"
    grace = template["spec"]["terminationGracePeriodSeconds"]
    rest = 0 if workload.kind == "StatefulSet" else SHUTDOWN if served else SHUTDOWN + _COMMIT_AND_LEAVE
    assert grace >= sleep + rest + 10


def _limit(name: str) -> int:
    return memory(container(_workload(name))["resources"]["limits"]["memory"])


def _own_environment(name: str) -> dict[str, Any]:
    return {entry["name"]: entry["value"] for entry in container(_workload(name)).get("env", [])}


def test_identity_has_memory_for_its_passwords() -> None:
    fields = IdentitySettings.model_fields
    hashing = fields["argon2_memory_kib"].default * 1024 * fields["password_threads"].default
    assert _limit("identity") >= hashing + memory("256Mi")


@pytest.mark.parametrize("name", ["media-worker", "media-worker-reprocess"])
def test_a_worker_has_memory_for_its_decoders(name: str) -> None:
    own = _own_environment(name)
    decoders, each = int(own["PHOTOMESH_DECODERS"]), int(own["PHOTOMESH_DECODER_MEMORY_MB"])
    assert {"decoders", "decoder_memory_mb"} <= set(WorkerSettings.model_fields)
    assert _limit(name) >= decoders * each * 1024**2 + memory("256Mi")


@each_pod
def test_the_secrets_it_reads_are_made(name: str) -> None:
    made = {secret for namespace, secret in secrets() if namespace == "photomesh"}
    read = {
        source["secretRef"]["name"] for source in container(_workload(name)).get("envFrom", []) if "secretRef" in source
    }
    assert read <= made
