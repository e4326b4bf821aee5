"""Settings of the two processes, beyond those of `photomesh_shared.settings`."""

from __future__ import annotations

from pydantic import Field

from photomesh_shared.settings import (
    AuthSettings,
    CalleeSettings,
    CallerSettings,
    CopySettings,
    KafkaConsumerSettings,
    KafkaSettings,
    PostgresSettings,
    ReplaceableSecret,
)

__all__ = ["ConsumerSettings", "Settings"]


class Settings(CallerSettings, CalleeSettings, PostgresSettings, KafkaSettings, AuthSettings):
    """Of ``python -m photomesh_social_graph``."""

    cursor_secret: ReplaceableSecret = Field(description="Signs cursors.")
    post_url: str = Field("http://127.0.0.1:18003", description="The service of posts, which a block is written to.")
    feed_url: str = Field("http://127.0.0.1:18008", description="The service of feeds, which a block is written to.")
    following_limit: int = Field(
        7_500, ge=1, description="Accounts that one account may follow, pending requests included."
    )
    account_wait_seconds: float = Field(
        2, ge=0, description="How long a request waits for an account registered a moment ago."
    )


class ConsumerSettings(CopySettings, KafkaConsumerSettings, PostgresSettings):
    """Of ``python -m photomesh_social_graph.consumer``, `.migrate` and `.reconcile`."""
