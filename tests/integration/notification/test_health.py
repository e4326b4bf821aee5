"""The HTTP program starts on real servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from photomesh_notification.app import create_app
from photomesh_notification.settings import Settings
from tests.support.services import client_of, settings_from
from tests.support.waiting import eventually


async def test_it_is_ready_when_cassandra_answers(environment: Callable[[str], Mapping[str, str]]) -> None:
    async with client_of(create_app(settings_from(Settings, environment("notification")))) as api:

        async def is_ready() -> bool:
            return (await api.get("/readyz")).status_code == 200

        await eventually(is_ready, within=60)
