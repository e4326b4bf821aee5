"""A headless Firefox without the internet, driven by WebDriver BiDi, and a site of its own at `localhost`.

The site is the browser's push server as well: `Push` hears of what a page subscribes to, and hands encrypted messages
on, as Mozilla's autopush does.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.support.tools import lack
from tests.support.waiting import eventually

__all__ = ["Browser", "Push", "firefox"]

_START_SECONDS = 90
_COMMAND_SECONDS = 60
_NOWHERE = "http://127.0.0.1:9/"
_PREFERENCES = {
    "dom.push.connection.enabled": True,
    "dom.push.enabled": True,
    "dom.push.testing.allowInsecureServerURL": True,
    "permissions.default.desktop-notification": 1,
    "alerts.useSystemBackend": False,
    # Nothing that looks for the internet, or asks.
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.region.network.url": "",
    "browser.safebrowsing.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": _NOWHERE,
    "toolkit.telemetry.enabled": False,
}
_WORKER = """
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', event => event.waitUntil(self.clients.claim()));
self.addEventListener('push', event => {
  const { notification } = event.data.json();
  event.waitUntil(self.registration.showNotification(notification.title, notification));
});
"""


@dataclass
class Push:
    """The push server that Firefox is connected to. `endpoint` makes the address of a new subscription."""

    endpoint: Callable[[], str] = lambda: _NOWHERE
    channels: dict[str, tuple[str, web.WebSocketResponse]] = field(default_factory=dict)
    """By endpoint."""
    keys: dict[str, str] = field(default_factory=dict)
    """By endpoint, the application server key that the page subscribed with."""

    async def connected(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("push-notification",))
        await socket.prepare(request)
        async for text in socket:
            message = json.loads(text.data) if text.data else {}
            match message.get("messageType"):
                case "hello":
                    uaid = message.get("uaid") or uuid.uuid4().hex
                    await socket.send_json(
                        {"messageType": "hello", "uaid": uaid, "status": 200, "use_webpush": True, "broadcasts": {}}
                    )
                case "register":
                    endpoint, channel = self.endpoint(), message["channelID"]
                    self.channels[endpoint], self.keys[endpoint] = (channel, socket), message.get("key", "")
                    await socket.send_json(
                        {"messageType": "register", "channelID": channel, "status": 200, "pushEndpoint": endpoint}
                    )
                case "unregister":
                    channel = message["channelID"]
                    await socket.send_json({"messageType": "unregister", "channelID": channel, "status": 200})
                case None:
                    await socket.send_json({})  # a ping
        return socket

    async def deliver(self, endpoint: str, body: bytes) -> None:
        """Hands an encrypted message on to the browser."""
        channel, socket = self.channels[endpoint]
        await socket.send_json(
            {
                "messageType": "notification",
                "channelID": channel,
                "version": uuid.uuid4().hex,
                "data": base64.urlsafe_b64encode(body).rstrip(b"=").decode(),
                "headers": {"encoding": "aes128gcm"},
            }
        )


class Browser:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, site: str, push: Push) -> None:
        self.push = push
        self._socket, self._site = socket, site
        self._number = 0
        self._tab = ""

    async def begin(self) -> None:
        await self._command("session.new", capabilities={})
        self._tab = (await self._command("browsingContext.getTree"))["contexts"][0]["context"]

    async def open_page(self) -> None:
        """Opens an empty page of the site, whose `/worker.js` shows the notifications that are pushed."""
        await self._command("browsingContext.navigate", context=self._tab, url=self._site, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """Returns the value of an expression of JavaScript, or of its promise, as JSON has it."""
        expression = f"(async () => JSON.stringify(await ({expression})))()"
        answer = await self._command(
            "script.evaluate", expression=expression, target={"context": self._tab}, awaitPromise=True
        )
        assert answer["type"] == "success", answer
        text = answer["result"].get("value")
        return None if text is None else json.loads(text)

    async def _command(self, method: str, **params: Any) -> Any:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        async with asyncio.timeout(_COMMAND_SECONDS):
            while True:
                message = await self._socket.receive_json()
                if message.get("id") == self._number:
                    assert message["type"] == "success", message
                    return message["result"]


@asynccontextmanager
async def firefox(folder: Path) -> AsyncIterator[Browser]:
    """Starts Firefox with a new profile below the folder. Skips the test where Firefox is missing."""
    found = shutil.which("firefox-esr") or shutil.which("firefox")
    if found is None:
        lack("Firefox is not installed (Debian: apt-get install firefox-esr)")
    async with AsyncExitStack() as stack:
        push = Push()
        site = await stack.enter_async_context(_site(push))
        profile = folder / "profile"
        profile.mkdir()
        preferences = _PREFERENCES | {"dom.push.serverURL": site.replace("http", "ws") + "push"}
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items())
        (profile / "user.js").write_text("".join(lines))
        environment = os.environ | {"HOME": str(folder), "MOZ_DISABLE_CONTENT_SANDBOX": "1"}
        with (folder / "output").open("wb") as output:
            command = [found, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
            running = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        stack.push_async_callback(_end, running)
        http = await stack.enter_async_context(aiohttp.ClientSession())

        async def address() -> str | None:
            assert running.poll() is None, (folder / "output").read_text(errors="replace")[-2000:]
            file = profile / "WebDriverBiDiServer.json"
            try:
                server = json.loads(file.read_text())
            except (FileNotFoundError, json.JSONDecodeError):
                return None
            return f"ws://{server['ws_host']}:{server['ws_port']}/session"

        url = await eventually(address, within=_START_SECONDS, every=0.2)
        assert url is not None
        socket = await stack.enter_async_context(http.ws_connect(url, max_msg_size=0))
        browser = Browser(socket, site, push)
        await browser.begin()
        yield browser


async def _end(running: subprocess.Popen[bytes]) -> None:
    running.terminate()
    try:
        await asyncio.to_thread(running.wait, 10)
    except subprocess.TimeoutExpired:
        running.kill()
        await asyncio.to_thread(running.wait)


@asynccontextmanager
async def _site(push: Push) -> AsyncIterator[str]:
    """At `localhost`, where service workers may run without TLS."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>Site</title>", content_type="text/html")

    async def worker(_: web.Request) -> web.Response:
        return web.Response(text=_WORKER, content_type="text/javascript")

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/worker.js", worker)
    app.router.add_get("/push", push.connected)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
