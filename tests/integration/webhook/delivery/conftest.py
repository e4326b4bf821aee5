"""Deliveries on real servers: events from Kafka, rows in PostgreSQL, and receivers of webhooks in this process."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from aiohttp import web

from photomesh_shared.clock import SystemClock
from photomesh_shared.events import Envelope, Event, PhotoReady, PostLiked, encode
from photomesh_shared.events.versions import version_at
from photomesh_shared.internal_api.identity import LIST_STAFF_ROLES, StaffRoles, StaffRolesQuery
from photomesh_shared.internal_api.post import (
    GET_SIGHTINGS,
    SeenAccount,
    SeenComment,
    SeenPost,
    Sightings,
    SightingsQuery,
)
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.settings import KafkaSettings
from photomesh_webhook.endpoints.secrets import SecretBox
from photomesh_webhook.sender import GROUP, TOPICS
from photomesh_webhook.settings import SenderSettings
from tests.support.databases import new_database
from tests.support.groups import skip_to_end
from tests.support.https_receiver import Authority
from tests.support.services import settings_from
from tests.support.waiting import eventually
from tests.support.webhook.mortal_receiver import MortalReceiver
from tests.support.webhook.receiver import Hook, WebhookReceiver, webhook_receiver

Environment = Callable[[str], Mapping[str, str]]

PROGRAM = "webhook-sender"


class Platform:
    """What the API and other services do: endpoints, events, and who sees what."""

    def __init__(
        self,
        pool: asyncpg.Pool[asyncpg.Record],
        publisher: KafkaPublisher,
        box: SecretBox,
        kafka: KafkaSettings,
        new_id: Callable[[], int],
    ) -> None:
        self.pool = pool
        self.publisher = publisher
        self.kafka = kafka
        self.new_id = new_id
        self.hidden: set[int] = set()
        self.dismissed: set[int] = set()
        self.post_down = False
        self.url = ""
        self._box = box

    async def endpoint(
        self,
        hook: Hook,
        *,
        account_id: int | None = None,
        types: Collection[str] = ("photomesh.photo.*",),
        audience: str = "own",
        ordering: str = "subject",
    ) -> int:
        endpoint_id, now = self.new_id(), SystemClock().now()
        await self.pool.execute(
            "INSERT INTO endpoints (id, account_id, audience, url, types, ordering, description, state, version,"
            " created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, '', 'enabled', 1, $7, $7)",
            endpoint_id,
            account_id or self.new_id(),
            audience,
            hook.url,
            list(types),
            ordering,
            now,
        )
        for secret in hook.secrets:
            await self.add_secret(endpoint_id, secret)
        return endpoint_id

    async def add_secret(self, endpoint_id: int, secret: bytes, *, expires_at: datetime | None = None) -> None:
        await self.pool.execute(
            "INSERT INTO secrets (endpoint_id, sealed, created_at, expires_at) VALUES ($1, $2, now(), $3)",
            endpoint_id,
            self._box.seal(endpoint_id, secret),
            expires_at,
        )

    async def happens(self, event: Event) -> Envelope[Event]:
        now = SystemClock().now()
        envelope = Envelope.of(event, entityversion=version_at(now), time=now)
        await self.publisher.publish(envelope)
        return envelope

    async def photo_ready(self, owner_id: int, photo_id: int | None = None) -> Envelope[Event]:
        example = PhotoReady.example()
        return await self.happens(
            example.model_copy(update={"owner_id": owner_id, "photo_id": photo_id or self.new_id()})
        )

    async def photos_ready(self, owner_id: int, photo_ids: Sequence[int]) -> list[str]:
        """Many at once. Returns the events' ids."""
        now, example = SystemClock().now(), PhotoReady.example()
        envelopes: list[Envelope[Event]] = [
            Envelope.of(
                example.model_copy(update={"owner_id": owner_id, "photo_id": photo_id}),
                entityversion=version_at(now) + number,
                time=now,
            )
            for number, photo_id in enumerate(photo_ids)
        ]
        await self.publisher.send([encode(envelope) for envelope in envelopes])
        return [envelope.id for envelope in envelopes]

    async def liked(self, author_id: int, *, by: int | None = None, post_id: int | None = None) -> Envelope[Event]:
        update = {"post_author_id": author_id, "account_id": by or self.new_id(), "post_id": post_id or self.new_id()}
        return await self.happens(PostLiked.example().model_copy(update=update))

    async def found(self, endpoint_id: int) -> Mapping[str, Any]:
        row = await self.pool.fetchrow("SELECT * FROM endpoints WHERE id = $1", endpoint_id)
        assert row is not None
        return dict(row)

    async def rows(self, endpoint_id: int) -> list[Mapping[str, Any]]:
        rows = await self.pool.fetch("SELECT * FROM deliveries WHERE endpoint_id = $1 ORDER BY id", endpoint_id)
        return [dict(row) for row in rows]

    async def settled(self, endpoint_id: int, states: Collection[str], *, within: float = 60.0) -> None:
        """Waits until the endpoint's rows, in order, have these states."""

        async def look() -> list[str]:
            return [row["state"] for row in await self.rows(endpoint_id)]

        await eventually(look, until=lambda found: found == list(states), within=within)

    async def behind(self, endpoint_id: int, *, expected: bool) -> None:
        async def look() -> bool:
            return bool((await self.found(endpoint_id))["behind"])

        await eventually(look, until=lambda found: found is expected, within=60)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Stands in for post and identity."""

        async def sightings(request: web.Request) -> web.Response:
            if self.post_down:
                return web.Response(status=503)
            query = SightingsQuery.model_validate_json(await request.read())
            return web.Response(text=self._seen(query).model_dump_json(), content_type="application/json")

        async def roles(request: web.Request) -> web.Response:
            query = StaffRolesQuery.model_validate_json(await request.read())
            found = StaffRoles(roles=[] if query.account_id in self.dismissed else ["administrator"])
            return web.Response(text=found.model_dump_json(), content_type="application/json")

        app = web.Application()
        app.router.add_route(LIST_STAFF_ROLES.method, LIST_STAFF_ROLES.path, roles)
        app.router.add_route(GET_SIGHTINGS.method, GET_SIGHTINGS.path, sightings)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield
        finally:
            await runner.cleanup()

    def _seen(self, query: SightingsQuery) -> Sightings:
        accounts = [
            SeenAccount(id=one, username="grace", display_name=None, avatar_url=None, followed=False)
            for one in query.account_ids
            if one not in self.hidden
        ]
        posts = [SeenPost(id=one, author_id=1, photo_url=None, reason=None) for one in query.post_ids]
        comments = [
            SeenComment(id=one, post_id=1, author_id=1, excerpt="")
            for one in query.comment_ids
            if one not in self.hidden
        ]
        return Sightings(accounts=accounts, posts=posts, comments=comments, photos=[])


@pytest.fixture(scope="module")
async def dsn(servers: object) -> AsyncIterator[str]:
    async with new_database("webhook", package="photomesh_webhook") as dsn:
        yield dsn


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


def some_host() -> str:
    """An address of this machine that nobody else uses."""
    return f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(1, 254)}"


@pytest.fixture(scope="module")
async def receiver(authority: Authority) -> AsyncIterator[WebhookReceiver]:
    """On an address of its own."""
    async with webhook_receiver(authority, some_host()) as receiver:
        yield receiver


@pytest.fixture(scope="module")
def mortal_receiver(authority: Authority) -> MortalReceiver:
    return MortalReceiver(authority, some_host())


@pytest.fixture(scope="module")
async def platform(
    service_environment: Environment, dsn: str, kafka: KafkaSettings, new_id: Callable[[], int]
) -> AsyncIterator[Platform]:
    settings = settings_from(SenderSettings, service_environment(PROGRAM))
    box = SecretBox(*settings.key_encryption_secret.accepted)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=4) as pool, open_publisher(kafka, "tests") as publisher:
        platform = Platform(pool, publisher, box, kafka, new_id)
        async with platform.serving():
            yield platform


@pytest.fixture(scope="module")
async def sender_environment(
    service_environment: Environment,
    platform: Platform,
    dsn: str,
    receiver: WebhookReceiver,
    mortal_receiver: MortalReceiver,
) -> Mapping[str, str]:
    """Of a process that may call the receivers. Its group begins with what happens from now on."""
    await skip_to_end(platform.kafka, GROUP, TOPICS)
    return {
        **service_environment(PROGRAM),
        "PHOTOMESH_POSTGRES_DSN": dsn,
        "PHOTOMESH_POST_URL": platform.url,
        "PHOTOMESH_IDENTITY_URL": platform.url,
        "PHOTOMESH_OUTBOUND_TEST_RECEIVERS": f'["{receiver.address}", "{mortal_receiver.address}"]',
        "PHOTOMESH_WEBHOOK_REQUEST_SECONDS": "8",
    }


def in_hours(hours: float) -> datetime:
    return SystemClock().now() + timedelta(hours=hours)
