"""What a developer and a phone would run: an HTTPS address that verifies webhooks, and decrypts pushes for one device.

Verified and decrypted by libraries that are not ours: standardwebhooks, http_ece and py_vapid.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import http_ece
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from standardwebhooks.webhooks import Webhook

__all__ = ["Push", "Receiver", "WebhookEvent", "receiving"]

_PORT = 8443  # pushes and webhooks go to 443 and 8443 only
_VAPID_HOURS = 24  # RFC 8292 allows no more
One = TypeVar("One")


@dataclass(frozen=True)
class Push:
    title: str
    body: str


@dataclass(frozen=True)
class WebhookEvent:
    """What arrived, once its signature was verified."""

    id: str
    type: str
    subject: str


@dataclass
class Receiver:
    """`secret`: of the webhook; `sender_key`: to which the device has subscribed. `refused`: what did not verify."""

    url: str
    secret: str = ""
    sender_key: str = ""
    pushes: list[Push] = field(default_factory=list)
    events: list[WebhookEvent] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    _auth: bytes = field(default_factory=lambda: os.urandom(16), repr=False)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def subscription(self) -> dict[str, Any]:
        """As a browser's `PushSubscription.toJSON()`."""
        public = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"endpoint": f"{self.url}/push", "keys": {"p256dh": _text(public), "auth": _text(self._auth)}}

    async def push(self, wanted: Callable[[Push], bool], within: float) -> Push:
        """Raises TimeoutError."""
        return await self._first(self.pushes, wanted, within)

    async def event(self, wanted: Callable[[WebhookEvent], bool], within: float) -> WebhookEvent:
        """Raises TimeoutError."""
        return await self._first(self.events, wanted, within)

    async def _first(self, arrived: list[One], wanted: Callable[[One], bool], within: float) -> One:
        def found() -> list[One]:
            return [one for one in arrived if wanted(one)]

        try:
            async with asyncio.timeout(within), self._arrived:
                await self._arrived.wait_for(found)
        except TimeoutError:
            raise TimeoutError(f"nothing of that kind after {within:.0f} s; refused: {self.refused}") from None
        return found()[0]

    async def respond(self, request: web.Request) -> web.Response:
        """204 only for what is genuine."""
        body, headers = await request.read(), {name.lower(): value for name, value in request.headers.items()}
        try:
            if request.path == "/push":
                self.pushes.append(self._decrypted(body, headers))
            else:
                self.events.append(self._verified(body, headers))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it
            self.refused.append(f"{request.path}: {error!r}")
            return web.Response(status=400)
        async with self._arrived:
            self._arrived.notify_all()
        return web.Response(status=201 if request.path == "/push" else 204)

    def _decrypted(self, body: bytes, headers: dict[str, str]) -> Push:
        """Checks who sent it (VAPID), and reads it (aes128gcm)."""
        authorization = headers["authorization"]
        if not Vapid02.verify(authorization):
            raise ValueError("the signature of VAPID is wrong")
        scheme, _, parameters = authorization.partition(" ")
        of = dict(part.strip().split("=", 1) for part in parameters.split(","))
        claims = json.loads(base64.urlsafe_b64decode(of["t"].split(".")[1] + "=="))
        if scheme != "vapid" or of["k"] != self.sender_key or claims["aud"] != self.url:
            raise ValueError("it is from somebody else, or for somebody else")
        if not 0 < claims["exp"] - time.time() <= _VAPID_HOURS * 3_600:
            raise ValueError("the token of VAPID lives for too long, or no longer")
        if headers["content-encoding"] != "aes128gcm":
            raise ValueError("it is encrypted in another way")
        plain = http_ece.decrypt(body, private_key=self._key, auth_secret=self._auth, version="aes128gcm")
        shown = json.loads(plain)["notification"]
        return Push(shown["title"], shown.get("body", ""))

    def _verified(self, body: bytes, headers: dict[str, str]) -> WebhookEvent:
        event = Webhook(self.secret).verify(body, headers)
        return WebhookEvent(event["id"], event["type"], event["subject"])


@asynccontextmanager
async def receiving(host: str, certificate: Path) -> AsyncIterator[Receiver]:
    """Listens on the address of this machine that a local stack may call. `certificate`: with its key."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    receiver = Receiver(f"https://{host}:{_PORT}")
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.respond)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, _PORT, ssl_context=tls).start()
        yield receiver
    finally:
        await runner.cleanup()


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
