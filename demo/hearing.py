"""How somebody hears of what others do, besides in a list: live, on a locked phone, and in a program of their own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from rich.console import Console

from demo.client import Account, ApiError, Platform
from demo.receiver import Receiver, receiving

__all__ = ["hear_by_push", "hear_by_webhook", "hear_live", "listening"]

_WITHIN = 90.0
_LIKED = "photomesh.post.liked.v1"
_REFUSED = ("push-endpoint-refused", "webhook-url-refused")


@asynccontextmanager
async def listening(
    console: Console, platform: Platform, account: Account, host: str, certificate: Path | None
) -> AsyncIterator[Receiver | None]:
    """Gives somebody a device and a webhook, until the end of the context. None where the platform calls no address of
    this machine: only a local stack of processes does."""
    async with AsyncExitStack() as stack:
        receiver: Receiver | None = None
        if certificate is not None and await asyncio.to_thread(certificate.exists):
            receiver = await stack.enter_async_context(receiving(host, certificate))
            try:
                await _subscribe(platform, account, receiver, stack)
            except ApiError as error:
                if not any(code in str(error) for code in _REFUSED):
                    raise
                receiver = None
        if receiver is None:
            console.print("  [dim]no push and no webhook: this platform calls no address of this machine[/]")
        yield receiver


async def _subscribe(platform: Platform, account: Account, receiver: Receiver, stack: AsyncExitStack) -> None:
    """What is made here is deleted at the end: nobody listens any more."""
    receiver.sender_key = (await platform.call("GET", "/v1/notifications/push/key", account))["application_server_key"]
    path = "/v1/notifications/push/subscriptions"
    device = await platform.call("POST", path, account, json=receiver.subscription)
    stack.push_async_callback(platform.call, "DELETE", f"{path}/{device['id']}", account)
    body = {"url": f"{receiver.url}/webhook", "types": [_LIKED]}
    webhook = await platform.call("POST", "/v1/webhooks", account, json=body)
    stack.push_async_callback(platform.call, "DELETE", f"/v1/webhooks/{webhook['id']}", account)
    receiver.secret = webhook["secret"]


async def hear_by_push(console: Console, receiver: Receiver) -> None:
    """Likes, on a locked phone. Before `hear_live`: nobody is pushed what they watch."""
    push = await receiver.push(lambda push: push.title == "New likes", _WITHIN)
    console.print(
        f"  on a locked phone (Web Push, decrypted): {push.title}: {push.body}", highlight=False, soft_wrap=True
    )


async def hear_by_webhook(console: Console, receiver: Receiver) -> None:
    event = await receiver.event(lambda event: event.type == _LIKED, _WITHIN)
    console.print(
        f"  by webhook (signature verified): {event.type} of {event.subject}", highlight=False, soft_wrap=True
    )


async def hear_live(console: Console, platform: Platform, account: Account, other: Account, post_id: str) -> None:
    """Somebody comments while the account watches. Raises TimeoutError."""
    async with platform.live(account, within=_WITHIN) as events:
        async for event in events:
            if event.event == "ready":
                break
        await platform.comment(other, post_id, "Where was this?")
        started = time.monotonic()
        async for event in events:
            if event.event == "notification" and event.json()["id"].startswith("comment."):
                break
        else:
            raise TimeoutError("the stream ended")
    seconds = time.monotonic() - started
    heard = f"{event.json()['id']}, {seconds:.2f} s after @{other.username} commented"
    console.print(f"  live (stream): {heard}", highlight=False, soft_wrap=True)
