"""Composition root of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx

from photomesh_search.errors import SearchUnavailable
from photomesh_search.indices.store import Indices, open_client
from photomesh_search.searching.clients import IdentityClient, PostClient, SocialGraphClient
from photomesh_search.searching.service import SearchService
from photomesh_search.searching.store import IndexReader
from photomesh_search.settings import Settings
from photomesh_shared.clock import Clock
from photomesh_shared.http import Readiness
from photomesh_shared.http.cursors import CursorCodec
from photomesh_shared.service_client import ServiceClient, open_session
from photomesh_shared.tokens.access import TokenVerifier, fetch_jwks

__all__ = ["Deps", "open_deps"]


@dataclass(frozen=True)
class Deps:
    """What routes use."""

    searches: SearchService
    cursors: CursorCodec
    token_verifier: TokenVerifier


@asynccontextmanager
async def open_deps(settings: Settings, readiness: Readiness, clock: Clock) -> AsyncIterator[Deps]:
    """Connects to nothing: without OpenSearch every search is a 503, and taking the pod away would not help."""
    async with AsyncExitStack() as stack:
        index = await stack.enter_async_context(open_client(settings.opensearch_url))
        client = await stack.enter_async_context(httpx.AsyncClient())
        session = await stack.enter_async_context(open_session())

        def service(name: str, url: str) -> ServiceClient:
            return ServiceClient(session, name, url, caller=settings, unavailable=SearchUnavailable, clock=clock)

        yield Deps(
            searches=SearchService(
                IndexReader(index, Indices(index).aliases("read")),
                PostClient(service("post", settings.post_url)),
                SocialGraphClient(service("social-graph", settings.social_graph_url), clock),
                IdentityClient(service("identity", settings.identity_url)),
            ),
            cursors=CursorCodec(*settings.cursor_secret.accepted),
            token_verifier=TokenVerifier(
                fetch_jwks(client, settings.jwks_url),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                clock=clock,
            ),
        )
