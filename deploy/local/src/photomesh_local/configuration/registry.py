"""The registry of programs, `deploy/programs.toml`, as typed values. That file explains each field."""

import tomllib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic_settings import BaseSettings

__all__ = [
    "CASSANDRA_GRANTS",
    "CASSANDRA_KEYSPACES",
    "DEPLOYABLES",
    "KAFKA_USERS",
    "PROGRAMS",
    "REGISTRY_FILE",
    "SUBSCRIBERS",
    "UPSTREAMS",
    "Deployable",
    "Program",
    "Subscriber",
    "callers_of",
    "jobs_on",
    "load",
]

REGISTRY_FILE = Path(__file__).resolve().parents[4] / "programs.toml"

Kind = Literal["http", "consumer", "job", "cronjob"]
Server = Literal[
    "kafka", "cassandra", "postgres", "redis", "feed-redis", "object-storage", "cdn", "mail", "opensearch", "internet"
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Postgres(_Model):
    """Sizes of a deployable's PostgreSQL cluster."""

    connections: int
    shared_buffers: str
    storage: str
    cpu: str
    memory: str


class KafkaQuota(_Model):
    """What all pods of a program together may use of each broker, in megabytes a second."""

    produce_mb: int
    consume_mb: int


class Subscriber(_Model):
    """A Kafka user that is none of our programs. Its consumer groups begin with its name and a hyphen."""

    name: str
    reads: tuple[str, ...]
    kafka_quota: KafkaQuota


class Deployable(_Model):
    """One folder, package and image."""

    name: str
    folder: str
    owns: str
    store: str
    postgres: Postgres | None
    """None if none of its programs uses PostgreSQL."""

    @property
    def package(self) -> str:
        return f"photomesh_{self.snake_case}"

    @property
    def image(self) -> str:
        return f"photomesh/{self.name}"

    @property
    def snake_case(self) -> str:
        """Its database, role and keyspace are named so."""
        return self.name.replace("-", "_")


class HttpScaling(_Model):
    min: int
    max: int
    cpu_percent: int


class ConsumerScaling(_Model):
    min: int
    max: int | None = None
    """Where something else than the number of partitions limits the pods: a partition has one reader."""
    records_per_second: int
    """Records that one pod handles in a second."""
    work_seconds: str | None = None
    """PromQL for the seconds of a pod that a record takes, if they vary; default: 1 ÷ records_per_second."""
    utilization: float
    """Share of a pod's time that arriving records may take."""
    backlog_seconds: int
    """Seconds of one pod's work that may wait for each pod. Above what piles up while the group rebalances."""
    why: str

    @property
    def backlog(self) -> int:
        """Records that may wait for each pod."""
        return self.records_per_second * self.backlog_seconds


class Resources(_Model):
    cpu: str
    memory: str
    memory_limit: str


class RedisRights(_Model):
    """What a program may do in its Redis."""

    keys: tuple[str, ...]
    commands: tuple[str, ...]
    """Commands, or categories of them with an @. Dangerous ones are left out of these."""
    channels: tuple[str, ...] = ()
    """On which it may publish and to which it may subscribe, if its commands say so."""

    @property
    def rules(self) -> str:
        """As in the file of users."""
        named = [f"~{key}" for key in self.keys] + [f"&{channel}" for channel in self.channels]
        return " ".join([*named, "+@connection", *(f"+{one}" for one in self.commands), "-@dangerous", "-function"])


class Program(_Model):
    """One entry point of a deployable."""

    name: str
    deployable: Deployable
    kind: Kind
    description: str
    module: str
    settings: str
    port: int | None = None
    schedule: str | None = None
    servers: tuple[Server, ...] = ()
    calls: tuple[str, ...] = ()
    internal_calls: tuple[str, ...] = ()
    redis: RedisRights | None = None
    """None if it uses neither Redis."""
    objects: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    group: str | None = None
    publishes: tuple[str, ...] | None = None
    """None: all topics of its deployable."""
    reads: tuple[str, ...] = ()
    makes_topics: bool = False
    makes_roles: bool = False
    kafka_quota: KafkaQuota | None = None
    """None if it does not use Kafka."""
    environment: Mapping[str, str] = {}
    scaling: HttpScaling | ConsumerScaling | None = None
    resources: Resources
    grace_seconds: int
    priority: str | None = None

    @property
    def command(self) -> list[str]:
        return ["python", "-m", *self.module.split()]

    @property
    def variable(self) -> str:
        """Its name in upper case: of its port, and of its URL as `<variable>_URL`."""
        return self.name.upper().replace("-", "_")

    @property
    def runs_locally(self) -> bool:
        return self.kind == "job" or self.port is not None

    @property
    def starts_after(self) -> list[str]:
        """The servers and jobs of the local stack that must be ready before it starts."""
        if self.makes_roles:
            ready = {}
        elif self.kind == "job":
            ready = {
                "cassandra": ["cassandra-roles"],
                "postgres": ["databases"],
                "object-storage": ["seaweedfs"],
                "kafka": ["kafka-users"],
            }
        else:
            ready = {
                "kafka": ["topics"],
                "object-storage": ["buckets"],
                "postgres": [f"{self.deployable.name}-schema"],
                "cassandra": [f"{self.deployable.name}-schema"],
                "feed-redis": ["redis"],  # another database of the same server
                "cdn": ["shield", "edge"],
                "internet": [],
            }
        return [step for server in self.servers for step in ready.get(server, [server])]

    def settings_class(self) -> type[BaseSettings]:
        """Import the class that reads its variables."""
        module, _, name = self.settings.rpartition(".")
        found: type[BaseSettings] = getattr(import_module(module), name)
        return found


def _merged(defaults: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """`values`, with defaults for what they leave out; tables are merged field by field."""
    merged = {**defaults, **values}
    for key in defaults.keys() & values.keys():
        if isinstance(defaults[key], Mapping):
            merged[key] = _merged(defaults[key], values[key])
    return merged


def load(path: Path = REGISTRY_FILE) -> tuple[dict[str, Deployable], dict[str, Program], dict[str, Subscriber]]:
    """Deployables, programs and subscribers by name, in the order of the file. Raises ValidationError or KeyError for
    mistakes."""
    document = tomllib.loads(path.read_text())
    defaults = document["defaults"]
    with_postgres = {
        values["deployable"] for values in document["programs"].values() if "postgres" in values.get("servers", ())
    }
    deployables: dict[str, Deployable] = {}
    for name, values in document["deployables"].items():
        sizes = defaults["postgres"] | values.pop("postgres", {}) if name in with_postgres else None
        folder = values.pop("folder", f"services/{name}")
        deployables[name] = Deployable(name=name, folder=folder, postgres=sizes, **values)
    programs: dict[str, Program] = {}
    for name, values in document["programs"].items():
        deployable = deployables[values["deployable"]]
        usual = {"settings": f"{deployable.package}.settings.Settings", **defaults[values["kind"]]}
        if "kafka" in values.get("servers", ()):
            usual["kafka_quota"] = defaults["kafka_quota"]
        programs[name] = Program(**_merged(usual, values) | {"name": name, "deployable": deployable})
    subscribers = {
        name: Subscriber(**_merged({"kafka_quota": defaults["kafka_quota"]}, values) | {"name": name})
        for name, values in document["subscribers"].items()
    }
    return deployables, programs, subscribers


DEPLOYABLES, PROGRAMS, SUBSCRIBERS = load()
CASSANDRA_GRANTS = {
    name: ("CREATE", "ALTER", "SELECT", "MODIFY") if program.kind == "job" else ("SELECT", "MODIFY")
    for name, program in PROGRAMS.items()
    if "cassandra" in program.servers and not program.makes_roles
}
"""Cassandra's roles, and what each may do with its keyspace: tables are changed by the job, rows by the others."""
CASSANDRA_KEYSPACES = {name: PROGRAMS[name].deployable.snake_case for name in CASSANDRA_GRANTS}
"""The keyspace of each of Cassandra's roles."""
KAFKA_USERS = (*(name for name, program in PROGRAMS.items() if "kafka" in program.servers), "operator", *SUBSCRIBERS)
"""The users of Kafka, whose rights are in `deploy/kafka-users.toml`. `operator` reads all topics, and nothing more."""
UPSTREAMS = tuple(PROGRAMS[name] for name in PROGRAMS["gateway"].calls)
"""The services behind the gateway."""


def callers_of(service: Program) -> list[Program]:
    """Return the programs that use a service's internal API."""
    return [program for program in PROGRAMS.values() if service.name in program.internal_calls]


def jobs_on(server: Server) -> list[str]:
    """Return the names of the jobs that prepare a server."""
    return [name for name, program in PROGRAMS.items() if program.kind == "job" and server in program.servers]
