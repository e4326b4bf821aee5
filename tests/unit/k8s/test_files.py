"""The files hang together: they are valid, listed, and say what their neighbours rely on."""

from __future__ import annotations

import getopt
import re
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from photomesh_gateway.routing.table import ROUTES
from photomesh_local.configuration.stack import ROOT
from tests.support.manifests import K8S, container, env_file, kustomizations, memory, named, of, patched, pods

SUPPORTED = ("1.34", "1.37")
"""Kubernetes' oldest and newest version that this is for. The oldest has the sleep action and sidecars for good."""

# The API groups of Kubernetes itself; what is an operator's, its schemas do not know.
_CORE = ("v1", "apps/v1", "batch/v1", "autoscaling/v2", "policy/v1", "networking.k8s.io/v1", "scheduling.k8s.io/v1")
_OPERATORS = {
    "cert-manager.io/v1",
    "k8ssandra.io/v1alpha1",
    "gateway.envoyproxy.io/v1alpha1",
    "gateway.networking.k8s.io/v1",
    "gateway.networking.k8s.io/v1beta1",
    "kafka.strimzi.io/v1",
    "keda.sh/v1alpha1",
    "monitoring.coreos.com/v1",
    "postgresql.cnpg.io/v1",
    "redis.redis.opstreelabs.in/v1beta2",
    "seaweed.seaweedfs.com/v1",
}


@pytest.mark.parametrize("version", SUPPORTED)
def test_every_manifest_is_valid(version: str) -> None:
    for resource in of(folder=""):
        if resource.path.is_relative_to(K8S / "overlays"):
            raise AssertionError(f"{resource}: overlays patch, they add nothing")
        if resource.body["apiVersion"] in _CORE:
            kubernetes_validate.validate(resource.body, version, strict=True)
        else:
            assert resource.body["apiVersion"] in _OPERATORS, resource


def test_no_two_resources_have_one_name() -> None:
    for folder in ("base", "data-plane"):
        names = [(resource.kind, resource.name) for resource in of(folder=folder)]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("folder", kustomizations(), ids=lambda folder: str(folder.relative_to(K8S)))
def test_a_kustomization_lists_every_file_beside_it(folder: Path) -> None:
    body = kustomizations()[folder]
    listed = {*body.get("resources", []), *body.get("components", []), *body.get("configurations", [])}
    for entry in listed:
        target = folder / entry
        assert target.is_file() or (target / "kustomization.yaml").is_file(), f"{folder}: there is no {entry}"
    assert {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"} <= listed
    generated = {
        name.split("=")[-1]
        for generator in body.get("configMapGenerator", [])
        for name in (*generator.get("files", []), *generator.get("envs", []))
    }
    assert all((folder / name).is_file() for name in generated)


def _under(entry: Path) -> set[Path]:
    """The folders that a kustomization is made of, itself included."""
    body = kustomizations()[entry]
    children = [(entry / name).resolve() for name in (*body.get("resources", []), *body.get("components", []))]
    return {entry}.union(*(_under(child) for child in children if child.is_dir()))


@pytest.mark.parametrize("overlay", ["dev", "production"])
def test_an_overlay_has_all_programs(overlay: str) -> None:
    workloads = {resource.path.parent for resource, _ in pods() if resource.kind != "Job"}
    assert workloads <= _under(K8S / "overlays" / overlay)
    assert K8S / "base" / "prepare" in _under(K8S / "overlays" / overlay / "prepare")


def _at(body: Any, pointer: str) -> Any:
    for part in pointer.strip("/").split("/"):
        body = body[int(part) if isinstance(body, list) else part.replace("~1", "/")]
    return body


@pytest.mark.parametrize("folder", kustomizations(), ids=lambda folder: str(folder.relative_to(K8S)))
def test_a_patch_meets_something_to_change(folder: Path) -> None:
    sources = {K8S / "data-plane"} if K8S / "data-plane" in _under(folder) else _under(folder)
    resources = [r for r in of(folder="") if any(r.path.is_relative_to(source) for source in sources)]
    for patch in kustomizations()[folder].get("patches", []):
        target = patch["target"]
        hit = [
            resource
            for resource in resources
            if resource.kind == target["kind"] and target.get("name") in (None, resource.name)
        ]
        assert hit, target
        operations = yaml.safe_load(patch["patch"])
        for operation in operations if isinstance(operations, list) else []:
            for resource in hit:
                pointer = operation["path"]
                parent = pointer.rpartition("/")[0] if operation["op"] == "add" else pointer
                assert _at(resource.body, parent) is not None, f"{resource} has no {pointer}"


def test_each_redis_reads_its_own_file() -> None:
    generators = kustomizations()[K8S / "data-plane"]["configMapGenerator"]
    made = {generator["name"]: generator["files"] for generator in generators}
    for redis in of("RedisReplication", folder="data-plane"):
        assert redis.spec["redisConfig"] == {"additionalRedisConfig": redis.name}
        assert made[redis.name] == [f"redis-additional.conf={redis.name}.conf"]


def _version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def _ours() -> set[str]:
    return {image for workload, _ in pods() if (image := container(workload)["image"]).startswith("photomesh/")}


def test_one_file_says_which_version_of_our_images() -> None:
    assert all(":" not in image for image in _ours())
    release = kustomizations()[K8S / "base" / "release"]
    assert {image["name"]: image["newTag"] for image in release["images"]} == dict.fromkeys(_ours(), _version())


def test_our_images_are_the_deployables() -> None:
    deployables = {path.parent.name for path in (ROOT / "services").glob("*/pyproject.toml")} | {"gateway"}
    assert {image.removeprefix("photomesh/") for image in _ours()} == deployables


def _images(body: Any) -> list[str]:
    if isinstance(body, list):
        return [image for item in body for image in _images(item)]
    if isinstance(body, dict):
        here = [value for name, value in body.items() if name in ("image", "imageName") and isinstance(value, str)]
        return here + [image for value in body.values() for image in _images(value)]
    return []


def test_what_is_not_ours_is_pinned() -> None:
    for resource in of(folder=""):
        for image in set(_images(resource.body)) - _ours():
            name, _, tag = image.rpartition(":")
            assert name, f"{resource}: {image} has no tag"
            assert tag[0] in "v0123456789", f"{resource}: {image} may be another one tomorrow"


@pytest.mark.parametrize(("layer", "upstream"), [("edge", "shield:8080"), ("shield", None)])
def test_the_cdn_has_the_policy_of_the_local_stack(layer: str, upstream: str | None) -> None:
    """But for names and addresses, line by line."""
    template = (ROOT / "deploy/local/config/cdn.vcl").read_text().splitlines()
    _, *lines = (K8S / "base" / "cdn" / f"{layer}.vcl").read_text().splitlines()
    assert len(lines) == len(template)
    for pattern, line in zip(template, lines, strict=True):
        assert re.fullmatch(re.sub(r"@[A-Z_]+@", ".+", re.escape(pattern)), line), line
    text = "\n".join(lines)
    if upstream:
        host, _, port = upstream.partition(":")
        assert f'.host = "{host}"' in text
        assert f'.port = "{port}"' in text


def test_the_shield_asks_the_store_that_the_services_use() -> None:
    host, _, port = (
        env_file("base/common/photomesh.env")["PHOTOMESH_S3_ENDPOINT"].removeprefix("http://").partition(":")
    )
    policy = (K8S / "base" / "cdn" / "shield.vcl").read_text()
    assert f'.host = "{host}"' in policy
    assert f'.port = "{port}"' in policy


def test_nobody_outside_can_purge() -> None:
    """Varnish believes any private address, and the proxies of the entrance have one."""
    route = named("HTTPRoute", "photos")
    methods = [match.get("method") for rule in route.spec["rules"] for match in rule["matches"]]
    assert set(methods) == {"GET", "HEAD"}


def test_the_entrance_leads_to_services_that_exist() -> None:
    services = {service.name: service for service in of("Service")}
    for route in of("HTTPRoute"):
        for rule in route.spec["rules"]:
            for backend in rule.get("backendRefs", []):
                if "namespace" in backend:
                    assert backend["name"] in _granted()
                else:
                    assert backend["port"] in [port["port"] for port in services[backend["name"]].spec["ports"]]


def _granted() -> list[str]:
    return [to["name"] for grant in of("ReferenceGrant", folder="data-plane") for to in grant.spec["to"]]


def test_the_entrance_knows_every_path_of_the_gateway() -> None:
    matches = [match["path"] for rule in named("HTTPRoute", "api").spec["rules"] for match in rule["matches"]]

    def led(path: str) -> bool:
        return any(
            path == match["value"] if match["type"] == "Exact" else f"{path}/".startswith(f"{match['value']}/")
            for match in matches
        )

    for path in ("/", "/docs", "/docs/start.js", "/openapi.json", "/problems/not-found", "/v1/limits"):
        assert led(path)
    assert all(led(route.template) for route in ROUTES)
    assert not any(led(path) for path in ("/metrics", "/healthz", "/readyz"))


def test_service_accounts() -> None:
    accounts = {account.name: account for account in of("ServiceAccount")}
    used = {template["spec"]["serviceAccountName"] for _, template in pods()}
    assert used == set(accounts)
    assert all(account.body["automountServiceAccountToken"] is False for account in accounts.values())


def test_a_job_is_named_after_a_config_map_that_holds_all_that_may_change() -> None:
    """kustomize appends a hash of a ConfigMap's content to its name, and so to that of the Job."""
    prepare = kustomizations()[K8S / "base" / "prepare"]
    jobs = [job.name for job in of("Job")]
    assert sorted(generator["name"] for generator in prepare["configMapGenerator"]) == sorted(jobs)
    (names,) = prepare["configurations"]
    (reference,) = yaml.safe_load((K8S / "base" / "prepare" / names).read_text())["nameReference"]
    assert reference["kind"] == "ConfigMap"
    assert reference["fieldSpecs"] == [{"group": "batch", "kind": "Job", "path": "metadata/name"}]
    settings, *images = kustomizations()[K8S / "base" / "prepare" / "names"]["replacements"]
    assert settings["source"] == {"kind": "ConfigMap", "name": "photomesh", "fieldPath": "data"}
    assert [target["select"]["name"] for target in settings["targets"]] == jobs
    assert [image["source"]["name"] for image in images] == jobs
    assert [image["targets"][0]["select"]["name"] for image in images] == jobs


@pytest.mark.parametrize("overlay", ["dev", "production"])
def test_an_overlay_names_jobs_once_settings_and_images_are_final(overlay: str) -> None:
    folder = K8S / "overlays" / overlay / "prepare"
    components = kustomizations()[folder]["components"]
    assert (folder / components[-1]).resolve() == K8S / "base" / "prepare" / "names"


@pytest.mark.parametrize("overlay", ["dev", "production"])
@pytest.mark.parametrize("layer", ["edge", "shield"])
def test_varnish_gets_one_storage_that_fits_its_memory(layer: str, overlay: str) -> None:
    (only,) = patched(named("StatefulSet", layer), overlay)["spec"]["template"]["spec"]["containers"]
    values = {entry["name"]: entry["value"] for entry in only.get("env", [])}
    arguments = [re.sub(r"\$\((\w+)\)", lambda match: values[match[1]], argument) for argument in only["args"]]
    options, _ = getopt.getopt(arguments, "Fj:T:n:a:f:s:")  # raises if an option lacks its value
    (storage,) = [value for option, value in options if option == "-s"]
    size = re.fullmatch(r"malloc,(\d+)m", storage)
    assert size, storage
    limit = only["resources"]["limits"]["memory"]
    assert int(size[1]) * 2**20 * 1.25 <= memory(limit)
    assert memory(only["resources"]["requests"]["memory"]) <= memory(limit)
    if overlay == "dev":
        assert memory(limit) <= memory("256Mi")


def test_no_cluster_and_no_container_lets_programs_call_private_addresses() -> None:
    """Only a local stack of processes has a receiver (docs/running-locally.md)."""
    files = [ROOT / "docker-compose.yml", ROOT / "deploy" / "programs.toml"]
    files += [path for path in K8S.rglob("*") if path.is_file()]
    assert len(files) > 100
    assert not [path for path in files if "OUTBOUND_TEST" in path.read_text(errors="replace").upper()]
