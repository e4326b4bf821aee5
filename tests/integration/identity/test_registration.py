"""Registration of accounts."""

from __future__ import annotations

import asyncio
from collections import Counter

import asyncpg
import pytest

from tests.integration.identity.api_users import PASSWORD, ApiUsers
from tests.integration.identity.conftest import Serving
from tests.support.problems import expect_problem


async def test_registration_logs_in(users: ApiUsers) -> None:
    name = users.new_name()
    answer = await users.register(users.registration(name.upper(), email=f"{name}@EXAMPLE.com"))
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 900
    user = body["user"]
    assert answer.headers["location"] == f"/v1/users/{user['id']}"
    assert user["created_at"].endswith("Z")
    assert user | {"id": "", "created_at": ""} == {
        "id": "",
        "username": name,
        "email": f"{name}@example.com",
        "email_verified": False,
        "age": None,
        "searchable": True,
        "display_name": name,
        "bio": "",
        "private": False,
        "avatar_url": None,
        "avatar_large_url": None,
        "created_at": "",
    }
    me = await users.api.get("/v1/me", headers={"Authorization": f"Bearer {body['access_token']}"})
    assert me.json() == user


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"username": "ab"}, "/username"),
        ({"username": "a" * 31}, "/username"),
        ({"username": "a..b"}, "/username"),
        ({"username": ".ab"}, "/username"),
        ({"username": "ab."}, "/username"),
        ({"username": "a b c"}, "/username"),
        ({"username": "zoë"}, "/username"),
        ({"username": "Admin"}, "/username"),
        ({"username": "nul\0nul"}, "/username"),
        ({"username": None}, "/username"),
        ({"username": 12345}, "/username"),
        ({"email": "nobody"}, "/email"),
        ({"email": "no body@example.com"}, "/email"),
        ({"email": "a@b"}, "/email"),
        ({"email": f"{'a' * 300}@example.com"}, "/email"),
        ({"email": "nul\0@example.com"}, "/email"),
        ({"password": "too short"}, "/password"),
        ({"password": "x1y2" * 33}, "/password"),
        ({"password": "1234567890"}, "/password"),
        ({"password": "Qwerty12345"}, "/password"),
        ({"password": "aaaaaaaaaaaa"}, "/password"),
        ({"surname": "Lovelace"}, "/surname"),
    ],
)
async def test_invalid_members_are_reported_by_pointer(
    users: ApiUsers, changes: dict[str, object], pointer: str
) -> None:
    answer = await users.register(users.registration(users.new_name(), **changes))
    [error] = expect_problem(answer, 422, "invalid-request", pointer)["errors"]
    assert not error["detail"].startswith("Value error")


async def test_all_invalid_members_are_reported_at_once(users: ApiUsers) -> None:
    answer = await users.register({"username": "a", "email": "a", "password": "a"})
    expect_problem(answer, 422, "invalid-request", "/username", "/email", "/password")


async def test_passwords_that_resemble_their_owner(users: ApiUsers) -> None:
    name = users.new_name()
    registration = users.registration(name, password=f"my {name.upper()} here")
    expect_problem(await users.register(registration), 422, "invalid-request", "/password")
    registration = users.registration(name, email="lady.lovelace@example.com", password="Lady.Lovelace is me")
    expect_problem(await users.register(registration), 422, "invalid-request", "/password")


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"username": "a', b"[" * 10_000])
async def test_malformed_json(users: ApiUsers, body: bytes) -> None:
    answer = await users.api.post("/v1/accounts", content=body, headers={"Content-Type": "application/json"})
    expect_problem(answer, 400, "malformed-json")


@pytest.mark.parametrize("body", [[], None, 5, "text", {}])
async def test_json_of_another_type(users: ApiUsers, body: object) -> None:
    answer = await users.api.post("/v1/accounts", json=body)
    expect_problem(answer, 422, "invalid-request")


@pytest.mark.parametrize("field", ["username", "email", "password"])
async def test_lone_surrogates(users: ApiUsers, field: str) -> None:
    text = rb'{"username": "xyz_u", "email": "xyz_u@example.com", "password": "abcdefghijkl"}'
    body = text.replace(b'"%s": "' % field.encode(), rb'"%s": "\ud800' % field.encode())
    answer = await users.api.post("/v1/accounts", content=body, headers={"Content-Type": "application/json"})
    expect_problem(answer, 422, "invalid-request")


async def test_taken_usernames(users: ApiUsers) -> None:
    taken = await users.new_user()
    other = users.new_name()
    answer = await users.register(users.registration(taken.username.upper(), email=f"{other}@example.com"))
    expect_problem(answer, 409, "username-taken", "/username")


async def test_of_concurrent_registrations_one_gets_the_name(users: ApiUsers) -> None:
    name = users.new_name()
    emails = [f"{users.new_name()}@example.com" for _ in range(12)]
    answers = await asyncio.gather(*(users.register(users.registration(name, email=email)) for email in emails))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 11}
    for answer in answers:
        if answer.status_code == 409:
            expect_problem(answer, 409, "username-taken")


async def test_a_repeat_with_the_same_key_returns_the_same_account(users: ApiUsers) -> None:
    registration = users.registration(users.new_name())
    key = {"Idempotency-Key": users.new_name()}
    first = await users.register(registration, **key)
    again = await users.register(registration, **key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["user"] == first.json()["user"]
    assert again.json()["access_token"] != first.json()["access_token"]  # a session of its own
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    other = await users.register(None, **key)  # somebody else, for all that is known, who took the same key
    assert other.status_code == 201
    assert other.json()["user"]["id"] != first.json()["user"]["id"]


async def test_concurrent_requests_with_one_key(users: ApiUsers) -> None:
    registration = users.registration(users.new_name())
    key = {"Idempotency-Key": users.new_name()}
    answers = await asyncio.gather(*(users.register(registration, **key) for _ in range(8)))
    created = [answer for answer in answers if answer.status_code == 201]
    assert created
    assert len({answer.json()["user"]["id"] for answer in created}) == 1
    for answer in answers:
        if answer not in created:
            expect_problem(answer, 409, "idempotency-key-in-use")


async def test_a_refused_registration_does_not_consume_its_key(users: ApiUsers) -> None:
    key = {"Idempotency-Key": users.new_name()}
    expect_problem(await users.register({}, **key), 422, "invalid-request")
    assert (await users.register(None, **key)).status_code == 201


async def test_secrets_are_stored_as_hashes_only(users: ApiUsers, database: asyncpg.Connection[asyncpg.Record]) -> None:
    user = await users.new_user()
    await user.refreshed()
    for table in ("accounts", "credentials", "sessions", "refresh_tokens", "signing_keys", "outbox", "email_claims"):
        dump = str(await database.fetch(f"SELECT x::text FROM {table} x"))
        dump += "".join(bytes.fromhex(part).decode("latin-1") for part in _hex_parts(dump))
        assert PASSWORD not in dump
        assert user.refresh_token not in dump
        assert user.refresh_token.removeprefix("rt_") not in dump
        assert '"d":' not in dump  # the private part of a JWK
    [stored] = await database.fetch(
        "SELECT password_hash FROM credentials JOIN accounts ON id = account_id WHERE username = $1", user.username
    )
    assert stored[0].startswith("$argon2id$v=19$m=256,t=1,p=1$")


def _hex_parts(text: str) -> list[str]:
    return [part for chunk in text.split("\\x")[1:] if len(part := _leading_hex(chunk)) % 2 == 0]


def _leading_hex(text: str) -> str:
    end = next((i for i, letter in enumerate(text) if letter not in "0123456789abcdef"), len(text))
    return text[:end]


async def test_production_parameters(serving: Serving) -> None:
    async with serving(argon2_memory_kib="65536", argon2_time_cost="3") as users:
        user = await users.new_user()
        await users.log_in_as(user.username)


async def test_overload_is_answered_503(serving: Serving) -> None:
    slow = {"argon2_memory_kib": "32768", "argon2_time_cost": "2", "password_threads": "1", "password_queue": "1"}
    async with serving(**slow) as users:
        answers = await asyncio.gather(*(users.register() for _ in range(10)))
        refused = [answer for answer in answers if answer.status_code != 201]
        assert 0 < len(refused) < 10
        for answer in refused:
            assert expect_problem(answer, 503, "passwords-busy")["retryable"]
            assert int(answer.headers["retry-after"]) > 0
