from __future__ import annotations

import itertools
import secrets
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis

from photomesh_feed.app import create_app
from photomesh_feed.clients.post import PostClient
from photomesh_feed.clients.social_graph import SocialGraphClient
from photomesh_feed.settings import Settings
from photomesh_feed.store.connection import open_redis
from photomesh_shared.service_client import ServiceClient, open_session
from tests.conftest import Environment
from tests.integration.feed.read_side import ReadSide
from tests.support.feed.sources import InMemorySources
from tests.support.feed.stand_ins import serve
from tests.support.feed.suggestions import InMemorySuggestions
from tests.support.feed.write_side import WriteSide
from tests.support.redis import as_administrator, database_of
from tests.support.services import client_of, settings_from
from tests.support.tokens import Issuer

_READ_DATABASE, _WRITE_DATABASE = 5, 7  # of the test stack's Redis; feed's own programs have 2


@pytest.fixture
async def read_side(service_environment: Environment, issuer: Issuer) -> AsyncIterator[ReadSide]:
    environment = service_environment("feed")
    redis_url = database_of(environment["PHOTOMESH_FEED_REDIS_URL"], _READ_DATABASE)
    sources, suggestions = InMemorySources(), InMemorySuggestions()
    async with serve(sources, suggestions) as url, Redis.from_url(as_administrator(redis_url)) as redis:
        await redis.flushdb()
        environment = dict(environment) | {
            "PHOTOMESH_FEED_REDIS_URL": redis_url,
            "PHOTOMESH_POST_URL": url,
            "PHOTOMESH_SOCIAL_GRAPH_URL": url,
            "PHOTOMESH_EXPLORE_URL": url,
            "PHOTOMESH_SUGGESTION_SECONDS": "5",
        }
        app = create_app(settings_from(Settings, environment))
        accounts = itertools.count(secrets.randbits(30))  # impressions stay in the topic when Redis is emptied
        async with client_of(app) as client:
            yield ReadSide(client, redis, sources, suggestions, issuer, app, environment, lambda: next(accounts))


@pytest.fixture
async def write_side(service_environment: Environment) -> AsyncIterator[WriteSide]:
    consumer_url, fanout_url = (
        database_of(service_environment(program)["PHOTOMESH_FEED_REDIS_URL"], _WRITE_DATABASE)
        for program in ("feed-consumer", "feed-fanout")
    )
    sources = InMemorySources()
    async with (
        open_redis(as_administrator(consumer_url)) as redis,
        open_redis(consumer_url) as consumer,
        open_redis(fanout_url) as fanout,
        open_session() as session,
        serve(sources) as sources_url,
    ):
        await redis.flushdb()
        yield WriteSide(
            redis,
            sources,
            consumer=consumer,
            fanout=fanout,
            social_graph=SocialGraphClient(ServiceClient(session, "social-graph", sources_url)),
            post=PostClient(ServiceClient(session, "post", sources_url)),
        )


@pytest.fixture
def ids(new_id: Callable[[], int]) -> list[int]:
    """Ids of one millisecond each."""
    first = new_id()
    return [first + (number << 22) for number in range(1500)]
