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
    UploadQuotaSettings,
)

__all__ = ["Settings"]


class Settings(
    ServiceSettings,
    PostgresSettings,
    KafkaSettings,
    RedisSettings,
    StorageSettings,
    AuthSettings,
    UploadQuotaSettings,
):
    cursor_secret: SecretStr = Field(description="Signs cursors.")
    idempotency_secret: SecretStr = Field(description="Encrypts kept answers.")
    upload_seconds: int = Field(86_400, ge=1, description="How long an upload may stay open.")
    url_seconds: int = Field(3_600, ge=1, le=604_800, description="How long a presigned URL works.")
    sweep_seconds: float = Field(30, gt=0, description="How often to look for expired uploads.")
    keep_days: int = Field(30, ge=1, description="How long an upload that has ended can still be asked for.")
