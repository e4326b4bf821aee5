"""Composition root of the two processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx

from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.background import in_background
from photomesh_shared.concurrency.repeats import Repeats
from photomesh_shared.consumer.copies import CopyReconciliation
from photomesh_shared.consumer.owners import OwnedAccounts
from photomesh_shared.http import Readiness
from photomesh_shared.http.cursors import CursorCodec
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.service_client import ServiceClient, open_session
from photomesh_shared.stores.outbox import OutboxRelay
from photomesh_shared.stores.postgres import open_pool, open_probe
from photomesh_shared.stores.record_pages import PostgresRecords
from photomesh_shared.tokens.access import TokenVerifier, fetch_jwks
from photomesh_social_graph import exports
from photomesh_social_graph.clients import ReaderClient
from photomesh_social_graph.close_friends.service import CloseFriendService
from photomesh_social_graph.close_friends.store import PostgresCloseFriends
from photomesh_social_graph.errors import RestrictionPending
from photomesh_social_graph.event_handlers import AccountCopies, AccountEraser, AccountEventHandlers
from photomesh_social_graph.queries import ListQueries
from photomesh_social_graph.service import RelationshipService
from photomesh_social_graph.settings import ConsumerSettings, Settings
from photomesh_social_graph.store import PostgresGraph
from photomesh_social_graph.store.copy_progress import PostgresCopyProgress

__all__ = ["ConsumerDeps", "Deps", "open_consumer_deps", "open_deps"]

_READERS_SECONDS = 3.0
"""For writing a block through to post and feed; then the client is told to repeat it."""


@dataclass(frozen=True)
class Deps:
    """What routes use."""

    relationships: RelationshipService
    close_friends: CloseFriendService
    lists: ListQueries
    store: PostgresGraph
    records: PostgresRecords
    cursors: CursorCodec
    token_verifier: TokenVerifier


@dataclass(frozen=True)
class ConsumerDeps:
    handlers: AccountEventHandlers
    eraser: AccountEraser
    publisher: KafkaPublisher


@asynccontextmanager
async def open_deps(settings: Settings, readiness: Readiness, clock: Clock) -> AsyncIterator[Deps]:
    """Connects to PostgreSQL and Kafka, and starts the outbox relay."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            open_pool(settings.postgres_dsn.get_secret_value(), size=settings.postgres_pool)
        )
        session = await stack.enter_async_context(open_session())
        client = await stack.enter_async_context(httpx.AsyncClient())
        publisher = await stack.enter_async_context(open_publisher(settings, "social-graph"))

        store = PostgresGraph(pool)
        repeats = Repeats(clock)
        readers = ReaderClient(
            *(
                ServiceClient(
                    session,
                    name,
                    url,
                    caller=settings,
                    timeout=_READERS_SECONDS,
                    unavailable=RestrictionPending,
                    clock=clock,
                )
                for name, url in (("post", settings.post_url), ("feed", settings.feed_url))
            ),
            repeats=repeats,
        )
        await stack.enter_async_context(in_background("restrictions", repeats.run))
        # Without Kafka, requests are served all the same: events wait in the outbox.
        readiness.add("postgres", stack.enter_context(open_probe(settings.postgres_dsn.get_secret_value())).check)
        await stack.enter_async_context(in_background("outbox-relay", OutboxRelay(pool, publisher, clock).run))
        yield Deps(
            relationships=RelationshipService(
                store,
                readers,
                clock,
                following_limit=settings.following_limit,
                account_wait_seconds=settings.account_wait_seconds,
            ),
            close_friends=CloseFriendService(PostgresCloseFriends(pool), clock),
            lists=ListQueries(store, clock),
            store=store,
            records=PostgresRecords(pool, exports.RECORDS),
            cursors=CursorCodec(*settings.cursor_secret.accepted),
            token_verifier=TokenVerifier(
                fetch_jwks(client, settings.jwks_url),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                clock=clock,
            ),
        )


@asynccontextmanager
async def open_consumer_deps(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[ConsumerDeps]:
    """Connects to PostgreSQL and Kafka, and starts the comparison of accounts. The relay of the HTTP process publishes
    what handlers add to the outbox."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            open_pool(settings.postgres_dsn.get_secret_value(), size=settings.postgres_pool)
        )
        publisher = await stack.enter_async_context(open_publisher(settings, "social-graph-consumer"))
        store = PostgresGraph(pool)
        readiness.add("postgres", stack.enter_context(open_probe(settings.postgres_dsn.get_secret_value())).check)
        session = await stack.enter_async_context(open_session())
        handlers = AccountEventHandlers(store, clock)
        accounts = CopyReconciliation(
            "accounts",
            OwnedAccounts(ServiceClient(session, "identity", settings.identity_url, caller=settings, clock=clock)),
            AccountCopies(store, handlers),
            PostgresCopyProgress(pool),
            clock,
            pass_seconds=settings.copy_pass_seconds,
        )
        await stack.enter_async_context(in_background("copies-of-accounts", accounts.run))
        yield ConsumerDeps(handlers, AccountEraser(store, PostgresCloseFriends(pool), clock), publisher)
