"""Changing a username."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import asyncpg

from tests.integration.identity.api_users import ApiUser, ApiUsers
from tests.integration.identity.conftest import Serving
from tests.support.clock import MovableClock
from tests.support.problems import expect_problem


async def _rename(user: ApiUser, name: str) -> int:
    return (await user.put("/v1/me/username", username=name)).status_code


async def _found(users: ApiUsers, name: str) -> str | None:
    answer = await users.api.get(f"/v1/users/by-username/{name}")
    return answer.json()["id"] if answer.status_code == 200 else None


async def test_an_account_is_found_by_its_new_name_only(users: ApiUsers) -> None:
    ada, new = await users.new_user(), users.new_name()
    before = await ada.me()
    answer = await ada.put("/v1/me/username", username=new.upper())
    assert answer.status_code == 200
    assert answer.json()["username"] == new
    assert (await ada.me()).headers["etag"] != before.headers["etag"]
    assert (await _found(users, new), await _found(users, ada.username)) == (ada.id, None)
    assert (await users.log_in_as(new)).id == ada.id
    expect_problem(await users.log_in(ada.username), 401, "wrong-credentials")


async def test_the_event_has_the_new_name(users: ApiUsers, database: asyncpg.Connection[asyncpg.Record]) -> None:
    ada, new = await users.new_user(), users.new_name()
    assert await _rename(ada, new) == 200
    payload = await database.fetchval(
        "SELECT payload FROM outbox WHERE type = 'photomesh.account.updated.v1' AND key = $1 ORDER BY id DESC LIMIT 1",
        ada.id.encode(),
    )
    assert f'"username":"{new}"'.encode() in payload


async def test_an_old_name_is_held_for_its_owner(serving: Serving, clock: MovableClock) -> None:
    async with serving() as users:
        ada, eve = await users.new_user(), await users.new_user()
        old = ada.username
        assert await _rename(ada, users.new_name()) == 200
        expect_problem(await eve.put("/v1/me/username", username=old), 409, "username-taken", "/username")
        taken = users.registration(old, email=f"{users.new_name()}@example.com")
        expect_problem(await users.register(taken), 409, "username-taken", "/username")
        assert await _rename(ada, old) == 200
        assert await _rename(ada, users.new_name()) == 200
        clock.ahead += timedelta(days=30)
        assert (await users.register(taken)).status_code == 201


async def test_names_change_three_times_a_month(serving: Serving, clock: MovableClock) -> None:
    async with serving() as users:
        ada, taken = await users.new_user(), await users.new_user()
        for _ in range(5):
            assert await _rename(ada, taken.username) == 409  # costs nothing
        names = [users.new_name() for _ in range(4)]
        assert [await _rename(ada, name) for name in names] == [200, 200, 200, 429]
        assert await _rename(ada, names[2]) == 200, "it is the name already"
        clock.ahead += timedelta(days=30)
        ada = await users.log_in_as(names[2])
        assert await _rename(ada, names[3]) == 200


async def test_of_many_who_want_a_name_one_gets_it(users: ApiUsers) -> None:
    accounts = [await users.new_user() for _ in range(6)]
    name = users.new_name()
    answers = await asyncio.gather(*(_rename(account, name) for account in accounts))
    assert Counter(answers) == {200: 1, 409: 5}


async def test_held_names_are_stored_as_hashes(users: ApiUsers, database: asyncpg.Connection[asyncpg.Record]) -> None:
    ada = await users.new_user()
    assert await _rename(ada, users.new_name()) == 200
    rows = str(await database.fetch("SELECT x::text FROM held_usernames x"))
    assert rows
    assert ada.username not in rows
    assert ada.username.encode().hex() not in rows
