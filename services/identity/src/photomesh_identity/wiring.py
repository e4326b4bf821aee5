"""Everything that the service holds open, composed in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx
from redis.asyncio import Redis

from photomesh_identity.avatars import CopiedAvatars
from photomesh_identity.domain import SessionLimits
from photomesh_identity.keys import KeyRing, Seal, TokenPolicy, with_first_key
from photomesh_identity.neighbours import HttpGraph, HttpPosts
from photomesh_identity.passwords import Argon2Passwords
from photomesh_identity.profiles import Profiles
from photomesh_identity.service import Accounts
from photomesh_identity.sessions import Sessions
from photomesh_identity.settings import Settings
from photomesh_identity.store import PostgresStore
from photomesh_shared.auth import TokenVerifier
from photomesh_shared.background import in_background
from photomesh_shared.clock import Clock
from photomesh_shared.http import Readiness
from photomesh_shared.idempotency import IdempotencyStore
from photomesh_shared.kafka.publisher import open_publisher
from photomesh_shared.outbox import OutboxRelay
from photomesh_shared.postgres import open_pool
from photomesh_shared.storage import open_storage
from photomesh_shared.worker_lease import lease_ids

__all__ = ["Deps", "open_deps"]


@dataclass(frozen=True)
class Deps:
    accounts: Accounts
    profiles: Profiles
    sessions: Sessions
    keys: KeyRing
    token_verifier: TokenVerifier
    idempotency: IdempotencyStore
    cdn_url: str


@asynccontextmanager
async def open_deps(settings: Settings, readiness: Readiness, clock: Clock) -> AsyncIterator[Deps]:
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            open_pool(settings.postgres_dsn.get_secret_value(), size=settings.postgres_pool)
        )
        redis = await stack.enter_async_context(Redis.from_url(settings.redis_url.get_secret_value()))
        ids = await stack.enter_async_context(lease_ids(redis, settings.region_number, clock))
        storage = await stack.enter_async_context(open_storage(settings))
        publisher = await stack.enter_async_context(open_publisher(settings.kafka_bootstrap, "identity"))
        client = await stack.enter_async_context(httpx.AsyncClient())
        passwords = Argon2Passwords(
            memory_kib=settings.argon2_memory_kib,
            time_cost=settings.argon2_time_cost,
            lanes=settings.argon2_lanes,
            threads=settings.password_threads,
            queue=settings.password_queue,
        )
        stack.callback(passwords.close)

        store = PostgresStore(pool)
        keys = await _open_keys(settings, store, clock)
        await stack.enter_async_context(in_background("signing-keys", lambda: keys.follow(settings.key_reload_seconds)))
        await stack.enter_async_context(in_background("outbox-relay", OutboxRelay(pool, publisher, clock).run))
        readiness.add("postgres", store.ping)
        readiness.add("redis", ids.check)

        limits = SessionLimits(
            idle=timedelta(seconds=settings.refresh_idle_seconds),
            total=timedelta(seconds=settings.refresh_total_seconds),
            grace=timedelta(seconds=settings.refresh_grace_seconds),
        )
        sessions = Sessions(store, passwords, keys, ids, limits, clock)
        avatars = CopiedAvatars(
            client,
            storage,
            post_url=settings.post_url,
            cdn_url=settings.cdn_url,
            bucket=settings.variants_bucket,
        )
        accounts = Accounts(store, passwords, sessions, avatars, ids, clock, cdn_url=settings.cdn_url)
        graph, posts = HttpGraph(client, settings.social_graph_url), HttpPosts(client, settings.post_url)
        yield Deps(
            accounts=accounts,
            profiles=Profiles(accounts, graph, posts),
            sessions=sessions,
            keys=keys,
            token_verifier=TokenVerifier(
                keys.jwks, issuer=settings.token_issuer, audience=settings.token_audience, clock=clock
            ),
            idempotency=IdempotencyStore(redis, settings.idempotency_secret.get_secret_value()),
            cdn_url=settings.cdn_url,
        )


async def _open_keys(settings: Settings, store: PostgresStore, clock: Clock) -> KeyRing:
    """The keys as they are; the first of several replicas to start makes the first one."""
    seal = Seal(settings.key_encryption_secret.get_secret_value())
    await store.change_signing_keys(lambda keys: with_first_key(keys, seal, clock.now()))
    policy = TokenPolicy(
        settings.token_issuer, settings.token_audience, timedelta(seconds=settings.access_token_seconds)
    )
    keys = KeyRing(store, seal, policy, clock)
    await keys.load()
    return keys
