"""How benchmarks reach Kafka."""

from __future__ import annotations

from photomesh_local.configuration.environment import kafka_environment
from photomesh_shared.settings import KafkaSettings

__all__ = ["kafka_user"]


def kafka_user(name: str | None = None) -> KafkaSettings:
    """A user of the test stack's Kafka; the administrator, who may do everything, if there is no name."""
    values = kafka_environment("test", name).items()
    return KafkaSettings.model_validate({key.removeprefix("PHOTOMESH_").lower(): value for key, value in values})
