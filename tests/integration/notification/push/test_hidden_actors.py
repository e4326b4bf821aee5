"""A block or a mute takes back what waits to be pushed: from the like to the push service, by all programs between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import pytest

from photomesh_notification.groups.domain import Kind
from photomesh_notification.push.domain import Hint, shard_of, stack_of
from tests.integration.notification.push.conftest import PROGRAM, Platform
from tests.integration.notification.scene import COLLECTOR, WRITER, Environment, Scene, running
from tests.support.groups import forget_members
from tests.support.https_receiver import Authority
from tests.support.notification.push_service import PushService
from tests.support.services import process
from tests.support.tokens import free_port
from tests.support.waiting import eventually

MODULE = "photomesh_notification.push_sender"


@pytest.fixture
async def programs(
    environment: Environment,
    push_environment: Mapping[str, str],
    platform: Platform,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[None]:
    """Nothing is pushed before the test asks for it: the window is an hour."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    await forget_members(platform.kafka, PROGRAM)
    patient = {**push_environment, "PHOTOMESH_PUSH_WINDOW_SECONDS": "3600"}
    async with running(environment, COLLECTOR), running(environment, WRITER):
        async with process(MODULE, patient, port=free_port(), ready=False):
            yield


class Waiting:
    """What waits to be pushed to the author of a scene."""

    def __init__(self, platform: Platform, scene: Scene) -> None:
        self.platform, self.account_id = platform, scene.author
        self.stack = stack_of(Kind.LIKE, scene.likes, scene.post)

    async def becomes(self, *, something: bool) -> None:
        async def look() -> bool:
            return bool(await self.platform.pushes.pending(self.account_id, self.stack))

        await eventually(look, until=lambda found: found is something, within=90)

    async def window_ends(self) -> None:
        """Now, and a worker has looked."""
        now, shard = datetime.now(UTC).replace(microsecond=0), shard_of(self.account_id)
        await self.platform.schedule.add(Hint(now, self.account_id, self.stack))

        async def is_due() -> bool:
            due = await self.platform.schedule.due(shard, now, limit=1_000)
            return any(hint.account_id == self.account_id for hint in due)

        await eventually(is_due, until=lambda found: not found, within=90)


@pytest.mark.usefixtures("programs")
async def test_hidden_actors_are_not_pushed(scene: Scene, platform: Platform, services: PushService) -> None:
    ada, bob = scene, scene.twin()
    carl = bob.twin()
    fan, troll = scene.new_id(), scene.new_id()
    platform.names |= {fan: "Grace", troll: "Mallory"}
    waiting = {one: Waiting(platform, one) for one in (ada, bob, carl)}
    devices = {one: services.device() for one in waiting}
    for one, device in devices.items():
        await platform.subscribe(one.author, device)
    await scene.publish(ada.like(troll), bob.like(troll), carl.like(fan), carl.like(troll))
    for waits in waiting.values():
        await waits.becomes(something=True)

    await scene.publish(ada.block(ada.author, troll), bob.mute(bob.author, troll), carl.mute(carl.author, troll))

    await ada.eventually({})
    await bob.eventually({})
    await carl.eventually({carl.likes: [fan]})
    await waiting[ada].becomes(something=False)
    await waiting[bob].becomes(something=False)
    for waits in waiting.values():
        await waits.window_ends()
    [arrived] = await services.wait_for(devices[carl])
    assert arrived.notification["body"] == "Grace liked your post"
    assert services.of(devices[ada]) == []
    assert services.of(devices[bob]) == []
