"""The API: one export at a time, one in a day, links for minutes, and nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import httpx
import pytest

from photomesh_shared.clock import SystemClock
from photomesh_shared.errors import Unavailable
from tests.integration.export.conftest import Person, Sources, Working
from tests.support.clock import FakeClock
from tests.support.problems import expect_problem

Serving = Callable[..., AbstractAsyncContextManager[Callable[[], Person]]]


def clock_ahead() -> FakeClock:
    """A clock that stands still, a minute ahead: tokens that are signed while a service starts are valid by it."""
    return FakeClock(SystemClock().now() + timedelta(minutes=1))


async def test_one_runs_at_a_time_and_the_next_begins_after_a_day(serving: Serving, working: Working) -> None:
    clock = clock_ahead()
    async with serving(clock) as new_person, working(clock) as deps:
        ada = new_person()
        first = await ada.begin()
        second = await ada.begin()
        assert (first.status_code, second.status_code) == (202, 202)
        assert first.json() == second.json()
        assert first.headers["location"] == "/v1/me/export"
        await deps.worker.run_next()
        assert not await deps.worker.run_next(), "it was one export"
        refused = await ada.begin()
        assert refused.status_code == 429
        assert 86_000 < int(refused.headers["retry-after"]) <= 86_401
        await clock.advance(86_401)
        assert (await ada.begin()).json()["state"] == "queued"


async def test_an_account_begins_few_in_a_day(serving: Serving) -> None:
    clock = clock_ahead()
    async with serving(clock) as new_person:
        ada = new_person()
        for _ in range(3):
            assert (await ada.begin()).status_code == 202
            await ada.cancel()
            await clock.advance(60)
        assert (await ada.begin()).status_code == 429
        await clock.advance(86_400)
        assert (await ada.begin()).status_code == 202


async def test_each_read_signs_new_links(ada: Person, working: Working) -> None:
    await ada.begin()
    async with working() as deps:
        await deps.worker.run_next()
    [part] = (await ada.look())["parts"]
    response = await ada.api.get("/v1/me/export", headers=ada.headers)
    assert response.headers["cache-control"] == "private, no-store"
    async with httpx.AsyncClient() as client:
        assert (await client.get(part["url"])).status_code == 200
        unsigned = httpx.URL(part["url"]).copy_with(query=None)
        assert (await client.get(unsigned)).status_code == 403
        assert (await client.get(part["url"].replace("0001-", "0002-"))).status_code == 403
        assert (await client.put(part["url"], content=b"another")).status_code == 403
        listing = unsigned.copy_with(path="/exports/", query=b"prefix=u_")
        assert (await client.get(listing)).status_code == 403


async def test_nobody_sees_anothers(ada: Person, grace: Person) -> None:
    await ada.begin()
    response = await grace.api.get("/v1/me/export", headers=grace.headers)
    assert response.status_code == 404
    assert response.json()["type"].endswith("/export-not-found")
    await grace.cancel()
    assert (await ada.look())["state"] == "queued"
    assert (await ada.api.get("/v1/me/export")).status_code == 401


async def test_only_the_owner_begins_one(ada: Person, sources: Sources) -> None:
    expect_problem(await ada.begin(password="a guess"), 403, "wrong-password", "/password")
    for refusal, status in (
        ({"refused": "session-ended"}, 401),
        ({"refused": "code-required"}, 403),
        ({"refused": "wrong-code"}, 403),
        ({"refused": "too-many-tries", "retry_after": 77}, 429),
        ({"refused": "too-many-attempts", "retry_after": 77, "counted_by": "account"}, 429),
    ):
        sources.refusal = refusal
        answer = await ada.begin()
        problem = expect_problem(answer, status, str(refusal["refused"]))
        assert answer.headers.get("retry-after") == (str(refusal["retry_after"]) if status == 429 else None)
        assert problem.get("counted_by") == refusal.get("counted_by")
    sources.refusal, sources.down = {}, True
    expect_problem(await ada.begin(), 503, "service-unavailable")
    sources.down = False
    assert (await ada.api.get("/v1/me/export", headers=ada.headers)).status_code == 404, "nothing was begun"
    assert (await ada.begin()).status_code == 202


async def test_the_owner_gets_mails(serving: Serving, working: Working, sources: Sources) -> None:
    clock = clock_ahead()
    async with serving(clock) as new_person, working(clock) as deps:
        ada, grace = new_person(), new_person()
        for person in (ada, grace):
            assert (await person.begin()).status_code == 202
        await grace.cancel()
        sources.down = True
        with pytest.raises(Unavailable):
            await deps.notices.send_due()
        sources.down = False
        await deps.notices.send_due()
        await clock.advance(61)
        await deps.notices.send_due()
        assert sorted(sources.notices) == sorted((one.wire_id, "requested") for one in (ada, grace)), (
            "also a cancelled one"
        )
        await deps.worker.run_next()
        for _ in range(2):
            await deps.notices.send_due()
        assert sources.notices[2:] == [(ada.wire_id, "ready")]
