"""Senders that are killed, at each step and in the middle of requests: at least once, with equal ids, in order."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Mapping

import pytest

from photomesh_shared import ids
from photomesh_webhook.sender import GROUP
from tests.integration.webhook.delivery.conftest import Platform
from tests.support.groups import forget_members
from tests.support.https_receiver import Authority
from tests.support.services import process
from tests.support.tokens import free_port
from tests.support.waiting import eventually
from tests.support.webhook.receiver import WebhookReceiver

MODULE = "photomesh_webhook.sender"
KILLS = int(os.environ.get("WEBHOOK_KILLS", "10"))
"""The whole exercise has 200; on every run, some."""


@pytest.fixture(autouse=True)
def _trusting(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))


@pytest.mark.parametrize(
    ("failpoint", "requests"),
    [
        ("webhook.after_match", 1),
        ("runner.before_commit", 1),
        ("webhook.after_answer", 2),
        ("webhook.after_settle", 1),
    ],
)
async def test_a_sender_is_killed(
    platform: Platform,
    receiver: WebhookReceiver,
    sender_environment: Mapping[str, str],
    failpoint: str,
    requests: int,
) -> None:
    hook, ada = receiver.hook(), platform.new_id()
    endpoint = await platform.endpoint(hook, account_id=ada)
    async with process(MODULE, sender_environment, port=free_port(), failpoints=f"{failpoint}=kill") as victim:
        envelope = await platform.photo_ready(ada)
        assert await victim.ended(within=60) == -9
    await forget_members(platform.kafka, GROUP)
    await release_leases(platform)

    async with process(MODULE, sender_environment, port=free_port()):
        await platform.settled(endpoint, ["delivered"])

    assert {one.id for one in hook.arrived} == {envelope.id}
    # Committing may come before or after the request.
    assert len(hook.arrived) in ({1, 2} if failpoint == "runner.before_commit" else {requests})


async def test_a_sender_is_killed_while_an_endpoint_catches_up(
    platform: Platform, receiver: WebhookReceiver, sender_environment: Mapping[str, str]
) -> None:
    hook, ada, photo_id = receiver.hook(), platform.new_id(), platform.new_id()
    endpoint = await platform.endpoint(hook, account_id=ada)
    await disable(platform, endpoint)
    async with process(MODULE, sender_environment, port=free_port(), failpoints="webhook.after_chunk=kill") as victim:
        sent = [await platform.photo_ready(ada, photo_id) for _ in range(30)]
        await platform.behind(endpoint, expected=True)
        await enable(platform, endpoint)
        assert await victim.ended(within=60) == -9
    await forget_members(platform.kafka, GROUP)
    await release_leases(platform)

    async with process(MODULE, sender_environment, port=free_port()):
        await hook.wait_for(30)
        await platform.behind(endpoint, expected=False)

    assert hook.ids_of(ids.encode("p", photo_id)) == [one.id for one in sent]


async def test_killed_many_times_in_the_middle_of_requests(
    platform: Platform, receiver: WebhookReceiver, sender_environment: Mapping[str, str]
) -> None:
    """`WEBHOOK_KILLS=200` for the whole exercise."""
    hook, ada = receiver.hook(), platform.new_id()
    endpoint = await platform.endpoint(hook, account_id=ada)
    randomness = random.Random(7)
    sent: dict[str, list[str]] = {}
    photos = [platform.new_id() for _ in range(4)]
    for number in range(KILLS):
        for photo_id in photos:
            envelope = await platform.photo_ready(ada, photo_id)
            sent.setdefault(envelope.data.subject(), []).append(envelope.id)
        before = len(hook.arrived)
        hook.usual = "hang" if number % 2 else 204
        async with process(MODULE, sender_environment, port=free_port()) as victim:

            async def requested(before: int = before) -> bool:
                return len(hook.arrived) > before

            await eventually(requested, within=60)
            await asyncio.sleep(randomness.uniform(0, 0.05))  # wherever it then is
            victim.kill()
            assert await victim.ended() == -9
        await forget_members(platform.kafka, GROUP)
        await release_leases(platform)
    hook.usual = 204

    async with process(MODULE, sender_environment, port=free_port()):
        await hook.wait_for(KILLS * len(photos), within=120)
        await platform.settled(endpoint, ["delivered"] * (KILLS * len(photos)), within=120)

    for subject, expected in sent.items():
        assert hook.ids_of(subject) == expected


async def release_leases(platform: Platform) -> None:
    """As if the half minute had passed for which a killed sender keeps them."""
    await platform.pool.execute("UPDATE endpoints SET lease_until = now() WHERE lease_until IS NOT NULL")


async def disable(platform: Platform, endpoint_id: int) -> None:
    await platform.pool.execute(
        "UPDATE endpoints SET state = 'disabled', disabled_reason = 'owner' WHERE id = $1", endpoint_id
    )


async def enable(platform: Platform, endpoint_id: int) -> None:
    await platform.pool.execute(
        "UPDATE endpoints SET state = 'enabled', disabled_reason = NULL, due_at = now() WHERE id = $1", endpoint_id
    )
