"""The variables of the service's processes; see also the parts in `photomesh_shared.settings`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from photomesh_shared.settings import (
    AuthSettings,
    CalleeSettings,
    CallerSettings,
    CassandraSettings,
    KafkaConsumerSettings,
    ReplaceableSecret,
    ServiceSettings,
)

__all__ = ["CollectorSettings", "NotificationRedisSettings", "Settings", "StreamSettings", "WriterSettings"]


class NotificationRedisSettings(ServiceSettings):
    feed_redis_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:18379/2"), description="Redis of read models. Everything in it can be lost."
    )


class Settings(NotificationRedisSettings, CallerSettings, CalleeSettings, CassandraSettings, AuthSettings):
    """Of ``python -m photomesh_notification``."""

    post_url: str = Field("http://127.0.0.1:18003", description="post, which says what an account may see.")
    cursor_secret: ReplaceableSecret = Field(description="Signs cursors.")


class CollectorSettings(KafkaConsumerSettings, CassandraSettings):
    """Of ``python -m photomesh_notification.collector``."""


class WriterSettings(NotificationRedisSettings, KafkaConsumerSettings, CassandraSettings):
    """Of ``python -m photomesh_notification.writer``."""


class StreamSettings(NotificationRedisSettings, AuthSettings):
    """Of ``python -m photomesh_notification.stream``."""

    max_streams: int = Field(20_000, ge=1, description="Streams that one process has open.")
    max_streams_per_account: int = Field(5, ge=1, description="Streams that one account has open, with all processes.")
    stream_event_seconds: float = Field(1.0, ge=0, description="Between two deliveries to an account.")
    drain_streams_seconds: float = Field(
        8.0,
        ge=0,
        description="In which open streams are ended after SIGTERM, so that clients do not come back together.",
    )
