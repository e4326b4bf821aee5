"""A real browser: Firefox subscribes with our key, gets what our sender sends, decrypts it and shows it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from photomesh_notification.push.domain import Subscription, subscription_id
from photomesh_notification.push.vapid import private_key_from, public_key_text
from photomesh_notification.push_sender import create_app
from photomesh_notification.settings import PushSettings
from photomesh_shared.clock import SystemClock
from tests.integration.notification.push.conftest import Platform
from tests.support.firefox import Browser, firefox
from tests.support.https_receiver import Authority
from tests.support.notification.push_service import PushService
from tests.support.services import client_of, settings_from
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)

_SUBSCRIBE = """(async () => {
  await navigator.serviceWorker.register('/worker.js');
  const registration = await navigator.serviceWorker.ready;
  const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: '%s' });
  return subscription.toJSON();
})()"""
_SHOWN = """(async () => {
  const registration = await navigator.serviceWorker.ready;
  return (await registration.getNotifications()).map(({ title, body, tag }) => ({ title, body, tag }));
})()"""


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with firefox(tmp_path) as browser:
        yield browser


@pytest.fixture
async def sender(browser: Browser, push_environment: Mapping[str, str], authority: Authority) -> AsyncIterator[None]:
    """The consumer, once it has joined its group. It trusts the push service's authority."""
    settings = settings_from(PushSettings, push_environment)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SSL_CERT_FILE", str(authority.ca_file))
        async with client_of(create_app(settings)) as ops:

            async def is_ready() -> bool:
                return (await ops.get("/readyz")).status_code == 200

            await eventually(is_ready, within=60)
            yield


@pytest.mark.usefixtures("sender")
async def test_firefox_shows_what_is_pushed(
    browser: Browser, platform: Platform, services: PushService, push_environment: Mapping[str, str]
) -> None:
    key = public_key_text(private_key_from(push_environment["PHOTOMESH_VAPID_SECRET"]))
    browser.push.endpoint = lambda: services.forwarded(browser.push.deliver)
    await browser.open_page()
    subscribed: dict[str, Any] = await browser.evaluate(_SUBSCRIBE % key)
    assert browser.push.keys[subscribed["endpoint"]].rstrip("=") == key

    account_id, now = platform.new_id(), SystemClock().now()
    await platform.subscriptions.register(
        Subscription(
            account_id,
            subscription_id(subscribed["endpoint"]),
            subscribed["endpoint"],
            _bytes(subscribed["keys"]["p256dh"]),
            _bytes(subscribed["keys"]["auth"]),
            platform.new_id(),
            now.replace(microsecond=now.microsecond // 1_000 * 1_000),
        )
    )
    await platform.happens(account_id)

    async def shown() -> list[dict[str, str]]:
        found: list[dict[str, str]] = await browser.evaluate(_SHOWN)
        return found

    [notification] = await eventually(shown, until=bool, within=60)
    assert (notification["title"], notification["body"]) == ("New followers", "Grace followed you")
    assert notification["tag"]


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
