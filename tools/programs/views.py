"""Template values of a program, derived from the registry and the topic catalogue."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from functools import cache
from pathlib import Path

from photomesh_local.configuration.environment import cassandra_role
from photomesh_local.configuration.registry import (
    CASSANDRA_GRANTS,
    CASSANDRA_KEYSPACES,
    PROGRAMS,
    ConsumerScaling,
    Deployable,
    Program,
    callers_of,
)
from photomesh_local.configuration.secrets import (
    call_key,
    cassandra_password,
    kafka_password,
    object_storage_keys,
    redis_password,
)
from photomesh_shared.events import TOPICS
from photomesh_shared.events.catalogue import Topic
from photomesh_shared.kafka.admin.topics import topic_specs

__all__ = [
    "anchors",
    "call_keys",
    "cassandra_password",
    "cassandra_role",
    "code_list",
    "consumed_by",
    "explain_scaling",
    "has_secrets",
    "kafka_password",
    "needs",
    "object_storage_keys",
    "own_environment",
    "pods_at_most",
    "published_by",
    "redis_url",
    "scalar",
    "topics",
    "trusts_stores",
]

_CLUSTER_ENVIRONMENT = Path(__file__).resolve().parents[2] / "deploy/k8s/base/common/photomesh.env"


def topics(program: Program) -> list[Topic]:
    """Return the topics that its group consumes. Raises LookupError if the catalogue has no such group."""
    found = [topic for topic in TOPICS.values() if program.group in topic.consumers]
    if not found:
        raise LookupError(f"{program.name}: no topic of the catalogue has the consumer group {program.group!r}")
    return found


def pods_at_most(program: Program) -> int:
    """Return a consumer's maximum number of pods: one for each partition, as the clusters' setting has them, unless the
    registry has a lower one."""
    assert isinstance(program.scaling, ConsumerScaling)
    specs = topic_specs(topics(program), replication=1, partitions=_partitions_in_clusters())
    partitions = max(spec.partitions for spec in specs if spec.name in TOPICS)
    return min(partitions, program.scaling.max or partitions)


@cache
def _partitions_in_clusters() -> dict[str, int]:
    """Return PHOTOMESH_KAFKA_PARTITIONS of the base of all clusters."""
    lines = (line.partition("=") for line in _CLUSTER_ENVIRONMENT.read_text().splitlines())
    [value] = [value for name, _, value in lines if name == "PHOTOMESH_KAFKA_PARTITIONS"]
    found: dict[str, int] = json.loads(value)
    return found


def needs(program: Program) -> list[str]:
    """Return the names of what it connects to, for labels and network policies: servers first, then programs."""
    servers = [f"{program.deployable.name}-db" if server == "postgres" else server for server in program.servers]
    return [*servers, *program.calls]


def has_secrets(program: Program) -> bool:
    return bool(program.secrets or program.internal_calls or callers_of(program)) or bool(
        {"postgres", "redis", "feed-redis", "object-storage", "kafka", "cassandra", "mail"} & set(program.servers)
    )


def trusts_stores(program: Program) -> bool:
    """Whether it verifies certificates that the stores' own authority signed."""
    return bool({"kafka", "cassandra", "postgres"} & set(program.servers))


def own_environment(program: Program) -> list[tuple[str, str]]:
    """Return its own variables in the cluster, without the prefix."""
    keyspace = (
        {"CASSANDRA_KEYSPACE": program.deployable.snake_case, "CASSANDRA_USER": cassandra_role(program)}
        if "cassandra" in program.servers
        else {}
    )
    grants = (
        {"CASSANDRA_GRANTS": json.dumps(CASSANDRA_GRANTS), "CASSANDRA_KEYSPACES": json.dumps(CASSANDRA_KEYSPACES)}
        if program.makes_roles
        else {}
    )
    name = {} if program.kind == "job" else {"PROGRAM": program.name}
    kafka = {"KAFKA_USER": program.name} if "kafka" in program.servers else {}
    return list({**name, **keyspace, **grants, **kafka, **program.environment}.items())


def call_keys(program: Program) -> list[tuple[str, str]]:
    """Return the variables of docker-compose.yml with its keys of internal calls, as JSON."""

    def values(keys: dict[str, str]) -> str:
        return json.dumps({name: f"${{{key}:?run make up}}" for name, key in keys.items()})

    found: list[tuple[str, str]] = []
    if program.internal_calls:
        found.append(
            ("CALL_KEYS", values({name: call_key(program, PROGRAMS[name]) for name in program.internal_calls}))
        )
    if callers := callers_of(program):
        found.append(("CALLER_KEYS", values({caller.name: call_key(caller, program) for caller in callers})))
    return found


def anchors(program: Program) -> list[str]:
    """Return the YAML anchors of docker-compose.yml with its settings and credentials."""
    return ["*common", *(f"*{server}" for server in program.servers if server == "mail")]


def redis_url(program: Program) -> str:
    """Return the variable of docker-compose.yml with its user in Redis. One Redis is both of them there."""
    [(name, database)] = [
        it
        for server, it in {"redis": ("REDIS", 0), "feed-redis": ("FEED_REDIS", 2)}.items()
        if server in program.servers
    ]
    password = f"${{{redis_password(program)}:?run make up}}"
    return f"PHOTOMESH_{name}_URL: redis://{program.name}:{password}@redis:6379/{database}"


def explain_scaling(program: Program) -> str:
    """Return the comment for a consumer's autoscaler."""
    scaling = program.scaling
    assert isinstance(scaling, ConsumerScaling)
    return (
        f"{scaling.why} One pod handles about {scaling.records_per_second} records a second; arriving ones may take "
        f"{scaling.utilization * 100:.0f} % of its time, and {scaling.backlog_seconds} seconds of its work may wait. "
        f"Up to {'one pod for each partition' if scaling.max is None else f'{scaling.max} pods'}."
    )


def published_by(deployable: Deployable) -> list[str]:
    return [topic.name for topic in TOPICS.values() if topic.owner == deployable.name]


def consumed_by(deployable: Deployable, programs: Collection[Program]) -> list[str]:
    groups = {program.group for program in programs if program.deployable == deployable and program.group}
    return [topic.name for topic in TOPICS.values() if groups & set(topic.consumers)]


def code_list(names: Collection[str]) -> str:
    """Format names for a cell of a Markdown table."""
    return ", ".join(f"`{name}`" for name in names) or "–"


def scalar(text: str) -> str:
    """Format a YAML scalar that is parsed as a string."""
    return text if re.fullmatch(r"[A-Za-z_][\w.-]*|\d+m", text) else json.dumps(text, ensure_ascii=False)
