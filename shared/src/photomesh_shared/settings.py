"""Settings from environment variables, all prefixed ``PHOTOMESH_``.

A service's `settings.py` combines the parts that it needs::

    class Settings(ServiceSettings, PostgresSettings, KafkaSettings):
        max_open_uploads: int = Field(20, description="Uploads one account may have open.")
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = [
    "AuthSettings",
    "CalleeSettings",
    "CallerSettings",
    "CassandraSettings",
    "CdnSettings",
    "CopySettings",
    "KafkaConsumerSettings",
    "KafkaSettings",
    "OutboundSettings",
    "PostgresSettings",
    "RedisSettings",
    "Region",
    "ReplaceableSecret",
    "ServiceSettings",
    "StorageSettings",
    "UploadQuotaSettings",
]


class ReplaceableSecret(SecretStr):
    """A secret of our own; while it is replaced, two, separated by a comma: the first is used, both are accepted."""

    @property
    def accepted(self) -> list[str]:
        """The secrets that are accepted, the one in use first."""
        return self.get_secret_value().split(",")


class Region(BaseModel):
    """One region: its number in ids and the URL of its gateway."""

    number: int = Field(ge=0, le=15)
    url: str


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PHOTOMESH_", frozen=True, extra="ignore")


class ServiceSettings(_Settings):
    """Settings of every deployable."""

    program: str = Field("unknown", description="Its name in the registry of programs.")
    env: Literal["local", "test", "production"] = Field("production", description="Failpoints work outside production.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, description="Port to listen on.")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    region: str = Field("local", description="The region this process runs in; a key of `regions`.")
    regions: dict[str, Region] = Field(
        default={"local": Region(number=1, url="http://127.0.0.1:18000")}, description="All regions, as JSON."
    )
    public_url: str = Field("http://127.0.0.1:18000", description="The gateway's URL; problem types are below it.")
    version: str = Field("unknown", description="The running release, as exported by metrics.")
    revision: str = Field("unknown", description="Its commit.")
    trace_file: str | None = Field(None, description="Append finished spans to this file as JSON lines.")
    trace_share: float = Field(
        0.01, ge=0, le=1, description="Share of traces that are recorded; spans that fail are recorded always."
    )
    shutdown_seconds: float = Field(20, description="How long to drain on SIGTERM.")

    @model_validator(mode="after")
    def _region_is_listed(self) -> ServiceSettings:
        if self.region not in self.regions:
            raise ValueError(f"PHOTOMESH_REGION={self.region!r} is not in PHOTOMESH_REGIONS")
        return self

    @property
    def region_number(self) -> int:
        return self.regions[self.region].number

    @property
    def problem_type_base(self) -> str:
        return f"{self.public_url}/problems"


class CallerSettings(ServiceSettings):
    """Settings of a program that calls internal APIs."""

    call_keys: dict[str, ReplaceableSecret] = Field(description="Its key for each service that it calls, as JSON.")


class CalleeSettings(ServiceSettings):
    """Settings of a service with an internal API."""

    caller_keys: dict[str, ReplaceableSecret] = Field(description="The key of each program that may call it, as JSON.")


class CopySettings(CallerSettings):
    """Settings of a program that compares its copies of accounts, and maybe of relations, with their owners."""

    identity_url: str = Field("http://127.0.0.1:18001", description="The service of accounts.")
    copy_pass_seconds: float = Field(
        86_400, gt=0, description="How long it takes to compare all that was copied from an owner."
    )


class OutboundSettings(ServiceSettings):
    """Settings of a program that calls addresses which strangers named (`photomesh_shared.outbound`)."""

    outbound_test_receivers: list[str] = Field(
        default=[],
        description="Addresses (`127.0.0.1:8444`), as JSON, that may be called although they are not public. For tests:"
        " in production the program does not start with any.",
    )

    outbound_test_authority: str | None = Field(
        None,
        description="A file with a certificate that vouches for test receivers, besides the system's authorities. In"
        " production the program does not start with it.",
    )

    @model_validator(mode="after")
    def _public_addresses_only(self) -> OutboundSettings:
        if self.env == "production" and self.outbound_test_receivers:
            raise ValueError("PHOTOMESH_OUTBOUND_TEST_RECEIVERS is set in production")
        if self.env == "production" and self.outbound_test_authority:
            raise ValueError("PHOTOMESH_OUTBOUND_TEST_AUTHORITY is set in production")
        return self


class KafkaSettings(_Settings):
    """Settings of every client of Kafka. `photomesh_shared.kafka.connection` makes the driver's options of them."""

    kafka_bootstrap: str = Field("127.0.0.1:18092", description="Brokers, host:port, separated by commas.")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "SASL_PLAINTEXT", description="Whether connections are encrypted (SSL), and whether the client logs in (SASL)."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How the client logs in."
    )
    kafka_user: str = Field("", description="The name with which it logs in.")
    kafka_password: SecretStr = Field(SecretStr(""), description="Its password.")
    kafka_ca_file: str | None = Field(
        None, description="The authorities, as PEM, that may vouch for the brokers; default: those of the system."
    )
    kafka_replication: int = Field(1, ge=1, description="Replicas of each topic.")
    kafka_partitions: dict[str, Annotated[int, Field(ge=1, le=10_000)]] = Field(
        default={},
        description='Partitions by topic, as JSON, where not 12; `"*"` is for all topics that are not named.',
    )

    @model_validator(mode="after")
    def _logs_in(self) -> KafkaSettings:
        if self.kafka_security_protocol.startswith("SASL_") and not self.kafka_user:
            raise ValueError(f"PHOTOMESH_KAFKA_USER is missing: {self.kafka_security_protocol} needs a login")
        return self


class KafkaConsumerSettings(ServiceSettings, KafkaSettings):
    """Settings of every consumer program."""


class RedisSettings(_Settings):
    redis_url: SecretStr = Field(SecretStr("redis://127.0.0.1:18379/0"), description="redis://:password@host:port/db")


class PostgresSettings(_Settings):
    postgres_dsn: SecretStr = Field(description="postgresql://user:password@host:port/database")
    postgres_pool: int = Field(10, ge=2, description="Maximum number of connections.")


class CassandraSettings(_Settings):
    cassandra_user: str = Field("", description="The role as which it logs in; without one it does not log in.")
    cassandra_password: SecretStr = Field(SecretStr(""), description="Its password.")
    cassandra_ca_file: str | None = Field(
        None, description="The authority, as PEM, that vouches for the nodes; without it connections are not encrypted."
    )
    cassandra_hosts: str = Field("127.0.0.1", description="Contact points, separated by commas.")
    cassandra_port: int = 18042
    cassandra_datacenter: str = "datacenter1"
    cassandra_keyspace: str = "post"
    cassandra_replication: int = Field(1, ge=1, description="Replicas in the data centre.")


class StorageSettings(_Settings):
    s3_endpoint: str = Field("http://127.0.0.1:18333", description="Object storage as this process reaches it.")
    s3_public_endpoint: str = Field("http://127.0.0.1:18333", description="Object storage as clients reach it.")
    s3_access_key: SecretStr
    s3_secret_key: SecretStr
    s3_region: str = "us-east-1"
    raw_bucket: str = "raw"
    variants_bucket: str = "variants"


class CdnSettings(_Settings):
    """Of programs that purge the CDN."""

    cdn_url: str = Field(
        "http://127.0.0.1:18080/variants", description="A public object's URL is this, a slash, and its key."
    )
    cdn_purge_urls: list[str] = Field(
        default=["http://127.0.0.1:18081", "http://127.0.0.1:18080"],
        description="Layers of the CDN that take PURGE, as JSON, from the one next to the store outwards.",
    )


class AuthSettings(_Settings):
    jwks_url: str = Field("http://127.0.0.1:18001/.well-known/jwks.json", description="URL of the public keys.")
    token_issuer: str = Field("photomesh", description="Required `iss` of tokens.")
    token_audience: str = Field("photomesh-api", description="Required `aud` of tokens.")


class UploadQuotaSettings(_Settings):
    """Upload quotas: enforced by upload, listed by the gateway."""

    max_open_uploads: int = Field(100, ge=1, description="Uploads that one account may have open.")
    max_uploads_per_day: int = Field(1_000, ge=1, description="Uploads that one account may begin in a day (UTC).")
    max_bytes_per_day: int = Field(
        10_000_000_000, ge=1, description="Bytes that one account may announce in a day (UTC)."
    )
