"""The environment of every program: whole, understood, and pointing at things that exist."""

from __future__ import annotations

import json
import runpy
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from photomesh_feed.settings import ConsumerSettings as FeedConsumerSettings
from photomesh_feed.settings import FanoutSettings as FeedFanoutSettings
from photomesh_feed.settings import Settings as FeedSettings
from photomesh_gateway.settings import Settings as GatewaySettings
from photomesh_identity.settings import Settings as IdentitySettings
from photomesh_media_worker.settings import Settings as WorkerSettings
from photomesh_post.settings import ConsumerSettings as PostConsumerSettings
from photomesh_post.settings import EngagementSettings as PostEngagementSettings
from photomesh_post.settings import Settings as PostSettings
from photomesh_shared.provision import BucketSettings
from photomesh_shared.settings import KafkaSettings, ServiceSettings
from photomesh_social_graph.settings import ConsumerSettings as GraphConsumerSettings
from photomesh_social_graph.settings import Settings as GraphSettings
from photomesh_upload.settings import Settings as UploadSettings
from tests.support.manifests import K8S, container, env_file, named, of, secrets
from tests.support.services import settings_from

COMMON = env_file("base/common/photomesh.env")
OVERLAYS = {name: env_file(f"overlays/{name}/environment/photomesh.env") for name in ("dev", "production")}

SERVICES: dict[str, type[ServiceSettings]] = {
    "gateway": GatewaySettings,
    "identity": IdentitySettings,
    "upload": UploadSettings,
    "post": PostSettings,
    "post-consumer": PostConsumerSettings,
    "post-engagement": PostEngagementSettings,
    "media-worker": WorkerSettings,
    "media-worker-reprocess": WorkerSettings,
    "social-graph": GraphSettings,
    "social-graph-consumer": GraphConsumerSettings,
    "feed": FeedSettings,
    "feed-consumer": FeedConsumerSettings,
    "feed-fanout": FeedFanoutSettings,
}
each = pytest.mark.parametrize("name", SERVICES)


def _secret_names(workload: str) -> list[str]:
    sources = container(named("Deployment", workload))["envFrom"]
    assert sources[0] == {"configMapRef": {"name": "photomesh"}}
    return [source["secretRef"]["name"] for source in sources[1:]]


def _own(workload: str) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container(named("Deployment", workload)).get("env", [])}


def _environment(workload: str, overlay: str = "production") -> dict[str, str]:
    confidential: dict[str, str] = {}
    for name in _secret_names(workload):
        confidential |= secrets()["photomesh", name]
    return COMMON | OVERLAYS[overlay] | _own(workload) | confidential


def _fields(*kinds: type[BaseSettings]) -> set[str]:
    return {f"PHOTOMESH_{name.upper()}" for kind in kinds for name in kind.model_fields}


def _confidential(kind: type[BaseSettings]) -> set[str]:
    return {f"PHOTOMESH_{name.upper()}" for name, field in kind.model_fields.items() if field.annotation is SecretStr}


def test_every_deployment_is_looked_at() -> None:
    assert set(SERVICES) == {deployment.name for deployment in of("Deployment")}


@each
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_program_starts_with_its_environment(name: str, overlay: str) -> None:
    settings_from(SERVICES[name], _environment(name, overlay))


@each
def test_nothing_is_left_at_a_default_of_the_local_stack(name: str) -> None:
    settings = settings_from(SERVICES[name], _environment(name))
    assert settings.env == "production"
    assert "127.0.0.1" not in settings.model_dump_json()
    assert not any("127.0.0.1" in str(value) for value in _environment(name).values())


@each
def test_a_program_has_exactly_the_secrets_that_it_needs(name: str) -> None:
    given = {key for secret in _secret_names(name) for key in secrets()["photomesh", secret]}
    assert given == _confidential(SERVICES[name])
    assert not given & set(COMMON)


def test_the_common_settings_are_read_by_somebody() -> None:
    known = _fields(*SERVICES.values(), BucketSettings, KafkaSettings)
    assert set(COMMON) <= known
    for name in SERVICES:
        assert set(_own(name)) <= _fields(SERVICES[name])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_changes_what_is_there(overlay: str) -> None:
    assert set(OVERLAYS[overlay]) <= {*COMMON, "OTEL_EXPORTER_OTLP_ENDPOINT"}


def test_jobs_have_what_they_need() -> None:
    needed: dict[str, type[BaseSettings]] = {
        "provision-topics-VERSION": KafkaSettings,
        "provision-buckets-VERSION": BucketSettings,
    }
    for job in of("Job"):
        sources = container(job)["envFrom"]
        given = set(COMMON).union(
            *(secrets()["photomesh", source["secretRef"]["name"]] for source in sources if "secretRef" in source)
        )
        if job.name in needed:
            assert _confidential(needed[job.name]) <= given
        else:
            service = job.name.removeprefix("migrate-").removesuffix("-VERSION")
            wanted = {name for name in _confidential(SERVICES[service]) if "POSTGRES" in name}
            assert wanted <= given


def test_services_are_where_they_are_said_to_be() -> None:
    services = {service.name: service for service in of("Service")}
    for name in ("IDENTITY_URL", "UPLOAD_URL", "POST_URL", "SOCIAL_GRAPH_URL", "FEED_URL", "JWKS_URL"):
        url = urlsplit(COMMON[f"PHOTOMESH_{name}"])
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

    redis = {kind: named("RedisReplication", kind, folder="data-plane") for kind in ("redis", "feed-redis")}
    databases = {cluster.name: cluster for cluster in of("Cluster", folder="data-plane")}
    for (namespace, _), values in secrets().items():
        for kind, replication in redis.items():
            if url := values.get(f"PHOTOMESH_{kind.replace('-', '_').upper()}_URL"):
                assert urlsplit(url).hostname == f"{replication.name}-master.{domain}"
                password = secrets()["photomesh-data", replication.spec["kubernetesConfig"]["redisSecret"]["name"]]
                assert password == {"password": urlsplit(url).password}
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
    assert all(pool.spec["replicas"] >= 3 for pool in of("KafkaNodePool", folder="data-plane"))
    assert all(cluster.spec["instances"] >= 3 for cluster in of("Cluster", folder="data-plane"))


def test_secrets_of_two_runs_have_nothing_in_common() -> None:
    again = runpy.run_path(str(K8S / "generate_secrets.py"))["generate"]()
    values = {value for made in again for name, value in made["stringData"].items() if name != "username"}
    assert not values & {value for made in secrets().values() for value in made.values()}
