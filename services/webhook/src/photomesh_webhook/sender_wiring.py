"""Composition root of the sender."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.background import in_background
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.outbound import OutboundPolicy, authorities, open_outbound
from photomesh_shared.service_client import ServiceClient, open_session
from photomesh_shared.stores.postgres import open_pool, open_probe
from photomesh_webhook.accounts.event_handlers import AccountEraser, AccountEventHandlers
from photomesh_webhook.accounts.store import PostgresAccounts
from photomesh_webhook.catching_up.clients import KafkaTopics
from photomesh_webhook.catching_up.service import CatchUpService
from photomesh_webhook.catching_up.store import PostgresCatchingUp
from photomesh_webhook.endpoints.secrets import SecretBox
from photomesh_webhook.matching.event_handlers import MatchingEventHandlers
from photomesh_webhook.matching.store import PostgresMatching
from photomesh_webhook.sending.clients import HttpChannel, IdentityOperators, PostViewer
from photomesh_webhook.sending.sender import Sender
from photomesh_webhook.sending.store import PostgresSending, PostgresUpkeep
from photomesh_webhook.sending.upkeep import Upkeep
from photomesh_webhook.settings import SenderSettings

__all__ = ["SenderDeps", "open_sender_deps"]


@dataclass(frozen=True)
class SenderDeps:
    accounts: AccountEventHandlers
    matching: MatchingEventHandlers
    eraser: AccountEraser
    publisher: KafkaPublisher


@asynccontextmanager
async def open_sender_deps(settings: SenderSettings, readiness: Readiness, clock: Clock) -> AsyncIterator[SenderDeps]:
    """Connects to PostgreSQL and Kafka; sends what is due in the background of the context."""
    async with AsyncExitStack() as stack:
        dsn = settings.postgres_dsn.get_secret_value()
        pool = await stack.enter_async_context(open_pool(dsn, size=settings.postgres_pool))
        publisher = await stack.enter_async_context(open_publisher(settings, "webhook-sender"))
        http = await stack.enter_async_context(open_session())
        outbound = await stack.enter_async_context(
            open_outbound(OutboundPolicy.of(settings), tls=authorities(settings))
        )
        readiness.add("postgres", stack.enter_context(open_probe(dsn)).check)

        post = ServiceClient(http, "post", settings.post_url, caller=settings, clock=clock)
        identity = ServiceClient(http, "identity", settings.identity_url, caller=settings, clock=clock)
        box = SecretBox(*settings.key_encryption_secret.accepted)
        sender = Sender(
            PostgresSending(pool),
            HttpChannel(outbound, box, clock, seconds=settings.webhook_request_seconds),
            PostViewer(post),
            IdentityOperators(identity, clock),
            CatchUpService(PostgresCatchingUp(pool), KafkaTopics(settings), clock),
            clock,
        )
        await stack.enter_async_context(in_background("upkeep", Upkeep(PostgresUpkeep(pool), clock).run, clock))
        await stack.enter_async_context(sender.running())
        accounts = PostgresAccounts(pool)
        yield SenderDeps(
            accounts=AccountEventHandlers(accounts, clock),
            matching=MatchingEventHandlers(PostgresMatching(pool), clock, sender.wake),
            eraser=AccountEraser(accounts, clock),
            publisher=publisher,
        )
