"""The variables of the service's processes; see also the parts in `photomesh_shared.settings`."""

from __future__ import annotations

import re

from pydantic import Field, SecretStr, model_validator

from photomesh_shared.settings import (
    AuthSettings,
    CalleeSettings,
    CallerSettings,
    CassandraSettings,
    KafkaConsumerSettings,
    OutboundSettings,
    ReplaceableSecret,
    ServiceSettings,
)

__all__ = [
    "CollectorSettings",
    "NotificationRedisSettings",
    "PushSettings",
    "Settings",
    "StreamSettings",
    "WriterSettings",
]

_CONTACT = re.compile(r"(mailto:[^\s<>@]+@|https://)[A-Za-z0-9.-]+\.[A-Za-z]{2,}(/\S*)?")
_NOWHERE = re.compile(r"(?i)localhost|\.(invalid|local|localhost|test)(/|$)")


class NotificationRedisSettings(ServiceSettings):
    feed_redis_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:18379/2"), description="Redis of read models. Everything in it can be lost."
    )


class Settings(NotificationRedisSettings, CallerSettings, CalleeSettings, CassandraSettings, AuthSettings):
    """Of ``python -m photomesh_notification``."""

    post_url: str = Field("http://127.0.0.1:18003", description="post, which says what an account may see.")
    cursor_secret: ReplaceableSecret = Field(description="Signs cursors.")
    vapid_secret: SecretStr = Field(description="Makes the key that devices subscribe to.")


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


class PushSettings(
    NotificationRedisSettings, CallerSettings, KafkaConsumerSettings, CassandraSettings, OutboundSettings
):
    """Of ``python -m photomesh_notification.push_sender``."""

    identity_url: str = Field("http://127.0.0.1:18001", description="The service of sessions.")
    post_url: str = Field("http://127.0.0.1:18003", description="post, which says what an account may see.")
    vapid_secret: SecretStr = Field(description="Makes the key that devices subscribe to.")
    vapid_subject: str | None = Field(
        None,
        description="Where push services reach us: mailto: or https:; default: `public_url`. It must be a real one, or"
        " some refuse all pushes.",
    )
    app_url: str | None = Field(None, description="Where notifications lead: the app's site; default: `public_url`.")
    push_window_seconds: float = Field(45, gt=0, description="How long news is gathered before it is pushed.")
    push_personal_window_seconds: float = Field(
        30, gt=0, description="The same where somebody turns to the recipient: comments, mentions, requests."
    )
    push_request_seconds: float = Field(10, gt=0, description="How long a push service may take to answer.")
    push_again_seconds: float = Field(
        60, gt=0, description="When a push is sent again if nothing is known of it, as after a crash."
    )

    @property
    def contact(self) -> str:
        return self.vapid_subject or self.public_url

    @model_validator(mode="after")
    def _can_be_reached(self) -> PushSettings:
        if self.env == "production" and (not _CONTACT.fullmatch(self.contact) or _NOWHERE.search(self.contact)):
            raise ValueError(f"PHOTOMESH_VAPID_SUBJECT: {self.contact!r} is no address at which we can be reached")
        return self
