"""Pushes on real servers: the consumer in this process, a push service, and stand-ins of identity and post."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import datetime

import pytest
from aiohttp import web

from photomesh_notification.push.domain import Subscription, subscription_id
from photomesh_notification.push.store import CassandraPushes, CassandraSchedule, CassandraSubscriptions
from photomesh_notification.settings import PushSettings
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import Envelope, NotificationRemoved, NotificationUpdated
from photomesh_shared.internal_api.identity import LIST_OPEN_SESSIONS, OpenSessions, SessionsQuery
from photomesh_shared.internal_api.post import GET_SIGHTINGS, SeenAccount, SeenPost, Sightings, SightingsQuery
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.settings import KafkaSettings
from photomesh_shared.stores.cassandra import CassandraSession, open_session
from tests.integration.notification.conftest import Environment
from tests.support.https_receiver import Authority
from tests.support.notification.push_service import Device, PushService, push_service
from tests.support.services import settings_from

PROGRAM = "notification-push"


class Platform:
    """Writes what the writer would write, publishes what it would publish, and says what others may see."""

    def __init__(
        self, session: CassandraSession, publisher: KafkaPublisher, kafka: KafkaSettings, new_id: Callable[[], int]
    ) -> None:
        self.session = session
        self.publisher = publisher
        self.new_id = new_id
        self.subscriptions = CassandraSubscriptions(session)
        self.pushes = CassandraPushes(session)
        self.schedule = CassandraSchedule(session)
        self.kafka = kafka
        self.ended_sessions: set[int] = set()
        self.names: dict[int, str] = {}
        """Of accounts that are not called Grace."""
        self.urls: dict[str, str] = {}

    async def subscribe(self, account_id: int, device: Device) -> Subscription:
        now = SystemClock().now()
        subscription = Subscription(
            account_id,
            subscription_id(device.endpoint),
            device.endpoint,
            device.p256dh,
            device.auth,
            self.new_id(),
            now.replace(microsecond=now.microsecond // 1_000 * 1_000),
        )
        await self.subscriptions.register(subscription)
        return subscription

    async def happens(self, account_id: int, *, kind: str = "follow", group_id: str | None = None) -> str:
        """Somebody called Grace does something. Returns the group."""
        actor_id, now = self.new_id(), SystemClock().now()
        group_id = group_id or f"{kind}.{actor_id}"
        await self._store(account_id, group_id, kind, actor_id, now)
        event = NotificationUpdated(
            recipient_id=account_id,
            group_id=group_id,
            kind=kind,
            count=1,
            capped=False,
            actors=(actor_id,),
            first_at=now,
            changed_at=now,
        )
        await self.publisher.publish(Envelope.of(event, entityversion=_version(now), time=now))
        return group_id

    async def undone(self, account_id: int, group_id: str) -> None:
        now = SystemClock().now()
        event = NotificationRemoved(recipient_id=account_id, group_id=group_id)
        await self.publisher.publish(Envelope.of(event, entityversion=_version(now), time=now))

    async def _store(self, account_id: int, group_id: str, kind: str, actor_id: int, now: datetime) -> None:
        await self.session.execute(
            "INSERT INTO notification_groups (account_id, group_id, kind, count, capped, actors, first_at, changed_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            account_id,
            group_id,
            kind,
            1,
            False,
            [actor_id],
            now,
            now,
        )

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Stands in for identity and post."""

        async def sessions(request: web.Request) -> web.Response:
            query = SessionsQuery.model_validate_json(await request.read())
            found = OpenSessions(session_ids=sorted(set(query.session_ids) - self.ended_sessions))
            return web.Response(text=found.model_dump_json(), content_type="application/json")

        async def sightings(request: web.Request) -> web.Response:
            query = SightingsQuery.model_validate_json(await request.read())
            return web.Response(text=self._everything(query).model_dump_json(), content_type="application/json")

        app = web.Application()
        app.router.add_route(LIST_OPEN_SESSIONS.method, LIST_OPEN_SESSIONS.path, sessions)
        app.router.add_route(GET_SIGHTINGS.method, GET_SIGHTINGS.path, sightings)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.urls = {"PHOTOMESH_IDENTITY_URL": url, "PHOTOMESH_POST_URL": url}
        try:
            yield
        finally:
            await runner.cleanup()

    def _everything(self, query: SightingsQuery) -> Sightings:
        """All that is asked for may be seen."""
        return Sightings(
            accounts=[self._account(account_id) for account_id in query.account_ids],
            posts=[_post(post_id) for post_id in query.post_ids],
            comments=[],
            photos=[],
        )

    def _account(self, account_id: int) -> SeenAccount:
        name = self.names.get(account_id, "Grace")
        return SeenAccount(id=account_id, username=name.lower(), display_name=name, avatar_url=None, followed=False)


def _post(post_id: int) -> SeenPost:
    return SeenPost(id=post_id, author_id=1, photo_url=None, reason=None)


def _version(now: datetime) -> int:
    return int(now.timestamp() * 1_000_000)


@pytest.fixture(scope="session")
async def database(environment: Environment) -> AsyncIterator[CassandraSession]:
    async with open_session(settings_from(PushSettings, environment(PROGRAM))) as session:
        yield session


@pytest.fixture(scope="module")
async def platform(
    database: CassandraSession, kafka: KafkaSettings, new_id: Callable[[], int]
) -> AsyncIterator[Platform]:
    async with open_publisher(kafka, "tests") as publisher:
        platform = Platform(database, publisher, kafka, new_id)
        async with platform.serving():
            yield platform


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
async def services(authority: Authority) -> AsyncIterator[PushService]:
    """A push service on an address of its own."""
    host = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(1, 254)}"
    async with push_service(authority, host) as service:
        yield service


@pytest.fixture(scope="module")
def push_environment(
    environment: Environment, platform: Platform, authority: Authority, services: PushService
) -> dict[str, str]:
    """Of a process that may call the push service, and waits for little."""
    receiver = services.receiver
    return {
        **environment(PROGRAM),
        **platform.urls,
        "PHOTOMESH_OUTBOUND_TEST_RECEIVERS": f'["{receiver.host}:{receiver.port}"]',
        "PHOTOMESH_PUSH_WINDOW_SECONDS": "1",
        "PHOTOMESH_PUSH_PERSONAL_WINDOW_SECONDS": "1",
        "PHOTOMESH_PUSH_AGAIN_SECONDS": "8",
        "PHOTOMESH_PUSH_REQUEST_SECONDS": "2",
    }


def ids_of(subscriptions: Collection[Subscription]) -> list[int]:
    return [one.id for one in subscriptions]
