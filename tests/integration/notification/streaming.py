"""What tests of streams share: a gateway in front of a real process, and who writes what streams tell."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
from redis.asyncio import Redis

from photomesh_gateway.app import Gateway
from photomesh_gateway.connections import gateway_protocol
from photomesh_gateway.settings import Settings as GatewaySettings
from photomesh_notification.store.live import Live
from photomesh_shared.events import Envelope, NotificationRemoved, NotificationUpdated
from tests.support.listening import listening
from tests.support.services import settings_from

__all__ = ["GROUP", "PATH", "Environment", "Writer", "gateway_before"]

Environment = Callable[[str], Mapping[str, str]]
PATH = "/v1/notifications/stream"
GROUP = "like.o_1.0"


@asynccontextmanager
async def gateway_before(url: str, environment: Environment, **changes: str) -> AsyncIterator[httpx.AsyncClient]:
    values = dict(environment("gateway"))
    values["PHOTOMESH_REDIS_URL"] = values["PHOTOMESH_REDIS_URL"].removesuffix("/0") + "/1"
    settings = settings_from(
        GatewaySettings, values, notification_stream_url=url, trusted_proxies='["127.0.0.0/8"]', **changes
    )
    async with listening(Gateway(settings), gateway_protocol(settings)) as gateway_url:
        async with httpx.AsyncClient(base_url=gateway_url, timeout=30) as client:
            yield client


class Writer:
    """Calls what the writer calls, with the writer's rights."""

    def __init__(self, redis: Redis) -> None:
        self._live = Live(redis)

    async def changed(self, account_id: int, group_id: str, version: int, *, removed: bool = False) -> None:
        event: NotificationUpdated | NotificationRemoved
        if removed:
            event = NotificationRemoved(recipient_id=account_id, group_id=group_id)
        else:
            event = NotificationUpdated.example().model_copy(update={"recipient_id": account_id, "group_id": group_id})
        await self._live.changed(account_id, Envelope.of(event, entityversion=version, time=datetime.now(UTC)))
