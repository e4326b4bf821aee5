"""A push service for tests: answers as a test says, and decrypts what devices would get."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import http_ece
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from photomesh_notification.push.encryption import public_bytes
from tests.support.https_receiver import Authority, Receiver, https_receiver
from tests.support.waiting import eventually

__all__ = ["Arrived", "Device", "PushService", "push_service"]


@dataclass(frozen=True)
class Device:
    """A browser that has subscribed."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def p256dh(self) -> bytes:
        return public_bytes(self.key.public_key())

    def as_json(self) -> dict[str, Any]:
        """As `PushSubscription.toJSON()`."""
        return {"endpoint": self.endpoint, "keys": {"p256dh": _b64(self.p256dh), "auth": _b64(self.auth)}}


Forward = Callable[[str, bytes], Awaitable[None]]
"""Takes the endpoint and the encrypted message."""


@dataclass(frozen=True)
class Arrived:
    """A request for a device. `message` is what the device reads."""

    headers: Mapping[str, str]
    message: Mapping[str, Any]

    @property
    def notification(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.message["notification"]
        return found


class PushService:
    """`answers` by device: statuses, or `hang` or `reset`; one after the other, and 201 after the last."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.devices: dict[str, Device] = {}
        self.arrived: dict[str, list[Arrived]] = {}
        self.answers: dict[str, list[int | str]] = {}
        self.forwards: dict[str, Forward] = {}

    def device(self, *answers: int | str) -> Device:
        """Subscribes a device, for which the first requests are answered so."""
        name = os.urandom(8).hex()
        device = Device(f"{self.receiver.url}/push/{name}")
        self.devices[f"/push/{name}"] = device
        self.answers[f"/push/{name}"] = list(answers)
        return device

    def forwarded(self, forward: Forward) -> str:
        """Returns an endpoint whose messages are handed on, encrypted as they are."""
        path = f"/push/{os.urandom(8).hex()}"
        self.forwards[path] = forward
        return f"{self.receiver.url}{path}"

    def of(self, device: Device) -> Sequence[Arrived]:
        return self.arrived.get(device.endpoint.removeprefix(self.receiver.url), [])

    async def wait_for(self, device: Device, number: int = 1, *, within: float = 40.0) -> Sequence[Arrived]:
        async def look() -> Sequence[Arrived]:
            return self.of(device)

        return await eventually(look, until=lambda arrived: len(arrived) >= number, within=within)

    async def respond(self, request: web.Request) -> web.StreamResponse:
        if (forward := self.forwards.get(request.path)) is not None:
            assert Vapid02.verify(request.headers["Authorization"])
            await forward(f"{self.receiver.url}{request.path}", await request.read())
            return web.Response(status=201)
        device = self.devices.get(request.path)
        if device is None:
            return web.Response(status=404)
        body = await request.read()
        assert len(body) <= 4_096
        assert Vapid02.verify(request.headers["Authorization"])
        plaintext = http_ece.decrypt(body, private_key=device.key, auth_secret=device.auth, version="aes128gcm")
        self.arrived.setdefault(request.path, []).append(Arrived(dict(request.headers), json.loads(plaintext)))
        answers = self.answers[request.path]
        match answers.pop(0) if answers else 201:
            case "hang":
                await asyncio.sleep(30)
            case "reset":
                assert request.transport is not None
                request.transport.abort()
            case int(status):
                return web.Response(status=status, headers={"Retry-After": "90"} if status == 429 else None)
        return web.Response(status=500)


@asynccontextmanager
async def push_service(authority: Authority, host: str) -> AsyncIterator[PushService]:
    """Listens on port 8443 of a loopback address, as an endpoint must be on 443 or 8443."""
    services: list[PushService] = []

    async def respond(request: web.Request) -> web.StreamResponse:
        return await services[0].respond(request)

    async with https_receiver(authority, respond, host=host, port=8443) as receiver:
        services.append(PushService(receiver))
        yield services[0]


def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
