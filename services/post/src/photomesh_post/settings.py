"""The variables of the service's processes; see also the parts in `photomesh_shared.settings`."""

from __future__ import annotations

from pydantic import Field

from photomesh_shared.settings import (
    AuthSettings,
    CalleeSettings,
    CassandraSettings,
    CdnSettings,
    CopySettings,
    KafkaConsumerSettings,
    KafkaSettings,
    RedisSettings,
    ReplaceableSecret,
    StorageSettings,
)

__all__ = ["ConsumerSettings", "EngagementSettings", "Settings"]


class Settings(CalleeSettings, CassandraSettings, KafkaSettings, RedisSettings, AuthSettings):
    """Of ``python -m photomesh_post``."""

    cdn_url: str = Field(
        "http://127.0.0.1:18080/variants", description="A variant's URL is this, a slash, and its key."
    )
    cursor_secret: ReplaceableSecret = Field(description="Signs cursors.")
    idempotency_secret: ReplaceableSecret = Field(description="Keys the hashes of idempotency keys and their requests.")
    photo_wait_seconds: float = Field(2, ge=0, description="How long to wait for a photo that may be on its way.")
    upload_seconds: int = Field(86_400, ge=1, description="How long an upload may stay open; the same as upload's.")


class ConsumerSettings(CopySettings, KafkaConsumerSettings, CassandraSettings, StorageSettings, CdnSettings):
    """Of ``python -m photomesh_post.consumer``."""

    social_graph_url: str = Field("http://127.0.0.1:18006", description="The service of follows and blocks.")


class EngagementSettings(KafkaConsumerSettings, CassandraSettings):
    """Of ``python -m photomesh_post.engagement``."""
