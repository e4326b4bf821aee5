"""This service's variables; see also the parts in `photomesh_shared.settings`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from photomesh_shared.settings import (
    AuthSettings,
    KafkaSettings,
    PostgresSettings,
    RedisSettings,
    ServiceSettings,
    StorageSettings,
)

__all__ = ["Settings"]


class Settings(ServiceSettings, PostgresSettings, KafkaSettings, RedisSettings, StorageSettings, AuthSettings):
    cdn_url: str = Field("http://127.0.0.1:18080/variants", description="Base of the URLs of public sizes.")
    post_url: str = Field(
        "http://127.0.0.1:18003", description="Where photos are asked for, and how many posts somebody has."
    )
    social_graph_url: str = Field(
        "http://127.0.0.1:18006", description="Where a profile's relations and counts are asked for."
    )
    idempotency_secret: SecretStr = Field(description="Encrypts kept answers.")
    key_encryption_secret: SecretStr = Field(description="Encrypts the private signing keys in the database.")

    access_token_seconds: int = Field(900, ge=1, description="How long an access token is good for.")
    refresh_idle_seconds: int = Field(30 * 86_400, ge=1, description="A session ends when it is not used for so long.")
    refresh_total_seconds: int = Field(180 * 86_400, ge=1, description="A session ends after so long in any case.")
    refresh_grace_seconds: float = Field(
        10, ge=0, description="For so long a refresh may be repeated, in case its answer was lost."
    )

    argon2_memory_kib: int = Field(65_536, ge=8, description="Memory that one password hash takes.")
    argon2_time_cost: int = Field(3, ge=1, description="Passes over that memory.")
    argon2_lanes: int = Field(1, ge=1, description="Threads of one hash.")
    password_threads: int = Field(2, ge=1, description="Hashes at a time; times the memory, this must fit the pod.")
    password_queue: int = Field(16, ge=0, description="Hashes that may wait; beyond that the answer is 503.")

    key_publish_seconds: int = Field(900, ge=0, description="How long a new signing key is published before it signs.")
    key_reload_seconds: float = Field(60, gt=0, description="How often to look for new signing keys.")
