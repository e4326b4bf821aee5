"""The variables of the service's three processes; see also the parts in `photomesh_shared.settings`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from photomesh_shared.settings import AuthSettings, KafkaConsumerSettings, KafkaSettings, ServiceSettings

__all__ = ["ConsumerSettings", "FanoutSettings", "FeedRedisSettings", "Settings"]


class FeedRedisSettings(ServiceSettings):
    feed_redis_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:18379/2"), description="Where feeds are kept. Everything there can be lost."
    )


class Settings(FeedRedisSettings, KafkaSettings, AuthSettings):
    """Of ``python -m photomesh_feed``."""

    social_graph_url: str = Field("http://127.0.0.1:18006", description="Knows who follows whom.")
    post_url: str = Field("http://127.0.0.1:18003", description="Knows all posts.")
    cdn_url: str = Field(
        "http://127.0.0.1:18080/variants", description="A variant's URL is this, a slash, and its key."
    )
    cursor_secret: SecretStr = Field(description="Signs cursors.")


class ConsumerSettings(FeedRedisSettings, KafkaConsumerSettings):
    """Of ``python -m photomesh_feed.consumer``."""

    social_graph_url: str = Field("http://127.0.0.1:18006", description="Knows who follows whom.")
    post_url: str = Field("http://127.0.0.1:18003", description="Knows all posts.")
    cdn_url: str = Field(
        "http://127.0.0.1:18080/variants", description="A variant's URL is this, a slash, and its key."
    )
    celebrity_followers: int = Field(
        10_000, ge=1, description="With as many followers or more, posts are pulled by readers rather than pushed."
    )


class FanoutSettings(FeedRedisSettings, KafkaConsumerSettings):
    """Of ``python -m photomesh_feed.fanout``."""
