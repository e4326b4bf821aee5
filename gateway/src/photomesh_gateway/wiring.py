"""The composition root: the only place that opens connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from photomesh_gateway.addresses import ClientAddresses
from photomesh_gateway.admission import Admission, AdmissionLimits
from photomesh_gateway.cors import Cors
from photomesh_gateway.proxy.forwarding import Proxy, open_session
from photomesh_gateway.ratelimit.buckets import Buckets, LocalBuckets, RedisBuckets, ResilientBuckets
from photomesh_gateway.ratelimit.limiter import AddressFactors, RateLimiter
from photomesh_gateway.ratelimit.redis_pipe import RedisPipe
from photomesh_gateway.routing.upstreams import Upstream
from photomesh_gateway.settings import Settings
from photomesh_gateway.streams import StreamPlaces
from photomesh_gateway.token_exchange import IdentityExchange, TokenExchanger
from photomesh_shared.clock import SystemClock
from photomesh_shared.http import Budget, RateClass
from photomesh_shared.service_client import ServiceClient
from photomesh_shared.tokens.access import TokenVerifier, fetch_jwks

__all__ = ["Deps", "open_deps", "rate_limiter", "rate_limiter_of"]


_EXCHANGE_SECONDS = 3.0
_EXCHANGES = 16  # at a time


@dataclass(frozen=True, slots=True)
class Deps:
    addresses: ClientAddresses
    admission: Admission
    cors: Cors
    limiter: RateLimiter
    proxy: Proxy
    streams: StreamPlaces
    tokens: TokenExchanger
    verifier: TokenVerifier


def rate_limiter(redis: RedisPipe, settings: Settings) -> RateLimiter:
    buckets = ResilientBuckets(RedisBuckets(redis), LocalBuckets(), pause=settings.redis_pause)
    return rate_limiter_of(buckets, settings)


def rate_limiter_of(buckets: Buckets, settings: Settings) -> RateLimiter:
    return RateLimiter(
        buckets,
        user=settings.rate_user,
        address=settings.rate_address,
        classes={rate_class: settings.rate_of(rate_class) for rate_class in RateClass},
        budgets={budget: settings.budget_of(budget) for budget in Budget},
        accounts_per_address=settings.accounts_per_address,
        factors=AddressFactors(settings.address_factor_56, settings.address_factor_48, settings.address_factor_ipv4),
    )


@asynccontextmanager
async def open_deps(settings: Settings) -> AsyncIterator[Deps]:
    # One service may still have its whole share.
    spare = max(0, settings.max_in_flight - settings.max_in_flight_per_upstream)
    redis = RedisPipe(settings.redis_url.get_secret_value(), timeout=settings.redis_timeout)
    async with httpx.AsyncClient(trust_env=False) as jwks_client, open_session(settings.connect_timeout) as session:
        yield Deps(
            addresses=ClientAddresses(settings.trusted_proxies, settings.proxy_hops),
            admission=Admission(
                AdmissionLimits(
                    total=settings.max_in_flight,
                    per_upstream=settings.max_in_flight_per_upstream,
                    per_client=settings.max_in_flight_per_address,
                    queue=settings.queue_length,
                    patience=settings.queue_seconds,
                    reserved=min(settings.reserved_in_flight, spare // (len(Upstream) - 1)),
                    trials=settings.trials_in_flight,
                )
            ),
            cors=Cors(settings.cors_origins),
            limiter=rate_limiter(redis, settings),
            proxy=Proxy(
                session,
                {upstream: settings.url_of(upstream) for upstream in Upstream},
                {rate_class: settings.timeout_of(rate_class) for rate_class in RateClass},
                settings.stream_silence,
            ),
            streams=StreamPlaces(
                total=settings.max_streams,
                per_account=settings.max_streams_per_account,
                per_client=settings.max_streams_per_address,
            ),
            tokens=TokenExchanger(
                IdentityExchange(
                    ServiceClient(
                        session,
                        "identity",
                        settings.identity_url,
                        caller=settings,
                        timeout=_EXCHANGE_SECONDS,
                        concurrency=_EXCHANGES,
                    )
                ),
                SystemClock(),
            ),
            verifier=TokenVerifier(
                fetch_jwks(jwks_client, settings.jwks_url),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
            ),
        )
    redis.close()
