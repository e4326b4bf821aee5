"""Devices hear of what happens: from the topic to a real push service, which decrypts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from photomesh_notification.preferences.domain import Preferences, QuietHours
from photomesh_notification.preferences.store import CassandraPreferences
from photomesh_notification.push.domain import Hint, StackState, shard_of
from photomesh_notification.push.metrics import PUSHES_SKIPPED
from photomesh_notification.push.wishes import end_of
from photomesh_notification.push_sender import create_app
from photomesh_notification.settings import PushSettings
from photomesh_notification.store.connection import open_redis
from photomesh_notification.store.streams import open_key
from photomesh_shared.clock import SystemClock
from tests.integration.notification.push.conftest import Platform, ids_of
from tests.support.https_receiver import Authority
from tests.support.notification.push_service import PushService
from tests.support.redis import as_administrator
from tests.support.services import client_of, settings_from
from tests.support.waiting import eventually


@pytest.fixture(scope="module", autouse=True)
async def consumer(push_environment: Mapping[str, str], authority: Authority) -> AsyncIterator[None]:
    """The consumer, once it has joined its group. It trusts the push service's authority."""
    settings = settings_from(PushSettings, push_environment)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SSL_CERT_FILE", str(authority.ca_file))
        async with client_of(create_app(settings)) as ops:

            async def is_ready() -> bool:
                return (await ops.get("/readyz")).status_code == 200

            await eventually(is_ready, within=60)
            yield


async def state_of(platform: Platform, account_id: int, stack: str) -> StackState:
    return await platform.pushes.state(account_id, stack)


async def test_a_device_is_told_in_a_message_that_only_it_can_read(platform: Platform, services: PushService) -> None:
    account_id, device = platform.new_id(), services.device()
    await platform.subscribe(account_id, device)
    group_id = await platform.happens(account_id)

    [arrived] = await services.wait_for(device)

    assert arrived.message["web_push"] == 8030
    assert arrived.notification["title"] == "New followers"
    assert arrived.notification["body"] == "Grace followed you"
    assert arrived.notification["tag"] == arrived.headers["Topic"]
    assert arrived.headers["TTL"] == "86400"
    assert arrived.headers["Urgency"] == "normal"
    assert arrived.headers["Content-Encoding"] == "aes128gcm"

    async def owed() -> Mapping[int, datetime]:
        return (await state_of(platform, account_id, group_id)).owed

    await eventually(owed, until=lambda found: found == {})


async def test_what_push_services_answer(platform: Platform, services: PushService) -> None:
    """Only 404 and 410 end a subscription; who is overloaded, silent or gone is tried again later."""
    answers: list[int | str] = [201, 404, 410, 413, 403, 400, 429, 503, "hang", "reset"]
    account_ids = {answer: platform.new_id() for answer in answers}
    devices = {answer: services.device(answer) for answer in answers}
    subscriptions = {answer: await platform.subscribe(account_ids[answer], devices[answer]) for answer in answers}
    groups = {answer: await platform.happens(account_ids[answer]) for answer in answers}

    for answer in answers:
        await services.wait_for(devices[answer], 2 if answer == 413 else 1)

    async def settled() -> dict[int | str, bool]:
        """Whether a device still has to get it."""
        states = {answer: await state_of(platform, account_ids[answer], groups[answer]) for answer in answers}
        return {answer: bool(states[answer].owed) for answer in answers}

    again = {answer: answer in (429, 503, "hang", "reset") for answer in answers}
    await eventually(settled, until=lambda found: found == again, within=40)

    left = {answer: await platform.subscriptions.of_account(account_ids[answer]) for answer in answers}
    assert {answer for answer in answers if not left[answer]} == {404, 410}
    resting = {answer for answer in answers if left[answer] and left[answer][0].quarantined_until is not None}
    assert resting == {403, 400}
    first, second = services.of(devices[413])
    assert "body" in first.notification
    assert "body" not in second.notification
    waits = (await state_of(platform, account_ids[429], groups[429])).owed[subscriptions[429].id]
    assert waits > datetime.now(UTC)


async def test_what_is_taken_back_is_not_pushed(platform: Platform, services: PushService) -> None:
    taken_back, other = platform.new_id(), platform.new_id()
    silent, told = services.device(), services.device()
    await platform.subscribe(taken_back, silent)
    await platform.subscribe(other, told)
    group_id = await platform.happens(taken_back)
    await platform.undone(taken_back, group_id)

    async def due() -> bool:
        await platform.happens(other)
        return bool(services.of(told)) and not await platform.pushes.pending(taken_back, group_id)

    await eventually(due, within=40, every=1)
    assert services.of(silent) == []


async def test_a_session_that_ended_takes_its_device_along(platform: Platform, services: PushService) -> None:
    account_id, device, ended = platform.new_id(), services.device(), services.device()
    await platform.subscribe(account_id, device)
    platform.ended_sessions.add((await platform.subscribe(account_id, ended)).session_id)
    await platform.happens(account_id)

    await services.wait_for(device)

    assert services.of(ended) == []
    assert [one.endpoint for one in await platform.subscriptions.of_account(account_id)] == [device.endpoint]


async def test_one_worker_has_a_shard(platform: Platform) -> None:
    schedule, shard = platform.schedule, 1_000_003  # no shard of a worker

    assert await schedule.claim(shard, "one")
    assert not await schedule.claim(shard, "other")
    assert await schedule.claim(shard, "one")
    await schedule.release(shard, "other")
    assert not await schedule.claim(shard, "other")
    await schedule.release(shard, "one")
    assert await schedule.claim(shard, "other")
    await schedule.release(shard, "other")


async def test_a_later_registration_is_untouched_by_what_is_said_of_an_earlier(
    platform: Platform, services: PushService
) -> None:
    account_id, device = platform.new_id(), services.device()
    earlier = await platform.subscribe(account_id, device)
    await asyncio.sleep(0.01)
    later = await platform.subscribe(account_id, device)
    assert earlier.id == later.id

    await platform.subscriptions.delete(earlier)
    await platform.subscriptions.quarantine(earlier, SystemClock().now())

    [found] = await platform.subscriptions.of_account(account_id)
    assert found == later
    await platform.subscriptions.quarantine(later, SystemClock().now())
    await platform.subscriptions.delete(later)
    assert await platform.subscriptions.of_account(account_id) == []


async def test_an_endpoint_is_the_account_s_that_registered_it_last(platform: Platform, services: PushService) -> None:
    one, other, device = platform.new_id(), platform.new_id(), services.device()
    await platform.subscribe(one, device)
    await asyncio.sleep(0.01)
    await platform.subscribe(other, device)

    assert await platform.subscriptions.of_account(one) == []
    assert len(ids_of(await platform.subscriptions.of_account(other))) == 1
    assert await platform.subscriptions.erase(one) == 1
    assert len(ids_of(await platform.subscriptions.of_account(other))) == 1


async def test_erasure_leaves_nothing(platform: Platform, services: PushService) -> None:
    account_id, device = platform.new_id(), services.device()
    await platform.subscribe(account_id, device)
    group_id = await platform.happens(account_id)
    await services.wait_for(device)

    assert await platform.subscriptions.erase(account_id) == 1
    await platform.pushes.erase(account_id)

    assert await platform.subscriptions.of_account(account_id) == []
    assert await platform.pushes.pending(account_id, group_id) == []
    assert await state_of(platform, account_id, group_id) == StackState()


async def test_quiet_hours_keep_a_push_until_they_end(platform: Platform, services: PushService) -> None:
    account_id, device, now = platform.new_id(), services.device(), datetime.now(UTC)
    hours = QuietHours((now - timedelta(hours=1)).time(), (now + timedelta(hours=3)).time(), "UTC")
    await CassandraPreferences(platform.session).store(account_id, Preferences(quiet_hours=hours))
    await platform.subscribe(account_id, device)
    group_id = await platform.happens(account_id)
    end = end_of(hours, now)

    async def waiting() -> list[Hint]:
        hints = await platform.schedule.due(shard_of(account_id), end + timedelta(minutes=1), limit=1_000)
        return [hint for hint in hints if hint.account_id == account_id]

    hints = await eventually(waiting, until=lambda found: [hint for hint in found if hint.due >= end], within=60)
    assert {hint.stack for hint in hints} == {group_id}
    assert (await state_of(platform, account_id, group_id)).pushes == 0
    assert [one.group_id for one in await platform.pushes.pending(account_id, group_id)] == [group_id]
    assert services.of(device) == []


async def skipped() -> float:
    """Stacks that were not pushed because of an open stream."""
    families = PUSHES_SKIPPED.labels("streamed").collect()
    return next(one.value for family in families for one in family.samples if one.name.endswith("_total"))


async def test_a_redis_that_lost_everything_loses_and_repeats_no_push(
    platform: Platform, services: PushService, push_environment: Mapping[str, str]
) -> None:
    """That somebody has a stream open is forgotten, so the device is told as well; nothing else is in Redis."""
    account_id, device = platform.new_id(), services.device()
    await platform.subscribe(account_id, device)
    async with open_redis(as_administrator(push_environment["PHOTOMESH_FEED_REDIS_URL"])) as redis:
        await redis.zadd(open_key(account_id), {"lease": 1})
        before = await skipped()
        await platform.happens(account_id)
        await eventually(skipped, until=lambda count: count > before, within=60)
        assert services.of(device) == []
        await redis.delete(open_key(account_id))
    group_id = await platform.happens(account_id)
    [arrived] = await services.wait_for(device)
    assert arrived.notification["body"] == "Grace followed you"

    async def owed() -> Mapping[int, datetime]:
        return (await state_of(platform, account_id, group_id)).owed

    await eventually(owed, until=lambda found: found == {})
    assert (await state_of(platform, account_id, group_id)).pushes == 1
    assert len(services.of(device)) == 1
