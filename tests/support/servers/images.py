"""One container per server: image, arguments, files.

The images are those of `docker-compose.yml`; the settings are those of the local stack (`deploy/local`). A server
listens on the same port inside its container and on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

import yaml
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from photomesh_local.configuration.stack import ROOT, Stack, render
from photomesh_local.servers import cassandra, kafka, postgres, redis, seaweedfs

__all__ = ["CONTAINERS", "Place"]

_LOOPBACK = "127.0.0.1"
_CONFIGURATION = Path("/etc/photomesh")


@dataclass(frozen=True)
class Place:
    """Where containers run: on a bridge of their own, or, without one, on the machine's network."""

    stack: Stack
    bridge: Network | None

    @property
    def address(self) -> str:
        """What a server listens on."""
        return "0.0.0.0" if self.bridge else _LOOPBACK

    def host(self, server: str) -> str:
        """Where other containers find a server."""
        return server if self.bridge else _LOOPBACK

    def container(
        self, server: str, port: str, environment: Mapping[str, str] | None = None, **options: Any
    ) -> DockerContainer:
        """A container of the server's image, whose port the machine reaches on loopback."""
        if self.bridge is None:
            options["network_mode"] = "host"
        container = DockerContainer(_image(server), env=dict(environment or {}), **options)
        if self.bridge is None:
            return container
        # `with_bind_ports` would publish on all addresses.
        ports = cast("dict[str, Any]", container.ports)
        ports[f"{self.stack.ports[port]}/tcp"] = (_LOOPBACK, self.stack.ports[port])
        return container.with_network(self.bridge).with_network_aliases(server)


@cache
def _image(server: str) -> str:
    services: Mapping[str, Mapping[str, str]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return services[server]["image"]


def _kafka(place: Place) -> DockerContainer:
    text = kafka.configuration(place.stack, "/var/lib/kafka/data")
    settings = dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))
    settings["listeners"] = settings["listeners"].replace(_LOOPBACK, place.address)
    # The image takes `log.dirs` as KAFKA_LOG_DIRS, a hyphen as three underscores.
    environment = {
        f"KAFKA_{name.upper().replace('-', '___').replace('.', '_')}": value for name, value in settings.items()
    }
    heap = {"KAFKA_HEAP_OPTS": "-Xms256m -Xmx256m"}
    return place.container("kafka", "KAFKA", environment | heap | {"CLUSTER_ID": "UGhvdG9tZXNoVGVzdHMwMQ"})


def _cassandra(place: Place) -> DockerContainer:
    ports = place.stack.ports
    options = [
        f"-Dcassandra.native_transport_port={ports['CASSANDRA']}",
        f"-Dcassandra.storage_port={ports['CASSANDRA_STORAGE']}",
        f"-Dcassandra.ssl_storage_port={ports['CASSANDRA_STORAGE'] + 1}",
        *cassandra.properties(place.stack),
    ]
    environment = {
        "CASSANDRA_CLUSTER_NAME": f"photomesh-{place.stack.name}",
        "CASSANDRA_NUM_TOKENS": "1",
        "CASSANDRA_LISTEN_ADDRESS": _LOOPBACK,
        "CASSANDRA_RPC_ADDRESS": place.address,
        "CASSANDRA_BROADCAST_RPC_ADDRESS": _LOOPBACK,
        "MAX_HEAP_SIZE": "384M",
        "HEAP_NEWSIZE": "96M",
        "JVM_EXTRA_OPTS": " ".join(options),
    }
    # The image has a variable for neither.
    demand = "-e s/AllowAllAuthenticator/PasswordAuthenticator/ -e s/AllowAllAuthorizer/CassandraAuthorizer/"
    start = f"sed -i {demand} /etc/cassandra/cassandra.yaml && exec docker-entrypoint.sh cassandra -f"
    return place.container("cassandra", "CASSANDRA", environment, entrypoint=["sh", "-c"]).with_command([start])


def _postgres(place: Place) -> DockerContainer:
    environment = {
        "POSTGRES_USER": postgres.ADMIN,
        "POSTGRES_DB": "postgres",
        "POSTGRES_PASSWORD": place.stack.secrets["POSTGRES_PASSWORD"],
        "POSTGRES_INITDB_ARGS": "--no-sync -E UTF8 --locale=C.UTF-8",
    }
    container = place.container("postgres", "POSTGRES", environment)
    return container.with_command(["postgres", *postgres.options(place.stack, place.address)])


def _redis(place: Place) -> DockerContainer:
    users = _CONFIGURATION / redis.USERS
    text = render("redis.conf", REDIS=place.stack.ports["REDIS"], USERS=users, DATA="/data", FSYNC="no")
    text = text.replace(f"bind {_LOOPBACK}", f"bind {place.address}")
    file = str(_CONFIGURATION / "redis.conf")
    container = place.container("redis", "REDIS").with_command(["redis-server", file])
    container.with_copy_into_container(redis.users(place.stack.secrets.__getitem__).encode(), str(users))
    return container.with_copy_into_container(text.encode(), file)


def _seaweedfs(place: Place) -> DockerContainer:
    identities = seaweedfs.identities(place.stack.secrets.__getitem__)
    file = _CONFIGURATION / "s3.json"
    arguments = seaweedfs.arguments(place.stack, Path("/data"), file, place.address)
    container = place.container("seaweedfs", "S3", entrypoint=["weed"]).with_command(list(arguments))
    # Its parts speak to each other by sockets in /tmp, which must not outlive them.
    return container.with_copy_into_container(identities.encode(), str(file)).with_tmpfs_mount("/tmp")


def _opensearch(place: Place) -> DockerContainer:
    ports = place.stack.ports
    environment = {
        "cluster.name": f"photomesh-{place.stack.name}",
        "discovery.type": "single-node",
        "network.host": place.address,
        "http.port": str(ports["OPENSEARCH"]),
        "transport.port": str(ports["OPENSEARCH_TRANSPORT"]),
        "action.auto_create_index": "false",
        "cluster.routing.allocation.disk.threshold_enabled": "false",
        "DISABLE_SECURITY_PLUGIN": "true",
        "DISABLE_INSTALL_DEMO_CONFIG": "true",
        "OPENSEARCH_JAVA_OPTS": "-Xms512m -Xmx512m",
    }
    return place.container("opensearch", "OPENSEARCH", environment)


def _varnish(place: Place, layer: str, upstream: str, port: str) -> DockerContainer:
    policy = render(
        "cdn.vcl",
        NAME=layer,
        UPSTREAM_HOST=place.host(upstream),
        UPSTREAM_PORT=place.stack.ports[port],
        PURGERS='"10.0.0.0"/8; "172.16.0.0"/12; "192.168.0.0"/16; "127.0.0.1";',
    )
    file = str(_CONFIGURATION / "cdn.vcl")
    address = f"{place.address}:{place.stack.ports[layer.upper()]}"
    container = place.container(layer, layer.upper(), entrypoint=["varnishd"])
    container.with_command(["-F", "-T", "none", "-a", address, "-f", file, "-s", "malloc,64m"])
    return container.with_copy_into_container(policy.encode(), file)


CONTAINERS: Mapping[str, Callable[[Place], DockerContainer]] = {
    "kafka": _kafka,
    "cassandra": _cassandra,
    "postgres": _postgres,
    "redis": _redis,
    "seaweedfs": _seaweedfs,
    "opensearch": _opensearch,
    "shield": partial(_varnish, layer="shield", upstream="seaweedfs", port="S3"),
    "edge": partial(_varnish, layer="edge", upstream="shield", port="SHIELD"),
}
"""Server → its container, in an order in which each finds its upstream."""
