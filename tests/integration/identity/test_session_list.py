"""The list of an account's sessions, ending them, and which notices and records there are of log-ins."""

from __future__ import annotations

import asyncio
from typing import TypeAlias

import asyncpg
import httpx
import pytest

from tests.integration.identity.api_users import PASSWORD, ApiUser, ApiUsers, Body
from tests.integration.identity.conftest import DAY, SECOND, Serving
from tests.support.clock import MovableClock
from tests.support.problems import expect_problem
from tests.support.waiting import eventually

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
CURL = "curl/8.9.1"
NOWHERE = "smtp://127.0.0.1:1"  # mails stay in the queue, if it is that of no other service
Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def log_in(users: ApiUsers, user: ApiUser, agent: str = FIREFOX, address: str = "203.0.113.7") -> ApiUser:
    answer = await users.api.post(
        "/v1/sessions",
        json={"login": user.username, "password": PASSWORD},
        headers={"User-Agent": agent, "X-Forwarded-For": address},
    )
    assert answer.status_code == 201, answer.text
    body = answer.json()
    return ApiUser(users.api, body.pop("user"), body)


async def sessions_of(user: ApiUser) -> list[Body]:
    answer = await user.api.get("/v1/me/sessions", headers=user.headers)
    assert answer.status_code == 200, answer.text
    items: list[Body] = answer.json()["items"]
    return items


async def end(user: ApiUser, path: str = "") -> httpx.Response:
    return await user.api.delete(f"/v1/me/sessions{path}", headers=user.headers)


async def notices_to(database: Database, user: ApiUser) -> int:
    return int(
        await database.fetchval(
            "SELECT count(*) FROM mail_queue JOIN accounts ON accounts.id = account_id"
            " WHERE username = $1 AND template = 'new_login'",
            user.username,
        )
    )


async def test_what_is_shown_of_sessions(users: ApiUsers) -> None:
    ada = await users.new_user()
    desk = await log_in(users, ada)
    phone = await log_in(users, ada, "Photomesh/3.2 (iPhone; CPU iPhone OS 18_1)", "2001:db8:7:99::1")
    shown = await sessions_of(desk)
    assert [(each["client"], each["network"]) for each in shown[:2]] == [
        ("Photomesh on iOS", "2001:db8:7::/48"),
        ("Firefox on Windows", "203.0.113.0/24"),
    ]
    assert [each["current"] for each in shown] == [False, True, False]
    await asyncio.sleep(0.01)
    await ada.refreshed()
    assert [each["id"] for each in await sessions_of(phone)] == [shown[2]["id"], shown[0]["id"], shown[1]["id"]]


async def test_ending_one_session(users: ApiUsers) -> None:
    ada = await users.new_user()
    stolen = await log_in(users, ada)
    [theirs] = [each for each in await sessions_of(stolen) if each["current"]]
    assert (await end(ada, f"/{theirs['id']}")).status_code == 204
    expect_problem(await end(ada, f"/{theirs['id']}"), 404, "session-not-found")
    expect_problem(await stolen.refresh(), 401, "session-ended")
    # Its access token is valid for minutes, but not where it would do harm.
    assert (await stolen.me()).status_code == 200
    for answer in (await stolen.api.get("/v1/me/sessions", headers=stolen.headers), await end(stolen)):
        expect_problem(answer, 401, "session-ended")
    assert len(await sessions_of(ada)) == 1


async def test_sessions_of_others_do_not_exist(users: ApiUsers) -> None:
    ada, eve = await users.new_user(), await users.new_user()
    [theirs] = await sessions_of(ada)
    for session_id in (theirs["id"], "ss_1", "ss_zzzzzzzzzzz"):
        expect_problem(await end(eve, f"/{session_id}"), 404, "session-not-found")
    expect_problem(await end(eve, "/u_1"), 422, "invalid-request")
    await ada.refreshed()


@pytest.mark.parametrize("keep", [False, True])
async def test_logging_out_everywhere(users: ApiUsers, keep: bool) -> None:
    ada = await users.new_user()
    others = [await log_in(users, ada) for _ in range(2)]
    assert (await end(ada, "?keep_current=true" if keep else "")).status_code == 204
    for other in others:
        expect_problem(await other.refresh(), 401, "session-ended")
    if keep:
        await ada.refreshed()
        assert len(await sessions_of(ada)) == 1
    else:
        expect_problem(await ada.refresh(), 401, "session-ended")


async def test_a_log_in_beyond_the_cap_ends_the_session_that_was_used_least_recently(serving: Serving) -> None:
    async with serving(max_sessions="3") as users:
        ada = await users.new_user()
        second, third = await log_in(users, ada), await log_in(users, ada)
        await ada.refreshed()
        fourth = await log_in(users, ada)
        expect_problem(await second.refresh(), 401, "session-ended")
        for user in (ada, third, fourth):
            await user.refreshed()
        together = await asyncio.gather(*(log_in(users, ada) for _ in range(5)))
        answers = [await user.refresh() for user in (ada, third, fourth, *together)]
        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [401] * 5


async def test_who_gets_a_notice_of_a_log_in(serving: Serving, empty_database: str) -> None:
    database = await asyncpg.connect(empty_database)
    async with serving(smtp_url=NOWHERE, postgres_dsn=empty_database) as users:
        await _check_notices(users, database)
    await database.close()


async def _check_notices(users: ApiUsers, database: Database) -> None:
    answer = await users.api.post(
        "/v1/accounts",
        json=users.registration(users.new_name()),
        headers={"User-Agent": FIREFOX, "X-Forwarded-For": "203.0.113.7"},
    )
    body = answer.json()
    ada = ApiUser(users.api, body.pop("user"), body)
    await database.execute("UPDATE accounts SET email_verified_at = now()")  # others get no mails
    for address, agent, expected in [
        ("203.0.113.99", FIREFOX, 0),  # a known network and client
        ("198.51.100.1", FIREFOX, 1),
        ("198.51.100.2", FIREFOX, 1),
        ("198.51.100.2", CURL, 2),
        ("203.0.113.7", CURL, 2),
    ]:
        await log_in(users, ada, agent, address)
        assert await notices_to(database, ada) == expected


async def test_networks_are_erased_after_thirty_days_and_sessions_after_their_end(
    serving: Serving, clock: MovableClock, database: Database
) -> None:
    async with serving(refresh_idle_seconds=str(90 * 86_400)) as users:
        ada = await log_in(users, await users.new_user())
        session_id = (await sessions_of(ada))[0]["id"]

    async def stored() -> int | None:
        rows = await database.fetch(
            "SELECT network FROM sessions JOIN accounts ON accounts.id = account_id WHERE username = $1", ada.username
        )
        return sum(row["network"] is not None for row in rows) if rows else None

    assert await stored() == 2
    clock.ahead += 30 * DAY - 60 * SECOND
    async with serving():
        await asyncio.sleep(0.2)
        assert await stored() == 2
    clock.ahead += 120 * SECOND
    async with serving():
        await eventually(stored, until=lambda count: count == 0, within=10)
    clock.ahead += 91 * DAY
    async with serving():
        await eventually(stored, until=lambda count: count is None, within=10)
    assert session_id.startswith("ss_")
