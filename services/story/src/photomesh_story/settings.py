"""The variables of the service's processes; see also the parts in `photomesh_shared.settings`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from photomesh_shared.settings import (
    AuthSettings,
    CalleeSettings,
    CallerSettings,
    CassandraSettings,
    CdnSettings,
    KafkaConsumerSettings,
    KafkaSettings,
    ReplaceableSecret,
    ServiceSettings,
    StorageSettings,
)

__all__ = ["ConsumerSettings", "Settings", "StoryRedisSettings"]


class StoryRedisSettings(ServiceSettings):
    feed_redis_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:18379/2"), description="Redis of read models. Everything in it can be lost."
    )


class Settings(
    StoryRedisSettings,
    CallerSettings,
    CalleeSettings,
    CassandraSettings,
    KafkaSettings,
    StorageSettings,
    CdnSettings,
    AuthSettings,
):
    """Of ``python -m photomesh_story``."""

    post_url: str = Field("http://127.0.0.1:18003", description="post, which says what an account may see.")
    cursor_secret: ReplaceableSecret = Field(description="Signs cursors.")
    photo_wait_seconds: float = Field(2, ge=0, description="How long to wait for a photo that may be on its way.")
    upload_seconds: int = Field(86_400, ge=1, description="How long an upload may stay open; the same as upload's.")


class ConsumerSettings(StoryRedisSettings, KafkaConsumerSettings, CassandraSettings, StorageSettings, CdnSettings):
    """Of ``python -m photomesh_story.consumer``."""

    sweep_seconds: float = Field(5, gt=0, description="Between two looks for stories whose time is over.")
