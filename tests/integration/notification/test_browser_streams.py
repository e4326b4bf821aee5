"""A real browser's `EventSource`, through the gateway, and through a Varnish that an operator put in front of it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from photomesh_notification.store.connection import open_redis
from tests.integration.notification.streaming import GROUP, PATH, Environment, Writer, gateway_before
from tests.support.firefox import Browser, firefox
from tests.support.services import Process, process
from tests.support.tokens import Issuer, free_port
from tests.support.tools import lack
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)

_GUIDE = Path("docs/running-on-kubernetes.md")
_LISTEN = """(() => {
  window.events = [];
  window.source = new EventSource('%s');
  for (const kind of ['ready', 'notification', 'removed', 'reset'])
    source.addEventListener(kind, ({ lastEventId, data }) => events.push([kind, lastEventId, JSON.parse(data)]));
  source.onerror = () => events.push(['error', null, source.readyState]);
})()"""


@pytest.fixture(scope="module")
async def service(environment: Environment) -> AsyncIterator[Process]:
    """Without a pause between deliveries: tests are not to wait for it."""
    values = dict(environment("notification-stream")) | {"PHOTOMESH_STREAM_EVENT_SECONDS": "0"}
    async with process("photomesh_notification.stream", values, port=free_port()) as running:
        yield running


@pytest.fixture(scope="module")
async def gateway(service: Process, environment: Environment) -> AsyncIterator[httpx.AsyncClient]:
    async with gateway_before(service.url, environment) as client:
        yield client


@pytest.fixture(scope="module")
async def varnish(
    gateway: httpx.AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    port = gateway.base_url.port
    assert port is not None
    async with varnish_before(port, tmp_path_factory.mktemp("varnish")) as url:
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:

            async def answers() -> bool:
                try:
                    return (await client.get(PATH)).status_code == 401
                except httpx.TransportError:
                    return False

            await eventually(answers, within=60)
            yield client


@asynccontextmanager
async def varnish_before(port: int, folder: Path) -> AsyncIterator[str]:
    found = shutil.which("varnishd") or shutil.which("varnishd", path="/usr/sbin")
    if found is None:
        lack("Varnish is not installed (Debian: apt-get install varnish)")
    policy, own = folder / "policy.vcl", free_port()
    policy.write_text(_of_the_guide(port))
    with (folder / "output").open("wb") as output:
        running = subprocess.Popen(
            (
                *(found, "-F", "-j", "none", "-T", "none"),
                *("-n", str(folder / "state"), "-a", f"127.0.0.1:{own}", "-f", str(policy), "-s", "malloc,16m"),
            ),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield f"http://127.0.0.1:{own}"
    finally:
        running.terminate()
        await asyncio.to_thread(running.wait, 30)


def _of_the_guide(port: int) -> str:
    """The policy that operators read, for the gateway at this port."""
    policy = _GUIDE.read_text().partition("```vcl\n")[2].partition("```")[0]
    host, service_port = '.host = "gateway"', '.port = "80"'
    assert host in policy
    assert service_port in policy
    return policy.replace(host, '.host = "127.0.0.1"').replace(service_port, f'.port = "{port}"')


@pytest.fixture(scope="module")
async def live(environment: Environment) -> AsyncIterator[Writer]:
    async with open_redis(environment("notification-writer")["PHOTOMESH_FEED_REDIS_URL"]) as redis:
        yield Writer(redis)


@pytest.fixture(scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    async with firefox(tmp_path_factory.mktemp("firefox")) as browser:
        await browser.open_page()
        yield browser


@pytest.mark.parametrize("front", ["gateway", "varnish"])
async def test_an_event_source_hears_and_resumes(
    front: str,
    gateway: httpx.AsyncClient,
    varnish: httpx.AsyncClient,
    browser: Browser,
    live: Writer,
    issuer: Issuer,
    new_id: Callable[[], int],
) -> None:
    client = {"gateway": gateway, "varnish": varnish}[front]
    account_id = new_id()
    someone = issuer.headers(account_id)

    async def listen(query: str = "") -> str:
        answer = await client.post("/v1/notifications/stream-tickets", headers=someone)
        url = f"{client.base_url}{PATH}?ticket={answer.json()['ticket']}{query}"
        await browser.evaluate(_LISTEN % url)
        return url

    async def heard(number: int) -> list[Any]:
        async def look() -> list[Any]:
            events: list[Any] = await browser.evaluate("events")
            return events

        return await eventually(look, until=lambda events: len(events) >= number, within=60)

    url = await listen()
    assert [event[0::2] for event in await heard(1)] == [["ready", {"resumed": False}]]
    await live.changed(account_id, GROUP, 1)
    kind, position, data = (await heard(2))[1]
    assert (kind, data) == ("notification", {"id": GROUP})
    await browser.evaluate("source.close()")

    # Meanwhile something happens; with a new ticket and the last event's id, nothing is missed or repeated.
    await live.changed(account_id, "comment.c_1", 1)
    await listen(f"&last_event_id={position}")
    await heard(2)
    await live.changed(account_id, GROUP, 2, removed=True)
    assert [event[0::2] for event in await heard(3)] == [
        ["ready", {"resumed": True}],
        ["notification", {"id": "comment.c_1"}],
        ["removed", {"id": GROUP}],
    ]
    await browser.evaluate("source.close()")

    # A ticket is good for one stream: the browser gives up.
    await browser.evaluate(_LISTEN % url)
    assert await heard(1) == [["error", None, 2]]


async def test_varnish_hands_heartbeats_on(
    varnish: httpx.AsyncClient, live: Writer, issuer: Issuer, new_id: Callable[[], int]
) -> None:
    """In silence as well, so that nobody between takes the stream for dead; and what comes next is not held back."""
    account_id = new_id()
    async with varnish.stream("GET", PATH, headers=issuer.headers(account_id)) as answer:
        lines = answer.aiter_lines()
        async with asyncio.timeout(120):
            async for line in lines:
                if line.startswith(":"):
                    break
            await live.changed(account_id, GROUP, 1)
            async for line in lines:
                if line == "event: notification":
                    return
    raise AssertionError("the stream ended")
