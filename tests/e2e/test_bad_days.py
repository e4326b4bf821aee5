"""The mesh on bad days: nothing is lost, nothing is doubled. Random ones are in `test_faults`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import photomesh_local as local
from demo.client import Account, Platform
from photomesh_local.lifecycle.liveness import Watch, watch
from photomesh_post.settings import Settings as PostSettings
from photomesh_shared import ids
from photomesh_shared.stores.cassandra import open_session
from tests.conftest import Environment
from tests.support.kafka import Topics
from tests.support.servers import Servers
from tests.support.services import settings_from
from tests.support.waiting import eventually

EachEndedOnce = Callable[[Account, list[str]], Awaitable[None]]
TERMINAL = ("photo_ready", "photo_rejected", "photo_failed")


async def _terminal_events(topics: Topics) -> Counter[str]:
    """Photo → how many different terminal events it has; the same event published twice counts once."""
    seen = {
        (record.header("ce_subject"), record.header("ce_id"))
        for topic in TERMINAL
        for record in await topics.records(topic)
    }
    return Counter(str(subject) for subject, _ in seen)


async def _photo_rows(environment: Environment, photo_ids: list[str]) -> int:
    settings = settings_from(PostSettings, environment("post"))
    async with open_session(settings) as session:
        found = [
            await session.execute("SELECT photo_id FROM photos WHERE photo_id = ?", ids.decode("p", photo_id))
            for photo_id in photo_ids
        ]
    return sum(len(rows) for rows in found)


async def _all_ready(platform: Platform, account: Account, photo_ids: list[str], within: float) -> None:
    for photo_id in photo_ids:
        await platform.wait_until_ready(account, photo_id, within=within)


async def _upload_many(platform: Platform, account: Account, file: Path, count: int) -> list[str]:
    gate = asyncio.Semaphore(3)

    async def one() -> str:
        async with gate:
            return await platform.upload(account, file, lambda done: None)

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def _while_uploading(
    platform: Platform, account: Account, file: Path, count: int, trouble: Callable[[], Any]
) -> list[str]:
    uploads = asyncio.create_task(_upload_many(platform, account, file, count))
    await asyncio.to_thread(trouble)
    return await uploads


@pytest.fixture
def each_ended_once(platform: Platform, topics: Topics, service_environment: Environment) -> EachEndedOnce:
    """Asserts that these photos become ready, with one terminal event and one row each."""

    async def check(account: Account, photo_ids: list[str]) -> None:
        await _all_ready(platform, account, photo_ids, within=120)
        assert len(set(photo_ids)) == len(photo_ids)
        terminal = await _terminal_events(topics)
        assert {photo_id: terminal[photo_id] for photo_id in photo_ids} == dict.fromkeys(photo_ids, 1)
        assert await _photo_rows(service_environment, photo_ids) == len(photo_ids)

    return check


async def test_kafka_restarts_while_photos_arrive(
    platform: Platform, ada: Account, photo_files: dict[str, Path], servers: Servers, each_ended_once: EachEndedOnce
) -> None:
    photo_ids = await _while_uploading(platform, ada, photo_files["jpg"], 12, lambda: servers.restart("kafka"))
    await each_ended_once(ada, photo_ids)


async def test_cassandra_is_down_for_half_a_minute(
    platform: Platform, ada: Account, photo_files: dict[str, Path], servers: Servers, each_ended_once: EachEndedOnce
) -> None:
    await asyncio.to_thread(servers.stop, "cassandra")
    try:
        uploaded = await _upload_many(platform, ada, photo_files["jpg"], 6)
        await asyncio.sleep(30)
    finally:
        await asyncio.to_thread(servers.start, "cassandra")
    await each_ended_once(ada, uploaded)


async def test_a_program_that_hangs_is_killed_and_comes_back(platform: Platform) -> None:
    """In the time of the test; `make up` runs the same watch, as slow as a liveness probe."""
    feed = Watch()
    watching = asyncio.create_task(watch(local.Stack("test"), {"feed": feed}, every=0.3, patience=2))
    try:

        async def seen_healthy() -> bool:
            return feed.seen_healthy

        assert await eventually(seen_healthy)
        hung = local.pid("test", "feed")
        await asyncio.to_thread(local.pause, "test", "feed")

        async def replaced() -> bool:
            with suppress(ProcessLookupError):  # for a moment there is none
                return local.pid("test", "feed") != hung
            return False

        assert await eventually(replaced, within=60)
        await asyncio.to_thread(local.ready, "test", "feed")
    finally:
        watching.cancel()


async def test_every_event_is_delivered_twice(
    platform: Platform, ada: Account, photo_files: dict[str, Path], topics: Topics, each_ended_once: EachEndedOnce
) -> None:
    photo_ids = await _upload_many(platform, ada, photo_files["jpg"], 4)
    await _all_ready(platform, ada, photo_ids, within=60)
    post = await platform.publish(ada, photo_ids[:3], "Once is enough")
    gone = await platform.publish(ada, photo_ids[3:], "This one goes")
    await platform.call("DELETE", f"/v1/posts/{gone['id']}", ada)

    async def state() -> dict[str, Any]:
        found = {photo_id: await platform.call("GET", f"/v1/photos/{photo_id}", ada) for photo_id in photo_ids[:3]}
        found["post"] = await platform.call("GET", f"/v1/posts/{post['id']}", ada)
        found["posts"] = await platform.call("GET", f"/v1/users/{ada.id}/posts", ada)
        found["profile"] = await platform.call("GET", f"/v1/users/{ada.id}")
        return found

    await eventually(state, until=lambda found: found["post"]["status"] == "published")
    before = await state()
    for topic in ("accounts", "photos_uploaded", *TERMINAL, "posts"):
        await topics.send([record for record in await topics.records(topic) if record.partition_key == ada.id.encode()])
    for group in ("media-worker", "post"):
        await topics.caught_up(group)

    assert await state() == before
    await each_ended_once(ada, photo_ids[:3])
    with pytest.raises(Exception, match="404"):
        await platform.call("GET", f"/v1/photos/{photo_ids[3]}", ada)
