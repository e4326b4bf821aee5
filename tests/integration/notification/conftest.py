"""Notification on real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from photomesh_notification.settings import WriterSettings
from photomesh_shared.kafka.publisher import open_publisher
from photomesh_shared.stores.cassandra import CassandraSession, open_session
from tests.integration.notification.scene import Scene
from tests.support.kafka import Topics
from tests.support.services import settings_from

Environment = Callable[[str], Mapping[str, str]]


@pytest.fixture(scope="session")
def environment(service_environment: Environment) -> Environment:
    return service_environment


@pytest.fixture
async def database(environment: Environment) -> AsyncIterator[CassandraSession]:
    async with open_session(settings_from(WriterSettings, environment("notification-writer"))) as session:
        yield session


@pytest.fixture
async def scene(topics: Topics, database: CassandraSession, new_id: Callable[[], int]) -> AsyncIterator[Scene]:
    async with open_publisher(topics.kafka, "tests") as publisher:
        yield Scene(publisher, database, new_id)
