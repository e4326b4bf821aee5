"""Composition root of the consumer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from photomesh_search.indexing.clients import PostClient
from photomesh_search.indexing.event_handlers import (
    AccountEraser,
    AccountEventHandlers,
    FollowEventHandlers,
    PostEventHandlers,
)
from photomesh_search.indexing.store import IndexWriter
from photomesh_search.indices.store import Indices, open_client
from photomesh_search.settings import ConsumerSettings
from photomesh_shared.clock import Clock
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.service_client import ServiceClient, open_session

__all__ = ["ConsumerDeps", "open_consumer_deps"]


@dataclass(frozen=True)
class ConsumerDeps:
    accounts: AccountEventHandlers
    posts: PostEventHandlers
    follows: FollowEventHandlers
    eraser: AccountEraser
    indices: Indices
    publisher: KafkaPublisher


@asynccontextmanager
async def open_consumer_deps(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[ConsumerDeps]:
    """Connects to OpenSearch and Kafka."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_client(settings.opensearch_url))
        publisher = await stack.enter_async_context(open_publisher(settings, "search-consumer"))
        session = await stack.enter_async_context(open_session())
        indices = Indices(client, replicas=settings.opensearch_replicas)
        readiness.add("opensearch", indices.check)
        index = IndexWriter(client, indices.aliases("write"))
        post = PostClient(ServiceClient(session, "post", settings.post_url, caller=settings, clock=clock))
        accounts = AccountEventHandlers(index, post)
        yield ConsumerDeps(
            accounts=accounts,
            posts=PostEventHandlers(index),
            follows=FollowEventHandlers(index),
            eraser=AccountEraser(index, accounts, clock),
            indices=indices,
            publisher=publisher,
        )
