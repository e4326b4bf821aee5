"""Senders that are killed: nothing is lost, and what is sent again has the same Topic."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.integration.notification.push.conftest import PROGRAM, Platform
from tests.support.groups import forget_members
from tests.support.https_receiver import Authority
from tests.support.notification.push_service import PushService
from tests.support.services import process
from tests.support.tokens import free_port
from tests.support.waiting import eventually

MODULE = "photomesh_notification.push_sender"


@pytest.mark.parametrize(("failpoint", "requests"), [("push.after_begin", 1), ("push.after_send", 2)])
async def test_a_sender_is_killed(
    platform: Platform,
    services: PushService,
    push_environment: Mapping[str, str],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    failpoint: str,
    requests: int,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    account_id, device = platform.new_id(), services.device()
    await platform.subscribe(account_id, device)
    async with process(MODULE, push_environment, port=free_port(), failpoints=f"{failpoint}=kill") as victim:
        group_id = await platform.happens(account_id)
        assert await victim.ended(within=60) == -9
    await forget_members(platform.kafka, PROGRAM)

    async with process(MODULE, push_environment, port=free_port()):
        arrived = await services.wait_for(device, requests, within=90)

        async def owed() -> bool:
            return bool((await platform.pushes.state(account_id, group_id)).owed)

        await eventually(owed, until=lambda found: not found)

    assert len({one.headers["Topic"] for one in arrived}) == 1
    assert len(services.of(device)) == requests
