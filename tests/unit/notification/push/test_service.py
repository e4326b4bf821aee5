"""Registering devices: what is refused, and how many an account has."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from photomesh_notification.errors import PushEndpointRefused, PushKeysRefused
from photomesh_notification.push.encryption import public_bytes
from photomesh_notification.push.service import PushSubscriptionService
from photomesh_shared.outbound import OutboundPolicy
from tests.support.clock import FakeClock
from tests.support.notification.memory_push import MemorySubscriptions

ADA, GRACE = 382_764_105_932_316_672, 382_764_211_093_504_000
P256DH = public_bytes(ec.generate_private_key(ec.SECP256R1()).public_key())
AUTH = os.urandom(16)


class Devices:
    def __init__(self) -> None:
        self.clock, self.store = FakeClock(), MemorySubscriptions()
        self.service = PushSubscriptionService(self.store, OutboundPolicy(), self.clock)

    async def register(self, account_id: int = ADA, endpoint: str = "https://push.example.org/1") -> int:
        await self.clock.advance(1)
        return (await self.service.register(account_id, 1, endpoint, P256DH, AUTH)).id

    async def endpoints(self, account_id: int = ADA) -> list[str]:
        return [one.endpoint for one in await self.service.subscriptions(account_id)]


async def test_an_endpoint_is_one_device_however_often_it_is_registered() -> None:
    devices = Devices()

    assert await devices.register() == await devices.register()
    assert await devices.endpoints() == ["https://push.example.org/1"]


async def test_with_an_eleventh_device_the_oldest_ends() -> None:
    devices = Devices()
    for number in range(12):
        await devices.register(endpoint=f"https://push.example.org/{number}")
    await devices.register(endpoint="https://push.example.org/2")

    assert await devices.endpoints() == [f"https://push.example.org/{number}" for number in (2, *range(11, 2, -1))]


async def test_a_device_is_the_account_s_that_registered_it_last() -> None:
    devices = Devices()
    await devices.register(ADA)
    await devices.register(GRACE)

    assert await devices.endpoints(ADA) == []
    assert await devices.endpoints(GRACE) == ["https://push.example.org/1"]


async def test_a_device_can_be_removed_by_its_account_alone() -> None:
    devices = Devices()
    id_ = await devices.register()

    await devices.service.delete(GRACE, id_)
    assert await devices.endpoints() == ["https://push.example.org/1"]
    await devices.service.delete(ADA, id_)
    await devices.service.delete(ADA, id_)
    assert await devices.endpoints() == []


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example.org/1",
        "https://push.example.org:22/",
        "https://a@push.example.org/",
        "mailto:a@example.org",
    ],
)
async def test_endpoints_that_must_not_be_called_are_refused(endpoint: str) -> None:
    with pytest.raises(PushEndpointRefused):
        await Devices().register(endpoint=endpoint)


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [(P256DH, b""), (P256DH[:-1], AUTH), (b"\x04" + bytes(64), AUTH), (b"", AUTH)],
    ids=["no secret", "a byte too few", "not on the curve", "no key"],
)
async def test_what_are_no_keys_is_refused(p256dh: bytes, auth: bytes) -> None:
    with pytest.raises(PushKeysRefused):
        await Devices().service.register(ADA, 1, "https://push.example.org/1", p256dh, auth)
