"""The manifests of `deploy/k8s`, as they are written: rendering them is kustomize's, which tests do not need."""

from __future__ import annotations

import copy
import runpy
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

__all__ = [
    "K8S",
    "Resource",
    "container",
    "env_file",
    "kustomizations",
    "memory",
    "named",
    "of",
    "patched",
    "pod_template",
    "pods",
    "secrets",
    "secrets_from",
    "workload_kind",
]

K8S = Path(__file__).parents[2] / "deploy" / "k8s"
_WORKLOADS = ("Deployment", "StatefulSet", "Job", "CronJob")


@dataclass(frozen=True)
class Resource:
    """One document of one file."""

    path: Path
    body: Any

    @property
    def kind(self) -> str:
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])

    @property
    def spec(self) -> Any:
        return self.body["spec"]

    def __str__(self) -> str:
        return f"{self.path.relative_to(K8S)}:{self.kind}/{self.name}"


@cache
def _all(folder: str) -> tuple[Resource, ...]:
    files = (path for path in sorted((K8S / folder).rglob("*.yaml")) if path.name != "kustomization.yaml")
    bodies = ((path, body) for path in files for body in yaml.safe_load_all(path.read_text()))
    return tuple(Resource(path, body) for path, body in bodies if "kind" in body)  # the rest configures kustomize


def of(*kinds: str, folder: str = "base") -> list[Resource]:
    """All resources of these kinds, or of any."""
    return [resource for resource in _all(folder) if not kinds or resource.kind in kinds]


def named(kind: str, name: str, folder: str = "base") -> Resource:
    (found,) = (resource for resource in of(kind, folder=folder) if resource.name == name)
    return found


@cache
def kustomizations() -> Mapping[Path, Any]:
    """Folder → its kustomization."""
    return {path.parent: yaml.safe_load(path.read_text()) for path in sorted(K8S.rglob("kustomization.yaml"))}


def pods() -> Iterator[tuple[Resource, Any]]:
    """Every workload with its pod template."""
    for resource in of(*_WORKLOADS):
        yield resource, pod_template(resource)


def pod_template(workload: Resource) -> Any:
    spec = workload.spec["jobTemplate"]["spec"] if workload.kind == "CronJob" else workload.spec
    return spec["template"]


def container(workload: Resource) -> Any:
    (only,) = pod_template(workload)["spec"]["containers"]
    return only


def workload_kind(program_kind: str) -> str:
    """Return the kind of resource that runs a kind of program of the registry."""
    return {"job": "Job", "cronjob": "CronJob"}.get(program_kind, "Deployment")


def env_file(path: str) -> dict[str, str]:
    """A file for configMapGenerator: NAME=VALUE lines and comments, nothing quoted."""
    lines = [line for line in (K8S / path).read_text().splitlines() if line and not line.startswith("#")]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def memory(quantity: str) -> int:
    """Bytes of a quantity such as 256Mi."""
    units = {"Mi": 1024**2, "Gi": 1024**3}
    return int(quantity[:-2]) * units[quantity[-2:]]


@cache
def secrets() -> Mapping[tuple[str, str], Mapping[str, str]]:
    """(namespace, name) → keys and values, as `generate_secrets.py` makes them."""
    return secrets_from(bytes(32), tomllib.loads((K8S.parent / "programs.toml").read_text()))


def secrets_from(
    root: bytes, registry: Mapping[str, Any], steps: Mapping[str, int] | None = None
) -> Mapping[tuple[str, str], Mapping[str, str]]:
    """`steps`: purpose → steps of its replacement that were taken."""
    module = runpy.run_path(str(K8S / "generate_secrets.py"))
    made = module["generate"](module["Derived"](module["Root"](root, dict(steps or {}))), registry)
    return {(one["metadata"]["namespace"], one["metadata"]["name"]): one["stringData"] for one in made}


def patched(resource: Resource, overlay: str) -> Any:
    """The body of a resource with an overlay's JSON patches applied, as kustomize would."""
    body = copy.deepcopy(resource.body)
    for patch in kustomizations()[K8S / "overlays" / overlay].get("patches", []):
        target, operations = patch["target"], yaml.safe_load(patch["patch"])
        if target["kind"] == resource.kind and target.get("name") in (None, resource.name):
            for operation in operations:
                *path, last = operation["path"].strip("/").split("/")
                parent = body
                for part in path:
                    parent = parent[int(part) if isinstance(parent, list) else part.replace("~1", "/")]
                key = int(last) if isinstance(parent, list) else last.replace("~1", "/")
                assert operation["op"] in ("add", "replace"), "no other operation is used"
                parent[key] = operation["value"]
    return body
