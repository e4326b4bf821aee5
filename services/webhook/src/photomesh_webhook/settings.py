"""Settings of the two processes, beyond those of `photomesh_shared.settings`."""

from __future__ import annotations

from pydantic import Field

from photomesh_shared.settings import (
    AuthSettings,
    CalleeSettings,
    CallerSettings,
    KafkaConsumerSettings,
    KafkaSettings,
    OutboundSettings,
    PostgresSettings,
    RedisSettings,
    ReplaceableSecret,
)

__all__ = ["SenderSettings", "Settings"]


class Settings(CallerSettings, CalleeSettings, PostgresSettings, KafkaSettings, RedisSettings, AuthSettings):
    """Of ``python -m photomesh_webhook``."""

    cursor_secret: ReplaceableSecret = Field(description="Signs cursors.")
    idempotency_secret: ReplaceableSecret = Field(description="Keys the hashes of idempotency keys and their requests.")
    key_encryption_secret: ReplaceableSecret = Field(description="Encrypts the secrets of endpoints in the database.")
    identity_url: str = Field("http://127.0.0.1:18001", description="identity, which keeps the audit log of staff.")
    max_endpoints: int = Field(10, ge=1, description="Endpoints that one account may have.")


class SenderSettings(CallerSettings, OutboundSettings, KafkaConsumerSettings, PostgresSettings):
    """Of ``python -m photomesh_webhook.sender``."""

    key_encryption_secret: ReplaceableSecret = Field(description="Decrypts the secrets of endpoints.")
    identity_url: str = Field("http://127.0.0.1:18001", description="identity, which knows the roles of staff.")
    post_url: str = Field("http://127.0.0.1:18003", description="post, which says what an account may see.")
    webhook_request_seconds: float = Field(15, gt=0, description="For a whole request to an endpoint.")
