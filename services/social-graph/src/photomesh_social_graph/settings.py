"""The variables of the service's two processes; see also the parts in `photomesh_shared.settings`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from photomesh_shared.settings import (
    AuthSettings,
    KafkaConsumerSettings,
    KafkaSettings,
    PostgresSettings,
    ServiceSettings,
)

__all__ = ["ConsumerSettings", "Settings"]


class Settings(ServiceSettings, PostgresSettings, KafkaSettings, AuthSettings):
    """Of ``python -m photomesh_social_graph``."""

    cursor_secret: SecretStr = Field(description="Signs cursors.")
    following_limit: int = Field(7_500, ge=1, description="How many one account may follow, with those it asked to.")
    account_wait_seconds: float = Field(2, ge=0, description="How long to wait for an account that was just opened.")


class ConsumerSettings(KafkaConsumerSettings, PostgresSettings):
    """Of ``python -m photomesh_social_graph.consumer``, `.migrate` and `.recount`."""
