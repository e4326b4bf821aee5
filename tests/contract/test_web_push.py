"""A push service that we did not write takes our pushes, and reads what is in them: `web-push-testing` for Node.

It holds a push's token to the key that its device subscribed to, and decrypts by the device's key.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from photomesh_notification.push.clients import WebPush
from photomesh_notification.push.domain import Outcome, Subscription, subscription_id
from photomesh_notification.push.payload import Shown, payload_of
from photomesh_notification.push.sending import Message
from photomesh_notification.push.vapid import VapidSigner, private_key_from, public_key_text
from photomesh_shared.clock import SystemClock
from photomesh_shared.outbound import OutboundPolicy, open_outbound
from tests.support.https_receiver import Authority
from tests.support.node import node, packages
from tests.support.tls_front import HOST, tls_front

FOLDER = Path(__file__).parent / "web-push-testing"
SECRET = "of the platform"


@dataclass(frozen=True)
class Service:
    """`web-push-testing`, behind a server that ends TLS, as we push by https only."""

    http: aiohttp.ClientSession
    url: str
    channel: WebPush

    async def ask(self, path: str, **fields: str) -> Any:
        async with self.http.post(path, json=fields) as response:
            assert response.status == 200, await response.text()
            return await response.json(content_type=None) if response.content_type == "application/json" else None

    async def subscribe(self, secret: str = SECRET) -> tuple[str, Subscription]:
        """A device that subscribed to the key of this secret; with its name in the service."""
        key = public_key_text(private_key_from(secret))
        made = (await self.ask("/subscribe", userVisibleOnly="true", applicationServerKey=key))["data"]
        endpoint = f"{self.url}/notify/{made['clientHash']}"
        keys = {name: _bytes(value) for name, value in made["keys"].items()}
        subscription = Subscription(
            1, subscription_id(endpoint), endpoint, keys["p256dh"], keys["auth"], 1, SystemClock().now()
        )
        return made["clientHash"], subscription

    async def read_by(self, name: str) -> list[str]:
        found: list[str] = (await self.ask("/get-notifications", clientHash=name))["data"]["messages"]
        return found


@pytest.fixture(scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    await asyncio.to_thread(packages, FOLDER)
    process = await asyncio.create_subprocess_exec(
        node(), "serve.mjs", cwd=FOLDER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    authority = Authority.make(tmp_path_factory.mktemp("authority"))
    clock = SystemClock()
    try:
        async with asyncio.timeout(60):
            port = int(await process.stdout.readline())
        async with (
            tls_front((HOST, port), authority.server(HOST)) as front,
            open_outbound(OutboundPolicy(frozenset({(HOST, front.port)})), tls=authority.client()) as outbound,
            aiohttp.ClientSession(f"http://{HOST}:{port}") as http,
        ):
            signer = VapidSigner(private_key_from(SECRET), "https://photomesh.example.net", clock)
            yield Service(http, f"https://{HOST}:{front.port}", WebPush(outbound, signer, clock))
    finally:
        process.kill()
        await process.wait()


def message(name: str = "Señora 🌅") -> Message:
    shown, topic = [Shown("like", (name,), 16)], "topic"
    payload, bare = (payload_of(shown, tag=topic, app_url="https://a.example", bare=bare) for bare in (False, True))
    return Message(payload, bare, topic, "low", timedelta(hours=1))


async def test_it_reads_what_we_send(service: Service) -> None:
    (name, device), (other_name, _) = await service.subscribe(), await service.subscribe()
    first, second = message(), message("Grace")

    for one in (first, second):
        assert (await service.channel.send(device, one)).outcome is Outcome.ACCEPTED

    assert await service.read_by(name) == [first.payload.decode(), second.payload.decode()]
    assert await service.read_by(other_name) == []


async def test_an_expired_subscription_has_ended(service: Service) -> None:
    name, device = await service.subscribe()
    await service.ask(f"/expire-subscription/{name}")

    assert (await service.channel.send(device, message())).outcome is Outcome.GONE


async def test_a_device_of_another_key_takes_no_push_of_ours_and_stays(service: Service) -> None:
    name, device = await service.subscribe("of somebody else")

    assert (await service.channel.send(device, message())).outcome is Outcome.REFUSED
    assert await service.read_by(name) == []


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
