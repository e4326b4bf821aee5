"""Servers have the versions of `deploy/servers.toml`, wherever they run."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from photomesh_local.configuration.stack import ROOT
from tests.support.manifests import named, of

VERSIONS = {name: entry["version"] for name, entry in tomllib.loads((ROOT / "deploy/servers.toml").read_text()).items()}
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def _containers() -> Iterator[tuple[str, str]]:
    """Server and version of each image of docker-compose.yml that is not ours."""
    for container in COMPOSE.values():
        name, _, version = container["image"].partition(":")
        if not name.startswith("photomesh/"):
            yield name.rpartition("/")[2], version


def _clusters() -> Iterator[tuple[str, str]]:
    """Server and version of each store and CDN layer of deploy/k8s."""
    yield "kafka", named("Kafka", "photomesh", folder="data-plane").spec["kafka"]["version"]
    yield "cassandra", named("K8ssandraCluster", "photomesh", folder="data-plane").spec["cassandra"]["serverVersion"]
    for cluster in of("Cluster", folder="data-plane"):
        yield "postgres", cluster.spec["imageName"].rpartition(":")[2].partition("-")[0]
    for redis in of("RedisReplication", folder="data-plane"):
        for part in (redis.spec["kubernetesConfig"], redis.spec["sentinel"]):
            yield "redis", part["image"].rpartition(":v")[2]
    (opensearch,) = named("StatefulSet", "opensearch", folder="data-plane").spec["template"]["spec"]["containers"]
    yield "opensearch", opensearch["image"].rpartition(":")[2]
    yield "seaweedfs", named("Seaweed", "seaweedfs", folder="data-plane").spec["image"].rpartition(":")[2]
    for layer in ("edge", "shield"):
        (container,) = named("StatefulSet", layer).spec["template"]["spec"]["containers"]
        yield "varnish", container["image"].rpartition(":")[2]


def _packages() -> Iterator[tuple[str, str]]:
    """Server and version of those that come as jars or wheels."""
    pom = (ROOT / "deploy/local/config/pom.xml").read_text()
    yield from re.findall(r"<(kafka|cassandra)\.version>([^<]+)<", pom)
    # The runner's version is the server's, and a number of its own.
    yield from re.findall(r"<(opensearch)-runner\.version>([\d.]+)\.\d+<", pom)
    yield from re.findall(r"^(seaweedfs)-bin==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)


def _base() -> Iterator[tuple[str, str]]:
    """That of our images."""
    yield from re.findall(r"^ARG PYTHON=(python):(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("place", [_containers, _clusters, _packages, _base])
def test_a_place_has_the_versions_of_the_table(place: Any) -> None:
    found = set(place())
    assert found == {(name, VERSIONS[name]) for name, _ in found}


def test_every_server_is_looked_at() -> None:
    assert {name for name, _ in _base()} == {"python"}
    assert {name for name, _ in _containers()} == set(VERSIONS) - {"python"}
    assert {name for name, _ in _clusters()} == set(VERSIONS) - {
        "python",
        "mailpit",
    }  # operators have a mail server of their own


def test_an_image_has_one_base_and_says_which() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${PYTHON}"}
    last = dockerfile[dockerfile.rindex("\nFROM ") :]
    assert last.index("\nARG PYTHON\n") < last.index('org.opencontainers.image.base.name="$PYTHON"')
