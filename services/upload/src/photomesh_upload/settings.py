"""Settings of upload, beyond those of `photomesh_shared.settings`."""

from __future__ import annotations

from pydantic import Field

from photomesh_shared.settings import (
    AuthSettings,
    CalleeSettings,
    KafkaConsumerSettings,
    KafkaSettings,
    PostgresSettings,
    RedisSettings,
    ReplaceableSecret,
    StorageSettings,
    UploadQuotaSettings,
)

__all__ = ["ConsumerSettings", "Settings"]


class Settings(
    CalleeSettings,
    PostgresSettings,
    KafkaSettings,
    RedisSettings,
    StorageSettings,
    AuthSettings,
    UploadQuotaSettings,
):
    cursor_secret: ReplaceableSecret = Field(description="Signs cursors.")
    idempotency_secret: ReplaceableSecret = Field(description="Keys the hashes of idempotency keys and their requests.")
    upload_seconds: int = Field(86_400, ge=1, description="Lifetime of an open upload.")
    url_seconds: int = Field(3_600, ge=1, le=604_800, description="Lifetime of a presigned URL.")
    sweep_seconds: float = Field(30, gt=0, description="Interval of the sweeper.")
    keep_unusable_days: int = Field(7, ge=1, description="How long a photo is kept that was rejected or failed.")
    keep_unused_days: int = Field(30, ge=2, description="How long a photo is kept that no post uses.")
    keep_days: int = Field(30, ge=1, description="How long an ended upload can be read.")


class ConsumerSettings(KafkaConsumerSettings, PostgresSettings, StorageSettings):
    """Of ``python -m photomesh_upload.consumer``."""
