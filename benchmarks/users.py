"""How benchmarks reach Kafka and Cassandra, those of the test stack where nothing else is said."""

from __future__ import annotations

from collections.abc import Mapping

import photomesh_local as local
from photomesh_local.configuration.environment import kafka_environment
from photomesh_shared.settings import CassandraSettings, KafkaSettings

__all__ = ["cassandra_user", "kafka_user"]

_STACK = "test"


def kafka_user(name: str | None = None) -> KafkaSettings:
    """A user of Kafka; the administrator, who may do everything, if there is no name."""
    return KafkaSettings.model_validate(_fields(kafka_environment(_STACK, name)))


def cassandra_user(program: str, stack: str = _STACK) -> CassandraSettings:
    """What a program reaches its keyspace with."""
    environment = local.environment(stack, program).items()
    return CassandraSettings.model_validate(
        _fields({name: value for name, value in environment if "CASSANDRA" in name})
    )


def _fields(environment: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix("PHOTOMESH_").lower(): value for name, value in environment.items()}
