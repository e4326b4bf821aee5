"""A receiver of webhooks for tests: every request is verified and parsed by libraries that are not ours."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks.webhooks import Webhook

from tests.support.https_receiver import Authority, Receiver, https_receiver
from tests.support.waiting import eventually

__all__ = ["Arrived", "Hook", "WebhookReceiver", "verified", "webhook_receiver"]

Answer = int | str
"""A status, or `hang` or `reset`."""


@dataclass(frozen=True)
class Arrived:
    """A request, verified."""

    headers: Mapping[str, str]
    body: bytes
    id: str
    type: str
    subject: str
    data: Any


@dataclass
class Hook:
    """An address of the receiver. `secrets`: whichever of them verifies; `answers`: one after the other, and `usual`
    after the last; `delivered`: what was answered by 2xx."""

    url: str
    secrets: list[bytes] = field(default_factory=lambda: [os.urandom(32)])
    answers: list[Answer] = field(default_factory=list)
    usual: Answer | Callable[[Arrived], Answer] = 204
    arrived: list[Arrived] = field(default_factory=list)
    delivered: list[Arrived] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.delivered]

    def ids_of(self, subject: str) -> list[str]:
        """The events of a subject in the order in which each was first delivered."""
        return list(dict.fromkeys(one.id for one in self.delivered if one.subject == subject))

    async def wait_for(self, number: int, *, within: float = 60.0) -> Sequence[Arrived]:
        """Until so many distinct events were delivered."""

        async def look() -> int:
            return len(set(self.ids))

        await eventually(look, until=lambda count: count >= number, within=within)
        return self.delivered


class WebhookReceiver:
    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.hooks: dict[str, Hook] = {}

    @property
    def address(self) -> str:
        return f"{self.receiver.host}:{self.receiver.port}"

    def hook(self, *answers: Answer) -> Hook:
        """A new address."""
        path = f"/hooks/{os.urandom(8).hex()}"
        hook = Hook(self.receiver.url + path, answers=list(answers))
        self.hooks[path] = hook
        return hook

    async def respond(self, request: web.Request) -> web.StreamResponse:
        hook = self.hooks.get(request.path)
        if hook is None:
            return web.Response(status=404)
        arrived = verified(await request.read(), dict(request.headers), hook.secrets)
        hook.arrived.append(arrived)
        usual = hook.usual(arrived) if callable(hook.usual) else hook.usual
        match hook.answers.pop(0) if hook.answers else usual:
            case "hang":
                await asyncio.sleep(30)
            case "reset":
                assert request.transport is not None
                request.transport.abort()
            case int(status):
                if 200 <= status < 300:
                    hook.delivered.append(arrived)
                headers = {"Retry-After": "2"} if status == 429 else {}
                headers |= {"Location": f"{self.receiver.url}/elsewhere"} if 300 <= status < 400 else {}
                return web.Response(status=status, headers=headers, text="" if status == 204 else f"answer {status}")
        return web.Response(status=500)


def verified(body: bytes, headers: dict[str, str], secrets: Sequence[bytes]) -> Arrived:
    """Raises if no secret verifies, or if it is no CloudEvent: the receiver then answers 500, and the test never sees
    the event."""
    lower = {name.lower(): value for name, value in headers.items()}
    failures = []
    for secret in secrets:
        try:
            Webhook("whsec_" + base64.b64encode(secret).decode()).verify(body, lower)
            break
        except Exception as error:
            failures.append(error)
    else:
        raise ExceptionGroup("no secret verifies", failures)
    event = from_structured_event(HTTPMessage(lower, body), JSONFormat())
    assert lower["webhook-id"] == event.get_id().replace(".", "~")
    return Arrived(lower, body, event.get_id(), event.get_type(), event.get_subject() or "", event.get_data())


@asynccontextmanager
async def webhook_receiver(authority: Authority, host: str, *, port: int = 8443) -> AsyncIterator[WebhookReceiver]:
    """Listens on a loopback address, by default on a port that an endpoint may have."""
    receivers: list[WebhookReceiver] = []

    async def respond(request: web.Request) -> web.StreamResponse:
        return await receivers[0].respond(request)

    async with https_receiver(authority, respond, host=host, port=port) as receiver:
        receivers.append(WebhookReceiver(receiver))
        yield receivers[0]
