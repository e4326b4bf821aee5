"""Changing a password, and getting a new one by mail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

import asyncpg
import httpx

from photomesh_shared import ids
from tests.integration.identity.api_users import PASSWORD, ApiUser, ApiUsers
from tests.integration.identity.conftest import Serving
from tests.integration.identity.test_second_factors import complete, enable, ticket_for
from tests.support.clock import MovableClock
from tests.support.mail_server import Inbox, token_in
from tests.support.problems import expect_problem
from tests.support.waiting import eventually

NEW = "a new and long password"
RESET, CHANGED = "A new password", "was changed"


async def _change(user: ApiUser, password: str = PASSWORD, new: str = NEW) -> int:
    answer = await user.put("/v1/me/password", password=password, new_password=new)
    return answer.status_code


async def _ask(users: ApiUsers, login: str) -> int:
    return (await users.api.post("/v1/password-resets", json={"login": login})).status_code


async def _redeem(users: ApiUsers, token: str, password: str = NEW) -> int:
    answer = await users.api.post("/v1/password-resets/redeem", json={"token": token, "password": password})
    return answer.status_code


async def _verified(users: ApiUsers, inbox: Inbox) -> ApiUser:
    user = await users.new_user()
    token = token_in(await inbox.arrived(user.user["email"]))
    answer = await users.api.post("/v1/email-verifications/redeem", json={"token": token})
    assert answer.status_code == 204, answer.text
    return user


async def test_a_changed_password_ends_all_other_sessions(users: ApiUsers, inbox: Inbox) -> None:
    ada = await _verified(users, inbox)
    elsewhere = await users.log_in_as(ada.username)
    assert await _change(ada) == 204
    await ada.refreshed()
    expect_problem(await elsewhere.refresh(), 401, "session-ended")
    expect_problem(await users.log_in(ada.username), 401, "wrong-credentials")
    await users.log_in_as(ada.username, NEW)
    await inbox.arrived(ada.user["email"], CHANGED)


async def test_a_change_needs_the_password(users: ApiUsers) -> None:
    ada = await users.new_user()
    answer = await ada.put("/v1/me/password", password="another password", new_password=NEW)
    expect_problem(answer, 403, "wrong-password", "/password")
    answer = await ada.put("/v1/me/password", password=PASSWORD, new_password=f"I am {ada.username}")
    expect_problem(answer, 422, "invalid-request", "/new_password")
    answer = await ada.put("/v1/me/password", password=PASSWORD, new_password="1234567890")
    expect_problem(answer, 422, "invalid-request", "/new_password")
    await users.log_in_as(ada.username)


async def test_guesses_by_a_session_are_bounded(serving: Serving, clock: MovableClock) -> None:
    async with serving() as users:
        ada = await users.new_user()
        for _ in range(10):
            assert await _change(ada, "not the password") == 403
        answer = await ada.put("/v1/me/password", password=PASSWORD, new_password=NEW)
        expect_problem(answer, 429, "too-many-tries")
        assert 0 < int(answer.headers["retry-after"]) <= 900
        await users.log_in_as(ada.username)  # the owner's log-in is not locked
        clock.ahead += timedelta(minutes=15)
        await ada.refreshed()
        assert await _change(ada) == 204


async def test_a_lost_password_is_replaced_by_mail(users: ApiUsers, inbox: Inbox) -> None:
    ada = await _verified(users, inbox)
    assert await _ask(users, ada.user["email"].upper()) == 204
    first = token_in(await inbox.arrived(ada.user["email"], RESET))
    assert await _ask(users, ada.username) == 204
    second = token_in(await inbox.arrived(ada.user["email"], RESET, number=2))
    answer = await users.api.post(
        "/v1/password-resets/redeem", json={"token": second, "password": f"{ada.username} for ever"}
    )
    expect_problem(answer, 422, "invalid-request", "/password")
    assert await _redeem(users, second) == 204
    expect_problem(await ada.refresh(), 401, "session-ended")
    expect_problem(await users.log_in(ada.username), 401, "wrong-credentials")
    await users.log_in_as(ada.username, NEW)
    assert await _redeem(users, second) == 410, "a token is for one use"
    assert await _redeem(users, first) == 410, "and a new password ends the others"
    assert await _redeem(users, "x" * 43) == 410
    await inbox.arrived(ada.user["email"], CHANGED)


async def test_the_answer_does_not_tell_whether_there_is_an_account(users: ApiUsers, inbox: Inbox) -> None:
    ada = await _verified(users, inbox)
    logins = [
        ada.username,
        ada.user["email"],
        users.new_name(),
        f"{users.new_name()}@example.com",
        "not / a @ login",
        "nul\0nul",
    ]
    for login in logins:
        answers = [await users.api.post("/v1/password-resets", json={"login": login}) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [204] * 5 + [429]
        assert {answer.content for answer in answers[:5]} == {b""}
        assert len({tuple(sorted(set(answer.headers) - {"x-request-id"})) for answer in answers[:5]}) == 1


async def test_a_token_is_valid_for_less_than_an_hour(serving: Serving, clock: MovableClock, inbox: Inbox) -> None:
    async with serving() as users:
        ada = await _verified(users, inbox)
        await _ask(users, ada.username)
        token = token_in(await inbox.arrived(ada.user["email"], RESET))
        clock.ahead += timedelta(minutes=45)
        assert await _redeem(users, token) == 410


async def test_a_pending_address_is_forgotten_with_the_old_password(users: ApiUsers, inbox: Inbox) -> None:
    ada = await _verified(users, inbox)
    new = f"{users.new_name()}@example.com"
    assert (await ada.put("/v1/me/email", email=new, password=PASSWORD)).status_code == 202
    token = token_in(await inbox.arrived(new))
    assert await _change(ada) == 204
    answer = await users.api.post("/v1/email-verifications/redeem", json={"token": token})
    expect_problem(answer, 410, "link-not-valid")


async def test_who_only_states_an_address_gets_no_mail_there(users: ApiUsers, inbox: Inbox) -> None:
    owner = await _verified(users, inbox)
    squatter = await users.new_user(email=owner.user["email"])
    assert await _ask(users, squatter.username) == 204
    assert await _ask(users, owner.user["email"]) == 204
    mail = await inbox.arrived(owner.user["email"], RESET)
    assert f"Hello {owner.username}," in mail.get_content()
    assert len(inbox.to(owner.user["email"], RESET)) == 1


async def test_tokens_are_stored_as_hashes(
    users: ApiUsers, inbox: Inbox, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    ada = await _verified(users, inbox)
    await _ask(users, ada.username)
    token = token_in(await inbox.arrived(ada.user["email"], RESET))
    rows = await database.fetch("SELECT * FROM password_resets")
    assert rows
    assert token not in str(rows)


async def _changed_during(
    database: asyncpg.Connection[asyncpg.Record], user: ApiUser, request: Awaitable[httpx.Response]
) -> httpx.Response:
    """The response to a request that has verified the old password when a new one is stored: the account's row is
    locked until then."""
    account_id = ids.decode("u", user.id)
    async with database.transaction():
        await database.execute("SELECT FROM accounts WHERE id = $1 FOR UPDATE", account_id)
        sent = asyncio.ensure_future(request)
        own = await database.fetchval("SELECT pg_backend_pid()")
        blocked = "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))"
        await eventually(lambda: database.fetchval(blocked, own), within=20)
        await database.execute(
            "UPDATE credentials SET password_hash = 'new', password_version = password_version + 1"
            " WHERE account_id = $1",
            account_id,
        )
        await database.execute("DELETE FROM personal_tokens WHERE account_id = $1", account_id)
        await database.execute("UPDATE sessions SET revoked_at = now() WHERE account_id = $1", account_id)
    return await sent


async def test_a_log_in_with_the_old_password_does_not_outlive_its_change(
    users: ApiUsers, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    ada = await users.new_user()
    expect_problem(await _changed_during(database, ada, users.log_in(ada.username)), 401, "wrong-credentials")


async def test_both_steps_of_a_log_in_notice_a_new_password(
    serving: Serving, clock: MovableClock, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with serving() as users:
        ada, bob = await users.new_user(), await users.new_user()
        app, _ = await enable(ada, clock)
        await enable(bob, clock)
        ticket = await ticket_for(users, ada)
        code = app.next_code()
        answer = await _changed_during(database, ada, complete(users, ticket, code))
        expect_problem(answer, 401, "wrong-credentials")
        expect_problem(await _changed_during(database, bob, users.log_in(bob.username)), 401, "wrong-credentials")


async def test_personal_access_tokens_end_with_the_password(
    users: ApiUsers, database: asyncpg.Connection[asyncpg.Record], inbox: Inbox
) -> None:
    ada, bob, eve = await _verified(users, inbox), await users.new_user(), await users.new_user()
    for user in (ada, bob):
        assert (await _make_token(user)).status_code == 201
    assert await _change(bob) == 204
    assert await _ask(users, ada.username) == 204
    assert await _redeem(users, token_in(await inbox.arrived(ada.user["email"], RESET))) == 204
    ada, bob = await users.log_in_as(ada.username, NEW), await users.log_in_as(bob.username, NEW)
    for user in (ada, bob):
        assert (await user.api.get("/v1/me/tokens", headers=user.headers)).json() == {"items": []}
    # One that is being made with the old password at that moment.
    expect_problem(await _changed_during(database, eve, _make_token(eve)), 401, "session-ended")


async def _make_token(user: ApiUser) -> httpx.Response:
    body = {"name": "Backup", "scopes": ["posts:read"], "password": PASSWORD}
    return await user.api.post("/v1/me/tokens", json=body, headers=user.headers)
