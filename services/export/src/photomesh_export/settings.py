"""Settings of the two processes, beyond those of `photomesh_shared.settings`."""

from __future__ import annotations

from pydantic import Field

from photomesh_shared.settings import (
    AuthSettings,
    CallerSettings,
    KafkaConsumerSettings,
    PostgresSettings,
    ServiceSettings,
    StorageSettings,
)

__all__ = ["Settings", "WorkerSettings"]


class ExportSettings(ServiceSettings, PostgresSettings, StorageSettings):
    exports_bucket: str = Field("exports", description="The bucket of finished exports and of work in progress.")


class Settings(CallerSettings, ExportSettings, AuthSettings):
    """Of ``python -m photomesh_export``."""

    identity_url: str = Field("http://127.0.0.1:18001", description="The service of accounts, which confirms owners.")
    link_seconds: int = Field(600, ge=60, le=3_600, description="Lifetime of a link; each read signs new ones.")
    pause_seconds: int = Field(86_400, ge=0, description="How long after an export the next one may begin.")
    max_starts: int = Field(3, ge=1, description="Exports that an account may begin in a day, cancelled ones included.")


class WorkerSettings(CallerSettings, ExportSettings, KafkaConsumerSettings):
    """Of ``python -m photomesh_export.worker``."""

    identity_url: str = Field("http://127.0.0.1:18001", description="The service of accounts.")
    upload_url: str = Field("http://127.0.0.1:18002", description="The service of uploads.")
    post_url: str = Field("http://127.0.0.1:18003", description="The service of posts.")
    social_graph_url: str = Field("http://127.0.0.1:18006", description="The service of follows.")
    feed_url: str = Field("http://127.0.0.1:18008", description="The service of feeds.")
    notification_url: str = Field("http://127.0.0.1:18022", description="The service of notifications.")
    webhook_url: str = Field("http://127.0.0.1:18030", description="The service of webhooks.")
    story_url: str = Field("http://127.0.0.1:18032", description="The service of stories.")
    explore_url: str = Field("http://127.0.0.1:18037", description="The service of explore.")
    concurrency: int = Field(2, ge=1, le=16, description="Exports that one worker runs at a time.")
    poll_seconds: float = Field(2, gt=0, description="How often an idle worker looks for work.")
    lease_seconds: float = Field(60, gt=1, description="A worker that does not renew its lease loses the export.")
    sweep_seconds: float = Field(60, gt=0, description="How often objects of ended exports are deleted.")
    retry_seconds: float = Field(15, gt=0, description="Pause after a failed attempt; doubled with each, up to 15 min.")
    max_attempts: int = Field(8, ge=1, description="Attempts at one step; then it is left out and listed as failed.")
    part_bytes: int = Field(2_000_000_000, ge=1, description="Photos in one zip; a single larger file is alone in one.")
    chunk_bytes: int = Field(4_000_000, ge=1, description="Items of a section that are stored together.")
    upload_bytes: int = Field(16 * 1024 * 1024, ge=5 * 1024 * 1024, description="Parts in which a zip is uploaded.")
    keep_days: int = Field(7, ge=1, description="How long a finished export can be downloaded.")
    history_days: int = Field(30, ge=8, description="How long it is known when an account exported.")
