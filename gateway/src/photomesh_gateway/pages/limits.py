"""The limits that the platform enforces: `GET /v1/limits`."""

from __future__ import annotations

from pydantic import BaseModel, Field

from photomesh_gateway.routing.table import ROUTES
from photomesh_gateway.settings import Settings
from photomesh_shared import limits
from photomesh_shared.concurrency.gcra import Rate
from photomesh_shared.http import Budget

__all__ = ["Limits", "limits_of"]

_BUDGETS = {
    Budget.REGISTRATIONS: "registering",
    Budget.LOGINS: "logging in",
    Budget.UPLOADS: "beginning uploads; `uploads` has the quotas of an account",
    Budget.RECORDS: "posts, comments, collections, and changes of them",
    Budget.TOGGLES: "likes, saves, follows, blocks, mutes, close friends; undoing them is free",
    Budget.IMPRESSIONS: "reports of impressions",
    Budget.EXPORTS: "beginning exports of an account's data",
    Budget.WEBHOOKS: "webhooks, changes of them, tests and replays",
}
_BY_ADDRESS = (Budget.REGISTRATIONS, Budget.LOGINS, Budget.UPLOADS)


class RateLimit(BaseModel):
    name: str = Field(description="As in the `RateLimit` and `RateLimit-Policy` headers.", examples=["upload"])
    quota: int = Field(description="Requests in one window; they are replenished evenly.", examples=[300])
    window_seconds: int = Field(examples=[60])
    counted_by: str = Field(description="The scope of one quota.", examples=["account"])
    applies_to: str = Field(examples=["beginning and completing uploads"])


class AddressLimits(BaseModel):
    """What is counted by address counts for the IPv6 /64, /56 and /48, or for the IPv4 address: each may have so many
    times the quota that is listed."""

    ipv6_64: int = Field(examples=[1])
    ipv6_56: int = Field(examples=[2])
    ipv6_48: int = Field(examples=[8])
    ipv4: int = Field(description="Thousands may share one.", examples=[8])


class DailyBudget(BaseModel):
    name: str = Field(description="The kind of requests; `quota` of a refusal.", examples=["toggles"])
    per_account: int | None = Field(
        description="Requests of one account in a day; null where an address alone counts.", examples=[5_000]
    )
    per_address: int = Field(description="Requests from one address in a day.", examples=[100_000])
    window_seconds: int = Field(description="A budget may be used at once, and refills evenly.", examples=[86_400])
    applies_to: str = Field(examples=["likes, saves, follows, blocks, mutes, close friends; undoing them is free"])


class RequestLimits(BaseModel):
    max_body_bytes: int = Field(
        description="Of the operation with the largest body; each states its own, in `x-photomesh-policy` of the "
        "OpenAPI document. Photos take another way: presigned URLs.",
        examples=[65_536],
    )
    max_header_bytes: int = Field(examples=[32_768])
    max_headers: int = Field(examples=[100])


class StreamLimits(BaseModel):
    max_per_account: int = Field(description="Streams that one account may have open.", examples=[5])
    max_per_address: int = Field(
        description="Streams that an address, or an IPv6 /64, may have open with one gateway.", examples=[500]
    )
    max_silence_seconds: float = Field(
        description="A stream that sends nothing for so long is broken: heartbeats come more often.", examples=[45.0]
    )


class UploadLimits(BaseModel):
    max_bytes: int = Field(examples=[limits.MAX_UPLOAD_BYTES])
    content_types: list[str] = Field(examples=[list(limits.ALLOWED_TYPES)])
    multipart_over_bytes: int = Field(
        description="Larger photos are uploaded in parts.", examples=[limits.MULTIPART_THRESHOLD]
    )
    part_bytes: int = Field(description="The size of every part but the last.", examples=[limits.PART_SIZE])
    max_pixels: int = Field(examples=[limits.MAX_PIXELS])
    max_pixels_progressive: int = Field(
        description="Of what is decoded whole: a progressive JPEG, WebP, AVIF, HEIC, an interlaced PNG.",
        examples=[limits.MAX_PIXELS_PROGRESSIVE],
    )
    max_side_pixels: int = Field(examples=[limits.MAX_DIMENSION])
    max_open: int = Field(description="Uploads that one account may have open.", examples=[100])
    max_per_day: int = Field(description="Uploads that one account may begin in a day (UTC).", examples=[1_000])
    max_bytes_per_day: int = Field(
        description="Bytes that one account may announce in a day (UTC).", examples=[10_000_000_000]
    )
    variant_sizes: list[int] = Field(
        description="Pixels along the longer side of the sizes that a photo is served in.",
        examples=[list(limits.VARIANT_SIZES)],
    )


class Limits(BaseModel):
    """Everything that is enforced, so that a client need not learn it from refusals."""

    rates: list[RateLimit]
    addresses: AddressLimits
    budgets: list[DailyBudget]
    requests: RequestLimits
    streams: StreamLimits
    uploads: UploadLimits


def limits_of(settings: Settings) -> Limits:
    """The limits as this gateway enforces them."""

    def rate(name: str, rate: Rate, counted_by: str, applies_to: str) -> RateLimit:
        return RateLimit(
            name=name,
            quota=rate.quota,
            window_seconds=rate.window,
            counted_by=counted_by,
            applies_to=applies_to,
        )

    return Limits(
        rates=[
            rate("user", settings.rate_user, "account", "all requests with a token"),
            rate("address", settings.rate_address, "address", "all requests"),
            rate("read", settings.rate_read, "account, or address without a token", "reads"),
            rate("write", settings.rate_write, "account, or address without a token", "changes"),
            rate("upload", settings.rate_upload, "account", "beginning and completing uploads"),
            rate("search", settings.rate_search, "account, or address without a token", "searches"),
            rate("auth", settings.rate_auth, "address", "registering, logging in"),
            rate("refresh", settings.rate_refresh, "address", "refreshing tokens; a session has its own limit"),
            rate("stream", settings.rate_stream, "account, or address without a token", "opening streams"),
        ],
        budgets=[
            DailyBudget(
                name=budget.value,
                per_account=None if budget in _BY_ADDRESS else settings.budget_of(budget),
                per_address=settings.budget_of(budget) * settings.accounts_per_address,
                window_seconds=86_400,
                applies_to=applies_to,
            )
            for budget, applies_to in _BUDGETS.items()
        ],
        addresses=AddressLimits(
            ipv6_64=1,
            ipv6_56=settings.address_factor_56,
            ipv6_48=settings.address_factor_48,
            ipv4=settings.address_factor_ipv4,
        ),
        requests=RequestLimits(
            max_body_bytes=max(route.max_body for route in ROUTES),
            max_header_bytes=settings.max_header_bytes,
            max_headers=settings.max_headers,
        ),
        streams=StreamLimits(
            max_per_account=settings.max_streams_per_account,
            max_per_address=settings.max_streams_per_address,
            max_silence_seconds=settings.stream_silence,
        ),
        uploads=UploadLimits(
            max_bytes=limits.MAX_UPLOAD_BYTES,
            content_types=list(limits.ALLOWED_TYPES),
            multipart_over_bytes=limits.MULTIPART_THRESHOLD,
            part_bytes=limits.PART_SIZE,
            max_pixels=limits.MAX_PIXELS,
            max_pixels_progressive=limits.MAX_PIXELS_PROGRESSIVE,
            max_side_pixels=limits.MAX_DIMENSION,
            max_open=settings.max_open_uploads,
            max_per_day=settings.max_uploads_per_day,
            max_bytes_per_day=settings.max_bytes_per_day,
            variant_sizes=list(limits.VARIANT_SIZES),
        ),
    )
