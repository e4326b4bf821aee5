"""Log-in, refresh, log-out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from tests.integration.identity.api_users import PASSWORD, ApiUser, ApiUsers
from tests.integration.identity.conftest import DAY, SECOND, Serving
from tests.support.clock import MovableClock
from tests.support.problems import expect_problem
from tests.support.tokens import Issuer


@pytest.fixture
async def ada(users: ApiUsers) -> ApiUser:
    return await users.new_user()


async def test_log_in_by_username_or_address(users: ApiUsers, ada: ApiUser) -> None:
    for login in (ada.username, ada.username.upper(), ada.user["email"], ada.user["email"].title()):
        again = await users.log_in_as(login)
        assert again.user == ada.user
        assert (await again.me()).json() == ada.user


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("{name}", "another password"),
        ("{name}@example.com", "another password"),
        ("{name}@example.com", ""),
        ("nobody_has_this_name", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("", PASSWORD),
        ("a@b@c", PASSWORD),
        ("nul\0nul", PASSWORD),
        ("{name}", PASSWORD + "\0"),
    ],
)
async def test_wrong_credentials_are_indistinguishable(
    users: ApiUsers, ada: ApiUser, login: str, password: str
) -> None:
    answer = await users.log_in(login.format(name=ada.username), password)
    problem = expect_problem(answer, 401, "wrong-credentials")
    assert set(problem) == {"type", "title", "status", "code", "retryable", "request_id"}


async def test_verifies_one_password_whether_or_not_the_account_exists(serving: Serving) -> None:
    """Nearly all of the time goes into the verification."""

    async def verified(users: ApiUsers) -> float:
        metrics = (await users.api.get("/metrics")).text.splitlines()
        counts = [line for line in metrics if line.startswith("photomesh_identity_password_seconds_count")]
        return sum(float(line.split()[-1]) for line in counts if 'operation="verify"' in line)

    async with serving() as users:
        ada = await users.new_user()
        for login in (ada.username, "nobody_has_this_name", "nobody@example.com", "@", ""):
            before = await verified(users)
            expect_problem(await users.log_in(login, "another password"), 401, "wrong-credentials")
            assert await verified(users) == before + 1


async def test_a_password_in_another_unicode_form(users: ApiUsers) -> None:
    name = users.new_name()
    registration = users.registration(name, password="Mot de passe préféré")
    assert (await users.register(registration)).status_code == 201
    await users.log_in_as(name, "Mot de passe pre\u0301fe\u0301re\u0301")


async def test_a_log_in_upgrades_a_hash_with_other_parameters(
    users: ApiUsers, serving: Serving, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    ada = await users.new_user()
    async with serving(argon2_time_cost="2") as later:
        expect_problem(await later.log_in(ada.username, "another password"), 401, "wrong-credentials")
        await later.log_in_as(ada.username)
        [[stored]] = await database.fetch(
            "SELECT password_hash FROM credentials JOIN accounts ON id = account_id WHERE username = $1", ada.username
        )
        assert "m=256,t=2,p=1" in stored
        await later.log_in_as(ada.username)


async def test_each_refresh_returns_a_new_token(ada: ApiUser) -> None:
    seen = {ada.refresh_token}
    for _ in range(5):
        pair = await ada.refreshed()
        assert set(pair) == {"access_token", "refresh_token", "token_type", "expires_in"}
        assert (await ada.me()).status_code == 200
        seen.add(ada.refresh_token)
    assert len(seen) == 6


async def test_a_refresh_repeated_after_a_lost_response(ada: ApiUser) -> None:
    first = ada.refresh_token
    pairs = [await ada.refreshed(first) for _ in range(3)]
    assert len({pair["refresh_token"] for pair in pairs}) == 1
    await ada.refreshed()  # and it works


async def test_concurrent_refreshes_return_one_successor(ada: ApiUser) -> None:
    answers = await asyncio.gather(*(ada.refresh() for _ in range(12)))
    assert [answer.status_code for answer in answers] == [200] * 12
    [successor] = {answer.json()["refresh_token"] for answer in answers}
    await ada.refreshed(successor)


async def test_reuse_of_a_token_ends_the_session(users: ApiUsers, ada: ApiUser) -> None:
    other = await users.log_in_as(ada.username)
    stolen = ada.refresh_token
    await ada.refreshed()
    await ada.refreshed()  # the successor has been used, so no answer was lost
    expect_problem(await ada.refresh(stolen), 401, "refresh-token-reused")
    expect_problem(await ada.refresh(), 401, "session-ended")
    await other.refreshed()  # another log-in is another family


async def test_reuse_after_the_grace_period_ends_the_session(serving: Serving, clock: MovableClock) -> None:
    async with serving() as users:
        ada = await users.new_user()
        stolen = ada.refresh_token
        await ada.refreshed()
        clock.ahead += 9 * SECOND
        await ada.refreshed(stolen)
        clock.ahead += 2 * SECOND
        expect_problem(await ada.refresh(stolen), 401, "refresh-token-reused")
        expect_problem(await ada.refresh(), 401, "session-ended")


async def test_without_a_grace_period_repeats_are_refused(serving: Serving) -> None:
    async with serving(refresh_grace_seconds="0") as users:
        ada = await users.new_user()
        answers = await asyncio.gather(*(ada.refresh() for _ in range(6)))
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 5


async def test_a_thief_and_the_owner_cannot_both_continue(serving: Serving, clock: MovableClock) -> None:
    """The thief repeats the owner's refresh within the grace; both hold the same token from then on."""
    async with serving() as users:
        owner = await users.new_user()
        stolen = owner.refresh_token
        thief = ApiUser(users.api, owner.user, owner.tokens)
        await owner.refreshed()
        await thief.refreshed(stolen)
        await thief.refreshed()
        clock.ahead += 900 * SECOND
        expect_problem(await owner.refresh(), 401, "refresh-token-reused")
        expect_problem(await thief.refresh(), 401, "session-ended")


async def test_an_idle_session_ends(serving: Serving, clock: MovableClock) -> None:
    async with serving() as users:
        ada = await users.new_user()
        for _ in range(3):
            clock.ahead += 29 * DAY
            await ada.refreshed()
        clock.ahead += 30 * DAY
        expect_problem(await ada.refresh(), 401, "session-ended")


async def test_a_session_ends_after_its_maximum_lifetime(serving: Serving, clock: MovableClock) -> None:
    async with serving() as users:
        ada = await users.new_user()
        for _ in range(8):
            clock.ahead += 20 * DAY
            await ada.refreshed()
        clock.ahead += 20 * DAY
        expect_problem(await ada.refresh(), 401, "session-ended")


async def test_log_out_ends_one_session(users: ApiUsers, ada: ApiUser) -> None:
    elsewhere = await users.log_in_as(ada.username)
    await ada.refreshed()
    assert (await ada.log_out()).status_code == 204
    expect_problem(await ada.refresh(), 401, "session-ended")
    assert (await ada.log_out()).status_code == 204
    await elsewhere.refreshed()


async def test_a_log_in_deletes_expired_sessions(
    serving: Serving, clock: MovableClock, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with serving() as users:
        ada = await users.new_user()
        await ada.refreshed()
        clock.ahead += 31 * DAY
        await users.log_in_as(ada.username)
    counts = await database.fetchrow(
        "SELECT count(DISTINCT sessions.id), count(*) FROM accounts JOIN sessions ON account_id = accounts.id"
        " JOIN refresh_tokens ON session_id = sessions.id WHERE username = $1",
        ada.username,
    )
    assert counts is not None
    assert tuple(counts) == (1, 1)


@pytest.mark.parametrize("token", ["", "rt_", "rt_" + "A" * 43, "nonsense", "nul\0", "rt_" + "ü" * 43])
async def test_unknown_refresh_tokens(ada: ApiUser, token: str) -> None:
    answer = await ada.api.post("/v1/sessions/refresh", json={"refresh_token": token})
    expect_problem(answer, 401, "invalid-refresh-token")
    await ada.refreshed()  # and nothing else happened


@pytest.mark.parametrize("body", [{}, {"refresh_token": None}, {"refresh_token": "x" * 10_000}, []])
async def test_invalid_refresh_requests(users: ApiUsers, body: object) -> None:
    expect_problem(await users.api.post("/v1/sessions/refresh", json=body), 422, "invalid-request")


async def test_an_expired_access_token(serving: Serving, clock: MovableClock) -> None:
    async with serving() as users:
        ada = await users.new_user()
        assert (await ada.me()).status_code == 200
        clock.ahead += 899 * SECOND
        assert (await ada.me()).status_code == 200
        clock.ahead += 2 * SECOND
        expect_problem(await ada.me(), 401, "expired-token")
        await ada.refreshed()
        assert (await ada.me()).status_code == 200


async def _responses_to(users: ApiUsers, authorization: str) -> AsyncIterator[httpx.Response]:
    headers = httpx.Headers({"Authorization": authorization}, encoding="utf-8")
    yield await users.api.get("/v1/me", headers=headers)
    yield await users.api.patch("/v1/me", headers=headers, json={})
    yield await users.api.delete("/v1/sessions/current", headers=headers)


async def test_forged_tokens(users: ApiUsers, ada: ApiUser) -> None:
    forger = Issuer()
    header, payload, signature = ada.tokens["access_token"].split(".")
    flipped = signature[:10] + ("A" if signature[10] != "A" else "B") + signature[11:]
    tokens = [
        forger.token(1),
        f"{header}.{payload}.{flipped}",
        f"{header}.{payload}.",
        f"{header}.{forger.token(1).split('.')[1]}.{signature}",
        ada.refresh_token,
        "a.b.c",
        "ü",
    ]
    for token in tokens:
        async for answer in _responses_to(users, f"Bearer {token}"):
            expect_problem(answer, 401, "invalid-token")
    for authorization in ("", "Basic YTpi", "Bearer", "Bearer "):
        async for answer in _responses_to(users, authorization):
            assert answer.status_code == 401
    expect_problem(await users.api.get("/v1/me"), 401, "missing-token")


async def test_tokens_for_another_audience_or_issuer(serving: Serving, users: ApiUsers) -> None:
    async with serving(token_audience="another-api") as elsewhere:
        ada = await elsewhere.new_user()
    expect_problem(await users.api.get("/v1/me", headers=ada.headers), 401, "invalid-token")
    async with serving(token_issuer="another-mesh") as elsewhere:
        ada = await elsewhere.new_user()
    expect_problem(await users.api.get("/v1/me", headers=ada.headers), 401, "invalid-token")
