"""Settings of the two processes, beyond those of `photomesh_shared.settings`."""

from __future__ import annotations

from pydantic import Field

from photomesh_shared.settings import (
    AuthSettings,
    CallerSettings,
    KafkaConsumerSettings,
    ReplaceableSecret,
    ServiceSettings,
)

__all__ = ["ConsumerSettings", "OpenSearchSettings", "Settings"]


class OpenSearchSettings(ServiceSettings):
    opensearch_url: str = Field(
        "http://127.0.0.1:18200", description="OpenSearch. All that it holds can be made again from the topics."
    )


class SourceSettings(CallerSettings):
    post_url: str = Field("http://127.0.0.1:18003", description="post, which says what an account may see.")


class Settings(OpenSearchSettings, SourceSettings, AuthSettings):
    """Of ``python -m photomesh_search``."""

    social_graph_url: str = Field("http://127.0.0.1:18006", description="The service of follows.")
    identity_url: str = Field("http://127.0.0.1:18001", description="The service of accounts.")
    cursor_secret: ReplaceableSecret = Field(description="Signs cursors.")


class ConsumerSettings(OpenSearchSettings, SourceSettings, KafkaConsumerSettings):
    """Of ``python -m photomesh_search.consumer``, and of its rebuild."""

    opensearch_replicas: int = Field(0, ge=0, description="Further copies of each index, on other nodes.")
