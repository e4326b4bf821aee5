"""Registering, listing and removing devices."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from photomesh_notification.app import create_app
from photomesh_notification.push.encryption import public_bytes
from photomesh_notification.push.vapid import private_key_from
from photomesh_notification.settings import Settings
from tests.integration.notification.conftest import Environment
from tests.support.notification.push_service import Device
from tests.support.problems import expect_problem
from tests.support.services import client_of, settings_from
from tests.support.tokens import Issuer

PATH = "/v1/notifications/push/subscriptions"


@pytest.fixture(scope="module")
async def api(environment: Environment) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_app(settings_from(Settings, environment("notification")))) as client:
        yield client


class User:
    def __init__(self, api: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self.api = api
        self.headers = headers

    async def register(self, body: dict[str, Any]) -> httpx.Response:
        return await self.api.post(PATH, json=body, headers=self.headers)

    async def devices(self) -> list[dict[str, Any]]:
        answer = await self.api.get(PATH, headers=self.headers)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@pytest.fixture
def ada(api: httpx.AsyncClient, issuer: Issuer, new_id: Callable[[], int]) -> User:
    return User(api, issuer.headers(new_id()))


@pytest.fixture
def grace(api: httpx.AsyncClient, issuer: Issuer, new_id: Callable[[], int]) -> User:
    return User(api, issuer.headers(new_id()))


def device(new_id: Callable[[], int]) -> Device:
    return Device(f"https://push.example.org/{new_id()}")


async def test_the_key_is_the_one_that_pushes_are_signed_with(api: httpx.AsyncClient, environment: Environment) -> None:
    answer = await api.get("/v1/notifications/push/key")

    key = private_key_from(environment("notification-push")["PHOTOMESH_VAPID_SECRET"])
    text = base64.urlsafe_b64encode(public_bytes(key.public_key())).rstrip(b"=").decode()
    assert answer.json() == {"application_server_key": text}


async def test_a_device_is_registered_listed_and_removed(ada: User, grace: User, new_id: Callable[[], int]) -> None:
    one = device(new_id)
    answer = await ada.register(one.as_json())
    assert answer.status_code == 201, answer.text
    registered = answer.json()
    assert answer.headers["Location"] == f"{PATH}/{registered['id']}"
    assert registered["push_service"] == "push.example.org"
    assert (await ada.register(one.as_json())).json()["id"] == registered["id"]
    assert [found["id"] for found in await ada.devices()] == [registered["id"]]
    assert await grace.devices() == []

    for user in (grace, ada, ada):
        path = answer.headers["Location"]
        assert (await user.api.delete(path, headers=user.headers)).status_code == 204
        assert [found["id"] for found in await ada.devices()] == ([registered["id"]] if user is grace else [])


async def test_what_is_no_device_is_refused(ada: User, new_id: Callable[[], int]) -> None:
    right = device(new_id).as_json()
    for endpoint in ("http://push.example.org/", "https://push.example.org:6379/", "https://a@push.example.org/", "x"):
        expect_problem(await ada.register({**right, "endpoint": endpoint}), 422, "push-endpoint-refused")
    for keys in (
        {**right["keys"], "auth": "AAAA"},
        {**right["keys"], "p256dh": "AAAA"},
        {**right["keys"], "p256dh": "A" * 85},
    ):
        expect_problem(await ada.register({**right, "keys": keys}), 422, "push-keys-refused")
    assert await ada.devices() == []


async def test_the_eleventh_device_ends_the_oldest(ada: User, new_id: Callable[[], int]) -> None:
    ids = [(await ada.register(device(new_id).as_json())).json()["id"] for _ in range(11)]

    assert [found["id"] for found in await ada.devices()] == ids[:0:-1]
