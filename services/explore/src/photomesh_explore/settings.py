"""The variables of the service's processes; see also the parts in `photomesh_shared.settings`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from photomesh_shared.settings import (
    AuthSettings,
    CalleeSettings,
    CallerSettings,
    KafkaConsumerSettings,
    KafkaSettings,
    ReplaceableSecret,
    ServiceSettings,
)

__all__ = ["ConsumerSettings", "ExploreRedisSettings", "Settings"]


class ExploreRedisSettings(ServiceSettings):
    feed_redis_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:18379/2"), description="Redis of read models. Everything in it can be lost."
    )


class Settings(ExploreRedisSettings, CallerSettings, CalleeSettings, KafkaSettings, AuthSettings):
    """Of ``python -m photomesh_explore``."""

    post_url: str = Field("http://127.0.0.1:18003", description="post, which says what an account may see.")
    cursor_secret: ReplaceableSecret = Field(description="Signs cursors.")


class ConsumerSettings(ExploreRedisSettings, KafkaConsumerSettings):
    """Of ``python -m photomesh_explore.consumer``."""

    score_seconds: float = Field(0.5, gt=0, description="Between two looks for what has to be scored.")
