"""The environment of every program: whole, understood, and pointing at things that exist."""

from __future__ import annotations

import copy
import json
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from photomesh_local.configuration import registry
from photomesh_local.servers import redis as redis_server
from photomesh_shared.settings import ReplaceableSecret, ServiceSettings
from tests.support.manifests import K8S, container, env_file, named, of, secrets, secrets_from, workload_kind
from tests.support.services import settings_from

COMMON = env_file("base/common/photomesh.env") | env_file("base/common/services.env")
OVERLAYS = {name: env_file(f"overlays/{name}/environment/photomesh.env") for name in ("dev", "production")}

REGISTRY = tomllib.loads(registry.REGISTRY_FILE.read_text())
SETTINGS = {name: program.settings_class() for name, program in registry.PROGRAMS.items()}
JOBS = [name for name, program in registry.PROGRAMS.items() if program.kind == "job"]
SERVICES = [name for name in SETTINGS if name not in JOBS]
each = pytest.mark.parametrize("name", SERVICES)


def _container(program: str) -> Any:
    return container(named(workload_kind(registry.PROGRAMS[program].kind), program))


def _secret_names(program: str) -> list[str]:
    sources = _container(program)["envFrom"]
    assert sources[0] == {"configMapRef": {"name": program if program in JOBS else "photomesh"}}
    return [source["secretRef"]["name"] for source in sources[1:]]


def _own(program: str) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in _container(program).get("env", [])}


def _environment(workload: str, overlay: str = "production") -> dict[str, str]:
    confidential: dict[str, str] = {}
    for name in _secret_names(workload):
        confidential |= secrets()["photomesh", name]
    return COMMON | OVERLAYS[overlay] | _own(workload) | confidential


def _fields(*kinds: type[BaseSettings]) -> set[str]:
    return {f"PHOTOMESH_{name.upper()}" for kind in kinds for name in kind.model_fields}


def _confidential(kind: type[BaseSettings]) -> set[str]:
    return {
        f"PHOTOMESH_{name.upper()}"
        for name, field in kind.model_fields.items()
        if field.annotation in (SecretStr, ReplaceableSecret, dict[str, ReplaceableSecret], dict[str, SecretStr])
    }


def test_every_deployment_is_looked_at() -> None:
    assert set(SERVICES) == {one.name for one in of("Deployment", "CronJob")}


def _settings(name: str) -> type[ServiceSettings]:
    kind = SETTINGS[name]
    assert issubclass(kind, ServiceSettings)
    return kind


@each
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_program_starts_with_its_environment(name: str, overlay: str) -> None:
    settings_from(_settings(name), _environment(name, overlay))


@each
def test_nothing_is_left_at_a_default_of_the_local_stack(name: str) -> None:
    settings = settings_from(_settings(name), _environment(name))
    assert settings.env == "production"
    assert "127.0.0.1" not in settings.model_dump_json()
    assert not any("127.0.0.1" in str(value) for value in _environment(name).values())


@pytest.mark.parametrize("name", SETTINGS)
def test_a_program_has_exactly_the_secrets_that_it_needs(name: str) -> None:
    given = {key for secret in _secret_names(name) for key in secrets()["photomesh", secret]}
    assert given == _confidential(SETTINGS[name])
    assert not given & set(COMMON)


def test_the_common_settings_are_read_by_somebody() -> None:
    assert set(COMMON) <= _fields(*SETTINGS.values())
    for name, kind in SETTINGS.items():
        assert set(_own(name)) <= _fields(kind)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_changes_what_is_there(overlay: str) -> None:
    assert set(OVERLAYS[overlay]) <= {*COMMON, "OTEL_EXPORTER_OTLP_ENDPOINT"}


def test_services_are_where_they_are_said_to_be() -> None:
    services = {service.name: service for service in of("Service")}
    called = {name.upper().replace("-", "_") for name in services if f"PHOTOMESH_{name.upper()}_URL" in COMMON}
    for name in (*called, "JWKS"):
        url = urlsplit(COMMON[f"PHOTOMESH_{name}_URL"])
        assert url.port in [port["port"] for port in services[str(url.hostname)].spec["ports"]]


def test_a_purge_reaches_every_pod_of_the_cdn_the_shields_first() -> None:
    layers = [named("StatefulSet", name) for name in ("shield", "edge")]
    expected = [
        f"http://{layer.name}-{number}.{layer.spec['serviceName']}:8080"
        for layer in layers
        for number in range(layer.spec["replicas"])
    ]
    assert json.loads(COMMON["PHOTOMESH_CDN_PURGE_URLS"]) == expected
    assert "PHOTOMESH_CDN_PURGE_URLS" not in OVERLAYS["production"]
    dev = [f"http://{layer.name}-0.{layer.spec['serviceName']}:8080" for layer in layers]
    assert json.loads(OVERLAYS["dev"]["PHOTOMESH_CDN_PURGE_URLS"]) == dev
    headless = [service.name for service in of("Service") if service.spec.get("clusterIP") == "None"]
    assert headless == [layer.spec["serviceName"] for layer in sorted(layers, key=lambda layer: layer.name)]


def test_the_stores_are_where_they_are_said_to_be() -> None:
    """The names are those that the operators give to their Services."""
    domain = "photomesh-data.svc"
    kafka = named("Kafka", "photomesh", folder="data-plane")
    (listener,) = kafka.spec["kafka"]["listeners"]
    assert COMMON["PHOTOMESH_KAFKA_BOOTSTRAP"] == f"{kafka.name}-kafka-bootstrap.{domain}:{listener['port']}"

    cassandra = named("K8ssandraCluster", "photomesh", folder="data-plane")
    (datacenter,) = cassandra.spec["cassandra"]["datacenters"]
    assert COMMON["PHOTOMESH_CASSANDRA_DATACENTER"] == datacenter["metadata"]["name"]
    service = f"{cassandra.name}-{datacenter['metadata']['name']}-service"
    assert COMMON["PHOTOMESH_CASSANDRA_HOSTS"] == f"{service}.{domain}"

    seaweedfs = named("Seaweed", "seaweedfs", folder="data-plane")
    assert COMMON["PHOTOMESH_S3_ENDPOINT"] == f"http://{seaweedfs.name}-s3.{domain}:8333"

    opensearch = named("StatefulSet", "opensearch", folder="data-plane")
    assert COMMON["PHOTOMESH_OPENSEARCH_URL"] == f"http://{opensearch.name}.{domain}:9200"

    redis = {kind: named("RedisReplication", kind, folder="data-plane") for kind in ("redis", "feed-redis")}
    databases = {cluster.name: cluster for cluster in of("Cluster", folder="data-plane")}
    for (namespace, name), values in secrets().items():
        for kind, replication in redis.items():
            if url := values.get(f"PHOTOMESH_{kind.replace('-', '_').upper()}_URL"):
                assert (urlsplit(url).hostname, urlsplit(url).username) == (f"{replication.name}-master.{domain}", name)
                users = redis_users(secrets()["photomesh-data", replication.spec["acl"]["secret"]["secretName"]])
                assert users[name][1] == [sha256(str(urlsplit(url).password).encode()).hexdigest()]
        if "PHOTOMESH_POSTGRES_DSN" in values:
            assert namespace == "photomesh"
            dsn = urlsplit(values["PHOTOMESH_POSTGRES_DSN"])
            cluster = databases[str(dsn.hostname).removesuffix(f"-rw.{domain}")]
            initdb = cluster.spec["bootstrap"]["initdb"]
            owner = secrets()["photomesh-data", initdb["secret"]["name"]]
            assert (initdb["owner"], initdb["database"]) == (dsn.username, dsn.path.strip("/"))
            assert owner == {"username": dsn.username, "password": dsn.password}


def test_a_replica_of_everything_survives_the_loss_of_a_node() -> None:
    for name in ("PHOTOMESH_KAFKA_REPLICATION", "PHOTOMESH_CASSANDRA_REPLICATION"):
        assert int(COMMON[name]) >= 3
    assert named("StatefulSet", "opensearch", folder="data-plane").spec["replicas"] >= 3
    assert int(COMMON["PHOTOMESH_OPENSEARCH_REPLICAS"]) >= 1
    assert all(pool.spec["replicas"] >= 3 for pool in of("KafkaNodePool", folder="data-plane"))
    assert all(cluster.spec["instances"] >= 3 for cluster in of("Cluster", folder="data-plane"))


def _root_of(path: Path) -> bytes:
    root: bytes = runpy.run_path(str(K8S / "generate_secrets.py"))["Root"].read(path).secret
    return root


def test_secrets_of_two_installations_have_nothing_in_common(tmp_path: Path) -> None:
    one, other = (secrets_from(_root_of(tmp_path / name), REGISTRY) for name in ("one.root", "other.root"))
    named = ("username", "PHOTOMESH_SMTP_URL")  # no secret, and what the operator says
    keys = [(secret, key) for secret, values in one.items() for key in values if key not in named]
    assert not {one[secret][key] for secret, key in keys} & {other[secret][key] for secret, key in keys}


def test_the_root_secret_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "photomesh.root"
    assert _root_of(path) == _root_of(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_secret_is_replaced_in_three_steps_of_which_neighbours_understand_each_other() -> None:
    steps = []
    for number in range(7):
        seen = secrets_from(bytes(32), REGISTRY, {"feed/CURSOR_SECRET": number})
        made = {name: dict(values) for name, values in seen.items()}
        steps.append(made["photomesh", "feed"].pop("PHOTOMESH_CURSOR_SECRET").split(","))
        others = {name: dict(values) for name, values in secrets().items()}
        others["photomesh", "feed"].pop("PHOTOMESH_CURSOR_SECRET")
        assert made == others
    for before, after in pairwise(steps):
        assert before[0] in after
        assert after[0] in before
    assert len({step[0] for step in steps}) == 3, "after six steps it was replaced twice"
    assert [len(step) for step in steps] == [1, 2, 2, 1, 2, 2, 1]


def test_the_step_is_kept_with_the_root(tmp_path: Path) -> None:
    path = tmp_path / "photomesh.root"
    command = [sys.executable, str(K8S / "generate_secrets.py"), str(path)]
    replace = [*command, "--replace", "identity/KEY_ENCRYPTION_SECRET"]
    first, second, again = (
        subprocess.run(c, capture_output=True, check=True).stdout for c in (command, replace, command)
    )
    assert first != second == again
    assert path.read_text().splitlines()[1:] == ["identity/KEY_ENCRYPTION_SECRET 1"]
    assert path.stat().st_mode & 0o777 == 0o600
    for permanent in ("media-worker/VARIANT_KEY_SECRET", "nothing"):
        refused = subprocess.run([*command, "--replace", permanent], capture_output=True, text=True, check=False)
        assert refused.returncode == 2
        assert f"{permanent} is none of" in refused.stderr


def test_the_mail_server_is_kept_with_the_root(tmp_path: Path) -> None:
    path, url = tmp_path / "photomesh.root", "smtps://user:p%40ss@mail.example:465"
    command = [sys.executable, str(K8S / "generate_secrets.py"), str(path)]
    assert url not in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for arguments in (["--smtp-url", url], [], ["--replace", "identity/HASH_SECRET"], []):
        made = subprocess.run([*command, *arguments], capture_output=True, text=True, check=True).stdout
        values = {item["metadata"]["name"]: item["stringData"] for item in json.loads(made)["items"]}
        assert [name for name in values if "PHOTOMESH_SMTP_URL" in values[name]] == ["identity"]
        assert values["identity"]["PHOTOMESH_SMTP_URL"] == url


def test_a_program_that_comes_later_gets_the_same_shared_values_and_the_others_keep_theirs() -> None:
    grown = copy.deepcopy(REGISTRY)
    grown["deployables"]["greeter"] = {}
    grown["programs"]["greeter"] = {
        "deployable": "greeter",
        "servers": ["redis", "postgres"],
        "redis": {"keys": ["greeting:*"], "commands": ["get"]},
        "secrets": ["CURSOR_SECRET"],
    }
    before, after = dict(secrets()), dict(secrets_from(bytes(32), grown))
    old, new = (redis_users(values.pop(("photomesh-data", "redis"))) for values in (before, after))
    assert {name: after[name] for name in before} == before
    assert new.keys() - old.keys() == {"greeter"}
    assert {name: new[name] for name in old} == old
    assert ("photomesh-data", "greeter-db-owner") in after.keys() - before.keys()


def redis_users(secret: Mapping[str, str]) -> dict[str, tuple[list[str], list[str]]]:
    """User → rules, without the passwords, and the passwords' hashes."""
    found = {}
    for line in secret["user.acl"].splitlines():
        word, name, *rules = line.split()
        assert word == "user"
        found[name] = [rule for rule in rules if rule[0] != "#"], [rule[1:] for rule in rules if rule[0] == "#"]
    return found


@pytest.mark.parametrize("server", ["redis", "feed-redis"])
def test_the_users_of_redis(server: str) -> None:
    """They may do the same as on the local stack. Nobody gets in without a password."""
    users = redis_users(secrets()["photomesh-data", server])
    administrator = secrets()["photomesh-data", server]["password"]
    assert users.pop("default") == (["on", "~*", "&*", "+@all"], [sha256(administrator.encode()).hexdigest()])
    assert list(users) == [name for name, program in registry.PROGRAMS.items() if server in program.servers]
    assert all(len(passwords) == 1 for _, passwords in users.values())
    local = redis_server.users(lambda name: name).splitlines()
    for name, (rules, _) in users.items():
        [line] = [line.split() for line in local if line.startswith(f"user {name} ")]
        assert [word for word in line[2:] if word[0] != ">"] == rules


def test_a_password_of_redis_is_replaced_while_both_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "photomesh.root"
    command = [sys.executable, str(K8S / "generate_secrets.py"), str(path)]
    steps = []
    for arguments in ([], *[["--replace", "redis/post"]] * 3):
        made = subprocess.run([*command, *arguments], capture_output=True, text=True, check=True).stdout
        values = {item["metadata"]["name"]: item["stringData"] for item in json.loads(made)["items"]}
        used = str(urlsplit(values["post"]["PHOTOMESH_REDIS_URL"]).password)
        steps.append((sha256(used.encode()).hexdigest(), redis_users(values["redis"])["post"][1]))
    old, new = steps[0][0], steps[-1][0]
    assert old != new
    assert steps == [(old, [old]), (old, [old, new]), (new, [new, old]), (new, [new])]


def test_programs_of_one_deployable_share_its_secrets_and_no_others_do() -> None:
    worker, reprocess = (secrets()["photomesh", name] for name in ("media-worker", "media-worker-reprocess"))
    shared = "PHOTOMESH_VARIANT_KEY_SECRET"
    assert worker[shared] == reprocess[shared]  # both name the same photos
    cursors = [
        values["PHOTOMESH_CURSOR_SECRET"] for values in secrets().values() if "PHOTOMESH_CURSOR_SECRET" in values
    ]
    assert len(set(cursors)) == len(cursors) > 1


def test_the_gateway_sees_the_addresses_of_clients() -> None:
    """The one proxy before it appends the client's address, which the node must not replace by its own."""
    assert COMMON["PHOTOMESH_PROXY_HOPS"] == "1"
    reference = named("Gateway", "entrance").spec["infrastructure"]["parametersRef"]
    proxy = named(reference["kind"], reference["name"]).spec
    assert proxy["provider"]["kubernetes"]["envoyService"]["externalTrafficPolicy"] == "Local"
