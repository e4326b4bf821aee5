"""Settings of identity, beyond those of `photomesh_shared.settings`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from photomesh_shared.concurrency.gcra import Rate, RateSetting
from photomesh_shared.settings import (
    AuthSettings,
    CalleeSettings,
    CallerSettings,
    KafkaConsumerSettings,
    KafkaSettings,
    PostgresSettings,
    RedisSettings,
    ReplaceableSecret,
    StorageSettings,
)

__all__ = ["ConsumerSettings", "Settings"]


class Settings(
    CallerSettings, CalleeSettings, PostgresSettings, KafkaSettings, RedisSettings, StorageSettings, AuthSettings
):
    cdn_url: str = Field("http://127.0.0.1:18080/variants", description="Base URL of public variants.")
    post_url: str = Field("http://127.0.0.1:18003", description="post, for photos and counts of posts.")
    social_graph_url: str = Field(
        "http://127.0.0.1:18006", description="social-graph, for relationships and their counts."
    )
    feed_url: str = Field("http://127.0.0.1:18008", description="feed, to which accounts that hide are written.")
    idempotency_secret: ReplaceableSecret = Field(description="Keys the hashes of idempotency keys and their requests.")
    cursor_secret: ReplaceableSecret = Field(description="Signs cursors.")
    key_encryption_secret: ReplaceableSecret = Field(description="Encrypts the private signing keys in the database.")
    hash_secret: ReplaceableSecret = Field(
        description="Keys the hashes of addresses in allowances, and of usernames that are held for their former owner."
    )

    breached_passwords_file: Path | None = Field(
        None, description="More breached passwords: a file of `python -m photomesh_identity.breached_passwords`."
    )

    smtp_url: SecretStr = Field(
        SecretStr("smtp://127.0.0.1:18025"),
        description="The mail server: smtp://host:port, smtp+starttls://user:password@host:587 or smtps://….",
    )
    mail_sender: str = Field("Photomesh <no-reply@photomesh.example>", description="From whom mails are.")
    app_url: str = Field(
        "http://127.0.0.1:18000/app",
        description="The app or site that opens the links in mails, for example to reset a password.",
    )

    access_token_seconds: int = Field(900, ge=1, description="Lifetime of an access token.")
    refresh_idle_seconds: int = Field(30 * 86_400, ge=1, description="A session ends after so long without use.")
    refresh_total_seconds: int = Field(180 * 86_400, ge=1, description="A session ends after so long in any case.")
    max_sessions: int = Field(50, ge=1, description="Sessions of an account; a further log-in ends the oldest one.")
    refresh_grace_seconds: float = Field(
        10, ge=0, description="How long a refresh may be repeated, in case its response was lost."
    )

    failures_account: RateSetting = Field(
        Rate(20, 3600), description="Failed log-ins with one username or address, and failed codes of an account."
    )
    failures_address: RateSetting = Field(
        Rate(30, 3600),
        description="Failed log-ins from an IPv6 /64; a /56 has twice, a /48 4 times, IPv4 10 times that.",
    )

    passkey_rp_id: str = Field("localhost", description="Domain that passkeys belong to; a change makes all useless.")
    passkey_origins: list[str] = Field(
        ["http://localhost:18000"], description="Pages, on that domain or below, that may use them; JSON."
    )

    argon2_memory_kib: int = Field(65_536, ge=8, description="Memory of one password hash.")
    argon2_time_cost: int = Field(3, ge=1, description="Passes over that memory.")
    argon2_lanes: int = Field(1, ge=1, description="Threads of one hash.")
    password_threads: int = Field(2, ge=1, description="Concurrent hashes; times the memory, they must fit the pod.")
    password_queue: int = Field(16, ge=0, description="Hashes that may wait; above that, requests get a 503.")

    key_publish_seconds: int = Field(900, ge=0, description="How long a new signing key is published before it signs.")
    key_reload_seconds: float = Field(60, gt=0, description="Interval of reloading the signing keys.")

    erasure_grace_days: int = Field(30, ge=0, description="How long an account that leaves can come back.")
    erasure_interval_seconds: float = Field(10, gt=0, description="How often erasures are started and completed.")
    erasure_repeat_seconds: float = Field(
        3_600, gt=0, description="How often a request is repeated while a consumer group has not acknowledged it."
    )


class ConsumerSettings(KafkaConsumerSettings, PostgresSettings):
    """Of ``python -m photomesh_identity.consumer``."""

    hash_secret: ReplaceableSecret = Field(description="Keys the hashes of usernames that are held.")
