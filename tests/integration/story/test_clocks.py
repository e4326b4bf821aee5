"""Pods whose clocks are wrong: a story ends when Redis says so, for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from photomesh_shared.clock import SystemClock
from photomesh_shared.events.versions import version_at
from photomesh_shared.ids import decode
from photomesh_story import wiring
from photomesh_story.app import create_app
from photomesh_story.settings import Settings
from photomesh_story.stories.domain import moment_of
from tests.integration.story.people import People
from tests.support.services import client_of, settings_from
from tests.support.story.memory import MemoryBytes
from tests.support.tokens import Issuer
from tests.support.waiting import eventually


class EarlyTokens(Issuer):
    """Issues tokens ten minutes ago, for pods that are behind: they check them by their own clocks."""

    def headers(self, account_id: int, **claims: Any) -> dict[str, str]:
        issued_at = int(datetime.now(UTC).timestamp()) - 600
        return super().headers(account_id, iat=issued_at, **claims)


class WrongClock(SystemClock):
    """Wrong by a span."""

    def __init__(self, skew: timedelta) -> None:
        self._skew = skew

    def now(self) -> datetime:
        return super().now() + self._skew


async def _ms(redis: Redis) -> int:
    seconds, microseconds = await redis.time()
    return int(seconds * 1000 + microseconds // 1000)


@pytest.mark.parametrize("skew", [timedelta(minutes=-5), timedelta(minutes=5)])
async def test_no_pod_shows_a_story_after_its_end_or_hides_it_before(
    people: People,
    environment: Mapping[str, str],
    post_url: str,
    objects: MemoryBytes,
    redis: Redis,
    administrator: Redis,
    monkeypatch: pytest.MonkeyPatch,
    skew: timedelta,
) -> None:
    monkeypatch.setattr(wiring, "StoryBytes", lambda *_, **__: objects)
    settings = settings_from(Settings, environment, post_url=post_url, photo_wait_seconds="0")
    async with client_of(create_app(settings, WrongClock(skew))) as pod:
        early = EarlyTokens(people.issuer.key)
        early.jwks_url = people.issuer.jwks_url
        away = replace(people, api=pod, issuer=early)
        away.ada, away.grace = people.ada, people.grace
        ada, grace = people.ada, people.grace
        await people.follow(grace, ada)
        story = await away.publish(ada)
        story_id = decode("st", story["id"])
        began = datetime.fromisoformat(story["published_at"])
        assert abs(began - moment_of(await _ms(redis))) < timedelta(minutes=3), "by the clock of Redis"
        stored = await people.tables.story(story_id)
        assert stored is not None
        end = await _ms(redis) + 4_000
        ends = stored.story.model_copy(update={"expires_at": moment_of(end)})
        await people.tables.published(ends, version_at(datetime.now(UTC)))
        await administrator.zadd(f"st:a:{ada}", {str(story_id): end})
        await administrator.zadd("st:on", {str(ada): end})

        async def shown() -> tuple[int, list[bool], int]:
            """The time before and after, and whether the story was in each answer between."""
            before = await _ms(redis)
            tray = [one[0] for one in await away.tray(grace)] == [ada]
            listed = await away.stories(grace, ada) == [story["id"]]
            seen: httpx.Response = await away.call(grace, "PUT", f"/v1/stories/{story['id']}/seen")
            return before, [tray, listed, seen.status_code == 204], await _ms(redis)

        async def looked() -> int:
            before, answers, after = await shown()
            if after < end:
                assert answers == [True] * 3
            if before >= end:
                assert answers == [False] * 3
            return before

        await eventually(looked, until=lambda before: before >= end, within=120)
