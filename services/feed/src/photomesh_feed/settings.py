"""Settings of the service's three processes; see also the parts in `photomesh_shared.settings`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from photomesh_shared.settings import (
    AuthSettings,
    CalleeSettings,
    CallerSettings,
    CopySettings,
    KafkaConsumerSettings,
    KafkaSettings,
    ReplaceableSecret,
    ServiceSettings,
    StorageSettings,
)

__all__ = ["ConsumerSettings", "FanoutSettings", "FeedRedisSettings", "Settings"]


class FeedRedisSettings(ServiceSettings):
    feed_redis_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:18379/2"), description="Redis of feeds. Everything in it can be lost."
    )


class SourceSettings(CallerSettings):
    """The services and files that feeds are built from."""

    social_graph_url: str = Field("http://127.0.0.1:18006", description="The service of follows.")
    post_url: str = Field("http://127.0.0.1:18003", description="The service of posts.")
    cdn_url: str = Field(
        "http://127.0.0.1:18080/variants", description="The URL of a variant is this, a slash, and its key."
    )


class Settings(FeedRedisSettings, SourceSettings, CalleeSettings, KafkaSettings, StorageSettings, AuthSettings):
    """Of ``python -m photomesh_feed``."""

    cursor_secret: ReplaceableSecret = Field(description="Signs cursors.")
    explore_url: str = Field("http://127.0.0.1:18037", description="explore, for suggested posts in ranked feeds.")
    suggestion_seconds: float = Field(
        0.15, gt=0, le=5, description="How long a ranked page waits for explore, when its order is made and when read."
    )


class ConsumerSettings(CopySettings, FeedRedisSettings, SourceSettings, KafkaConsumerSettings):
    """Of ``python -m photomesh_feed.consumer``."""

    celebrity_followers: int = Field(
        10_000, ge=1, description="With this many followers or more, an author's posts are pulled rather than pushed."
    )


class FanoutSettings(FeedRedisSettings, KafkaConsumerSettings):
    """Of ``python -m photomesh_feed.fanout``."""
