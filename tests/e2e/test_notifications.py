"""What people hear of, through the gateway: likes, comments, follows and mentions; and what takes them away again."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from rich.console import Console

from demo import hearing
from demo.client import Account, ApiError, Platform
from photomesh_notification.store.connection import open_redis
from tests.support.redis import as_administrator
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(600)


async def _list(platform: Platform, account: Account, query: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await platform.call("GET", f"/v1/notifications{query}", account))["items"]
    return items


async def _hears(platform: Platform, account: Account, *kinds: str, query: str = "") -> list[dict[str, Any]]:
    """Waits until the list has exactly these kinds, in any order, and returns it."""

    async def look() -> list[dict[str, Any]]:
        return await _list(platform, account, query)

    return await eventually(look, until=lambda items: sorted(one["kind"] for one in items) == sorted(kinds), within=60)


async def _unread(platform: Platform, account: Account) -> int:
    return int((await platform.call("GET", "/v1/notifications/unread", account))["count"])


async def _published(platform: Platform, account: Account, file: Path, caption: str) -> str:
    photo_id = await platform.upload(account, file, lambda _: None)
    await platform.wait_until_ready(account, photo_id, within=60)
    return str((await platform.publish(account, [photo_id], caption))["id"])


async def test_what_others_do_is_heard_of_until_it_is_undone_or_hidden(
    platform: Platform, ada: Account, grace: Account, some_photo: Path
) -> None:
    post_id = await _published(platform, ada, some_photo, "Evening")
    linus = await platform.register(f"linus_{ada.username}"[:30])
    quiet = {"kinds": {"post_published": {"listed": False}}}
    await platform.call("PUT", "/v1/notifications/preferences", ada, json=quiet)
    await platform.follow(ada, grace)
    await eventually(lambda: platform.call("GET", f"/v1/posts/{post_id}", grace), until=bool, within=60)

    for account in (linus, grace):
        await platform.like(account, post_id)
    await platform.follow(grace, ada)
    comment = await platform.call("POST", f"/v1/posts/{post_id}/comments", grace, json={"text": "What a light!"})
    await platform.call("POST", f"/v1/posts/{post_id}/comments", linus, json={"text": f"Look, @{ada.username}"})

    def complete(items: list[dict[str, Any]]) -> bool:
        by_kind = {one["kind"]: one for one in items}
        return by_kind.keys() == {"like", "comment", "follow", "mention"} and by_kind["like"]["count"] == 2

    items = await eventually(lambda: _list(platform, ada), until=complete, within=60)
    by_kind = {one["kind"]: one for one in items}
    likes = by_kind["like"]
    assert likes["post"]["id"] == post_id
    assert likes["post"]["photo_url"]
    assert {account["id"] for account in likes["accounts"]} == {grace.id, linus.id}
    assert by_kind["comment"]["comment"]["excerpt"] == "What a light!"
    assert [account["id"] for account in by_kind["mention"]["accounts"]] == [linus.id]
    assert all(one["new"] for one in items)
    assert await _unread(platform, ada) == 4

    # Whom Ada follows comes first, and may be all that she wants to hear of.
    followed = await eventually(
        lambda: _list(platform, ada, "?only=following"),
        until=lambda found: {one["kind"] for one in found} == {"like", "comment", "follow"},
        within=60,
    )
    assert all([account["id"] for account in one["accounts"]] == [grace.id] for one in followed)
    first_face = next(one for one in await _list(platform, ada) if one["kind"] == "like")["accounts"][0]
    assert (first_face["id"], first_face["followed"]) == (grace.id, True)
    assert [one["kind"] for one in await _list(platform, ada, "?only=mentions")] == ["mention"]

    # Seen: nothing is unread until something happens.
    await platform.call("PUT", "/v1/notifications/seen", ada, json={})
    assert await _unread(platform, ada) == 0
    assert not any(one["new"] for one in await _list(platform, ada))

    # Undone, deleted and blocked: gone at once or as soon as its event is handled.
    await platform.call("DELETE", f"/v1/posts/{post_id}/like", linus)
    await eventually(
        lambda: _list(platform, ada),
        until=lambda found: next(one for one in found if one["kind"] == "like")["count"] == 1,
        within=60,
    )
    await platform.call("DELETE", f"/v1/comments/{comment['id']}", grace)
    await _hears(platform, ada, "like", "follow", "mention")
    await platform.call("PUT", f"/v1/users/{grace.id}/block", ada)
    assert [one["kind"] for one in await _list(platform, ada)] == ["mention"], "a block takes effect before its answer"
    assert await _unread(platform, ada) == 0

    # Nobody hears of what they do themselves, and of nothing that is not theirs.
    assert await _list(platform, linus) == []
    muted = f"/v1/notifications/muted-posts/{post_id}"
    await platform.call("PUT", muted, ada)
    with pytest.raises(ApiError, match="no-post-of-yours"):
        await platform.call("PUT", muted, linus)


@asynccontextmanager
async def _answering(environment: Mapping[str, str], status: int) -> AsyncIterator[str]:
    """The address of this machine that the stack may call; answers with this status, whatever comes."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    [address] = json.loads(environment["PHOTOMESH_OUTBOUND_TEST_RECEIVERS"])
    host, _, port = address.rpartition(":")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(environment["PHOTOMESH_OUTBOUND_TEST_AUTHORITY"])
    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, int(port), ssl_context=tls).start()
        yield f"https://{address}"
    finally:
        await runner.cleanup()


async def test_an_owner_hears_that_a_webhook_ended_until_it_is_enabled_again(
    platform: Platform,
    ada: Account,
    grace: Account,
    service_environment: Callable[[str], Mapping[str, str]],
) -> None:
    environment = service_environment("webhook-sender")
    async with _answering(environment, 410) as url:
        body = {"url": f"{url}/secret-path", "types": ["photomesh.follow.*"]}
        webhook = await platform.call("POST", "/v1/webhooks", ada, json=body)
        await platform.follow(grace, ada)
        items = await _hears(platform, ada, "follow", "webhook_failing")
    failing = next(one for one in items if one["kind"] == "webhook_failing")
    assert failing["webhook"] == {"id": webhook["id"]}
    assert (failing["count"], failing["accounts"], failing["post"], failing["new"]) == (1, [], None, True)
    assert "secret-path" not in str(items)
    assert await _unread(platform, ada) == 2

    # Its owner may want to hear nothing of it.
    await platform.call(
        "PUT", "/v1/notifications/preferences", ada, json={"kinds": {"webhook_failing": {"listed": False}}}
    )
    await _hears(platform, ada, "follow")
    await platform.call("PUT", "/v1/notifications/preferences", ada, json={})
    await _hears(platform, ada, "follow", "webhook_failing")

    path = f"/v1/webhooks/{webhook['id']}"
    assert (await platform.call("GET", path, ada))["disabled_reason"] == "gone"
    async with _answering(environment, 204):
        await platform.call("PATCH", path, ada, json={"enabled": True})
        await _hears(platform, ada, "follow")
        await platform.call("DELETE", path, ada)
    assert await _unread(platform, ada) == 1


async def test_a_flush_of_all_of_redis_delays_and_loses_and_doubles_nothing(
    platform: Platform,
    ada: Account,
    grace: Account,
    some_photo: Path,
    service_environment: Callable[[str], Mapping[str, str]],
) -> None:
    """Lists, numbers, the seen marker and pushes come from Cassandra. Who is listening is forgotten for a while."""
    environment = service_environment("webhook-sender")
    [address] = json.loads(environment["PHOTOMESH_OUTBOUND_TEST_RECEIVERS"])
    certificate = Path(environment["PHOTOMESH_OUTBOUND_TEST_AUTHORITY"])
    linus = await platform.register(f"linus_{ada.username}"[:30])
    post_id = await _published(platform, ada, some_photo, "Evening")
    await _hears(platform, ada, "post_published")
    await platform.call("PUT", "/v1/notifications/seen", ada, json={})
    redis_url = as_administrator(service_environment("notification-stream")["PHOTOMESH_FEED_REDIS_URL"])
    host = address.removesuffix(":8443")
    async with (
        hearing.listening(Console(quiet=True), platform, ada, host, certificate) as receiver,
        platform.live(grace, within=240) as events,
        open_redis(redis_url) as redis,
    ):
        assert receiver is not None
        assert (await anext(events)).event == "ready"
        await platform.follow(linus, ada)
        await _hears(platform, ada, "follow", "post_published")
        await redis.flushdb()

        async def shown() -> dict[str, bool]:
            return {one["kind"]: one["new"] for one in await _list(platform, ada)}

        assert await shown() == {"follow": True, "post_published": False}
        assert await _unread(platform, ada) == 1

        # What was to be pushed is; what comes now is pushed as well, and neither twice.
        await receiver.push(lambda push: push.title == "New followers", 120)
        await platform.call("POST", f"/v1/posts/{post_id}/comments", linus, json={"text": "What a light!"})
        await receiver.push(lambda push: push.title == "New comments", 120)
        assert sorted(push.title for push in receiver.pushes) == ["New comments", "New followers"]
        assert receiver.refused == []

        # A listener hears of what comes after the flush, or that it must look at its list.
        await platform.follow(linus, grace)
        async for heard in events:  # some have a position only
            if heard.event in ("notification", "reset"):
                break
        await _hears(platform, grace, "follow")
    assert await shown() == {"comment": True, "follow": True, "post_published": False}
    await platform.call("PUT", "/v1/notifications/seen", ada, json={})
    assert await _unread(platform, ada) == 0
