"""The services behind the gateway. Written by `make programs` from deploy/programs.toml."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from photomesh_shared.settings import ServiceSettings

__all__ = ["Upstream", "UpstreamSettings"]


class Upstream(StrEnum):
    IDENTITY = "identity"
    UPLOAD = "upload"
    POST = "post"
    SOCIAL_GRAPH = "social-graph"
    FEED = "feed"
    EXPORT = "export"
    NOTIFICATION = "notification"
    NOTIFICATION_STREAM = "notification-stream"
    WEBHOOK = "webhook"
    STORY = "story"
    SEARCH = "search"
    EXPLORE = "explore"


class UpstreamSettings(ServiceSettings):
    identity_url: str = Field("http://127.0.0.1:18001", description="Base URL of identity.")
    upload_url: str = Field("http://127.0.0.1:18002", description="Base URL of upload.")
    post_url: str = Field("http://127.0.0.1:18003", description="Base URL of post.")
    social_graph_url: str = Field("http://127.0.0.1:18006", description="Base URL of social-graph.")
    feed_url: str = Field("http://127.0.0.1:18008", description="Base URL of feed.")
    export_url: str = Field("http://127.0.0.1:18020", description="Base URL of export.")
    notification_url: str = Field("http://127.0.0.1:18022", description="Base URL of notification.")
    notification_stream_url: str = Field("http://127.0.0.1:18028", description="Base URL of notification-stream.")
    webhook_url: str = Field("http://127.0.0.1:18030", description="Base URL of webhook.")
    story_url: str = Field("http://127.0.0.1:18032", description="Base URL of story.")
    search_url: str = Field("http://127.0.0.1:18035", description="Base URL of search.")
    explore_url: str = Field("http://127.0.0.1:18037", description="Base URL of explore.")

    def url_of(self, upstream: Upstream) -> str:
        return {
            Upstream.IDENTITY: self.identity_url,
            Upstream.UPLOAD: self.upload_url,
            Upstream.POST: self.post_url,
            Upstream.SOCIAL_GRAPH: self.social_graph_url,
            Upstream.FEED: self.feed_url,
            Upstream.EXPORT: self.export_url,
            Upstream.NOTIFICATION: self.notification_url,
            Upstream.NOTIFICATION_STREAM: self.notification_stream_url,
            Upstream.WEBHOOK: self.webhook_url,
            Upstream.STORY: self.story_url,
            Upstream.SEARCH: self.search_url,
            Upstream.EXPLORE: self.explore_url,
        }[upstream]
