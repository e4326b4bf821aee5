"""The gateway's settings."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from photomesh_gateway.routing.upstreams import UpstreamSettings
from photomesh_shared.concurrency.gcra import Rate, RateSetting
from photomesh_shared.http import Budget, RateClass
from photomesh_shared.settings import AuthSettings, CallerSettings, RedisSettings, UploadQuotaSettings

__all__ = ["Settings"]


def _network(text: str) -> str:
    ip_network(text)
    return text


_Network = Annotated[str, AfterValidator(_network)]


class Settings(CallerSettings, UpstreamSettings, RedisSettings, AuthSettings, UploadQuotaSettings):
    """Rates are written ``quota/seconds``, such as ``100/60``."""

    rate_user: RateSetting = Field(Rate(1200, 60), description="All requests of one account.")
    rate_address: RateSetting = Field(Rate(3000, 60), description="All requests from one address; many may share it.")
    rate_read: RateSetting = Field(Rate(900, 60), description="Reads of one account, or of an address without one.")
    rate_write: RateSetting = Field(Rate(120, 60), description="Changes, by account.")
    rate_upload: RateSetting = Field(Rate(300, 60), description="Beginning and completing uploads, by account.")
    rate_search: RateSetting = Field(Rate(300, 60), description="Searches of one account: five letters a second.")
    rate_auth: RateSetting = Field(Rate(20, 60), description="Registering and logging in; by address.")
    rate_refresh: RateSetting = Field(
        Rate(120, 60), description="Refreshing tokens; by address, and identity by session."
    )
    rate_stream: RateSetting = Field(Rate(60, 60), description="Opening streams, by account.")
    budget_registrations: int = Field(10, ge=1, description="Accounts, in a day; by address.")
    budget_logins: int = Field(50, ge=1, description="Log-ins in a day; by address.")
    budget_records: int = Field(2_000, ge=1, description="Posts, comments, collections and their changes in a day.")
    budget_toggles: int = Field(
        5_000, ge=1, description="Likes, saves, follows, blocks, mutes, close friends in a day."
    )
    budget_impressions: int = Field(2_000, ge=1, description="Reports of impressions in a day.")
    budget_exports: int = Field(5, ge=1, description="Exports of an account's data begun in a day.")
    budget_webhooks: int = Field(500, ge=1, description="Changes, tests and replays of webhooks in a day.")
    accounts_per_address: int = Field(20, ge=1, description="An address has the budgets of so many accounts.")
    address_factor_56: int = Field(2, ge=1, description="Limits of addresses are those of an IPv6 /64; of a /56.")
    address_factor_48: int = Field(8, ge=1, description="The same of a /48, which may be a carrier's pool.")
    address_factor_ipv4: int = Field(8, ge=1, description="The same of an IPv4 address, which thousands may share.")
    redis_timeout: float = Field(0.25, description="Seconds to wait for Redis before counting in this process.")
    redis_pause: float = Field(1.0, description="Seconds before Redis is tried again after a failure.")

    connect_timeout: float = Field(2.0, description="Seconds to connect to a service.")
    timeout_read: float = Field(10.0, description="Seconds for a read, from request to response.")
    timeout_write: float = Field(15.0, description="Seconds for a change.")
    timeout_upload: float = Field(20.0, description="Seconds to begin or complete an upload.")
    timeout_auth: float = Field(20.0, description="Seconds to register or log in: hashing passwords is slow.")
    stream_silence: float = Field(45.0, description="Seconds for which a stream may send nothing: three heartbeats.")

    body_seconds: float = Field(10.0, description="Seconds for a request's body to arrive.")
    max_header_bytes: int = Field(32 * 1024, description="Largest headers, names and values together.")
    max_headers: int = Field(100, description="Header fields of a request at most.")
    max_connections_per_address: int = Field(1000, description="Open connections of one address, without a proxy.")
    write_seconds: float = Field(15.0, description="Seconds until a client that does not read is cut off.")

    max_in_flight: int = Field(512, description="Requests in flight at a time.")
    max_in_flight_per_upstream: int = Field(256, description="Of those, to one service.")
    reserved_in_flight: int = Field(32, ge=0, description="Of all, for each service alone.")
    trials_in_flight: int = Field(8, ge=1, description="To a service that only times out.")
    max_in_flight_per_address: int = Field(128, description="Of those, from one address.")
    queue_length: int = Field(256, description="Requests that wait for one service; more are refused.")
    queue_seconds: float = Field(1.0, description="How long they wait.")
    max_streams: int = Field(4_000, ge=1, description="Open streams. They take no places of requests.")
    max_streams_per_account: int = Field(5, ge=1, description="Of those, of one account.")
    max_streams_per_address: int = Field(500, ge=1, description="Of those, from one address.")
    drain_streams_seconds: float = Field(
        8.0,
        ge=0,
        description="In which open streams are ended after SIGTERM, so that clients do not come back together.",
    )
    drain_delay: float = Field(0.0, description="Seconds to keep serving, not ready, after SIGTERM.")

    cors_origins: list[str] = Field(["*"], description="Origins whose pages may call the API, as JSON.")
    trusted_proxies: list[_Network] = Field(
        [], description="Networks of our own proxies, as JSON; their X-Forwarded-For is trusted."
    )
    proxy_hops: int = Field(
        0, ge=0, le=20, description="Instead of their networks: our own proxies in front of every request, by number."
    )

    @model_validator(mode="after")
    def _proxies_are_known_in_one_way(self) -> Self:
        if self.trusted_proxies and self.proxy_hops:
            raise ValueError("PHOTOMESH_TRUSTED_PROXIES and PHOTOMESH_PROXY_HOPS exclude each other")
        return self

    def rate_of(self, rate_class: RateClass) -> Rate:
        return {
            RateClass.READ: self.rate_read,
            RateClass.WRITE: self.rate_write,
            RateClass.UPLOAD: self.rate_upload,
            RateClass.SEARCH: self.rate_search,
            RateClass.AUTH: self.rate_auth,
            RateClass.REFRESH: self.rate_refresh,
            RateClass.STREAM: self.rate_stream,
        }[rate_class]

    def budget_of(self, budget: Budget) -> int:
        """Requests of one account in a day."""
        return {
            Budget.REGISTRATIONS: self.budget_registrations,
            Budget.LOGINS: self.budget_logins,
            Budget.UPLOADS: self.max_uploads_per_day,
            Budget.RECORDS: self.budget_records,
            Budget.TOGGLES: self.budget_toggles,
            Budget.IMPRESSIONS: self.budget_impressions,
            Budget.EXPORTS: self.budget_exports,
            Budget.WEBHOOKS: self.budget_webhooks,
        }[budget]

    def timeout_of(self, rate_class: RateClass) -> float:
        return {
            RateClass.READ: self.timeout_read,
            RateClass.WRITE: self.timeout_write,
            RateClass.UPLOAD: self.timeout_upload,
            RateClass.SEARCH: self.timeout_read,
            RateClass.AUTH: self.timeout_auth,
            RateClass.REFRESH: self.timeout_write,
            RateClass.STREAM: self.timeout_read,
        }[rate_class]
