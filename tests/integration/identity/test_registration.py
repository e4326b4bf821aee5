"""Opening an account."""

from __future__ import annotations

import asyncio
from collections import Counter

import asyncpg
import pytest

from tests.integration.identity.conftest import Serving
from tests.integration.identity.people import PASSWORD, People
from tests.support.problems import expect_problem


async def test_a_new_account_is_logged_in(people: People) -> None:
    name = people.new_name()
    answer = await people.register(people.application(name.upper(), email=f"{name}@EXAMPLE.com"))
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
        "display_name": name,
        "bio": "",
        "private": False,
        "avatar_urls": None,
        "created_at": "",
    }
    me = await people.api.get("/v1/me", headers={"Authorization": f"Bearer {body['access_token']}"})
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
async def test_what_is_wrong_is_told_by_field(people: People, changes: dict[str, object], pointer: str) -> None:
    answer = await people.register(people.application(people.new_name(), **changes))
    [error] = expect_problem(answer, 422, "invalid-request", pointer)["errors"]
    assert not error["detail"].startswith("Value error")


async def test_all_fields_are_told_at_once(people: People) -> None:
    answer = await people.register({"username": "a", "email": "a", "password": "a"})
    expect_problem(answer, 422, "invalid-request", "/username", "/email", "/password")


async def test_a_password_must_not_reveal_its_owner(people: People) -> None:
    name = people.new_name()
    application = people.application(name, password=f"my {name.upper()} here")
    expect_problem(await people.register(application), 422, "invalid-request", "/password")
    application = people.application(name, email="lady.lovelace@example.com", password="Lady.Lovelace is me")
    expect_problem(await people.register(application), 422, "invalid-request", "/password")


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"username": "a', b"[" * 100_000])
async def test_malformed_json(people: People, body: bytes) -> None:
    answer = await people.api.post("/v1/accounts", content=body, headers={"Content-Type": "application/json"})
    expect_problem(answer, 400, "malformed-json")


@pytest.mark.parametrize("body", [[], None, 5, "text", {}])
async def test_json_of_another_shape(people: People, body: object) -> None:
    answer = await people.api.post("/v1/accounts", json=body)
    expect_problem(answer, 422, "invalid-request")


@pytest.mark.parametrize("field", ["username", "email", "password"])
async def test_a_lone_surrogate_is_no_text(people: People, field: str) -> None:
    text = rb'{"username": "xyz_u", "email": "xyz_u@example.com", "password": "abcdefghijkl"}'
    body = text.replace(b'"%s": "' % field.encode(), rb'"%s": "\ud800' % field.encode())
    answer = await people.api.post("/v1/accounts", content=body, headers={"Content-Type": "application/json"})
    expect_problem(answer, 422, "invalid-request")


async def test_a_taken_username_or_address_is_a_conflict(people: People) -> None:
    taken = await people.somebody()
    other = people.new_name()
    answer = await people.register(people.application(taken.username.upper(), email=f"{other}@example.com"))
    expect_problem(answer, 409, "username-taken", "/username")
    answer = await people.register(people.application(other, email=str(taken.user["email"]).upper()))
    expect_problem(answer, 409, "email-taken", "/email")


@pytest.mark.parametrize("same", ["username", "email"])
async def test_of_many_at_once_one_gets_the_name(people: People, same: str) -> None:
    names = [people.new_name() for _ in range(12)]
    shared = people.application(names[0])
    answers = await asyncio.gather(
        *(people.register(people.application(name, **{same: shared[same]})) for name in names)
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 11}
    for answer in answers:
        if answer.status_code == 409:
            expect_problem(answer, 409, f"{same}-taken")


async def test_a_repeat_with_the_same_key_is_the_same_account(people: People) -> None:
    application = people.application(people.new_name())
    key = {"Idempotency-Key": people.new_name()}
    first = await people.register(application, **key)
    again = await people.register(application, **key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    expect_problem(await people.register(None, **key), 422, "idempotency-key-reused")


async def test_the_same_key_many_times_at_once(people: People) -> None:
    application = people.application(people.new_name())
    key = {"Idempotency-Key": people.new_name()}
    answers = await asyncio.gather(*(people.register(application, **key) for _ in range(8)))
    created = [answer for answer in answers if answer.status_code == 201]
    assert created
    assert len({answer.json()["user"]["id"] for answer in created}) == 1
    for answer in answers:
        if answer not in created:
            expect_problem(answer, 409, "idempotency-key-in-use")


async def test_a_refused_registration_does_not_use_up_its_key(people: People) -> None:
    key = {"Idempotency-Key": people.new_name()}
    expect_problem(await people.register({}, **key), 422, "invalid-request")
    assert (await people.register(None, **key)).status_code == 201


async def test_secrets_are_stored_as_hashes_only(people: People, database: asyncpg.Connection[asyncpg.Record]) -> None:
    person = await people.somebody()
    await person.refreshed()
    for table in ("accounts", "credentials", "sessions", "refresh_tokens", "signing_keys", "outbox"):
        dump = str(await database.fetch(f"SELECT x::text FROM {table} x"))
        dump += "".join(bytes.fromhex(part).decode("latin-1") for part in _hex_parts(dump))
        assert PASSWORD not in dump
        assert person.refresh_token not in dump
        assert person.refresh_token.removeprefix("rt_") not in dump
        assert '"d":' not in dump  # the private part of a JWK
    [stored] = await database.fetch(
        "SELECT password_hash FROM credentials JOIN accounts ON id = account_id WHERE username = $1", person.username
    )
    assert stored[0].startswith("$argon2id$v=19$m=256,t=1,p=1$")


def _hex_parts(text: str) -> list[str]:
    return [part for chunk in text.split("\\x")[1:] if len(part := _leading_hex(chunk)) % 2 == 0]


def _leading_hex(text: str) -> str:
    end = next((i for i, letter in enumerate(text) if letter not in "0123456789abcdef"), len(text))
    return text[:end]


async def test_the_parameters_of_production(serving: Serving) -> None:
    async with serving(argon2_memory_kib="65536", argon2_time_cost="3") as people:
        person = await people.somebody()
        await people.logged_in(person.username)


async def test_too_many_at_once_are_told_to_come_back(serving: Serving) -> None:
    slow = {"argon2_memory_kib": "32768", "argon2_time_cost": "2", "password_threads": "1", "password_queue": "1"}
    async with serving(**slow) as people:
        answers = await asyncio.gather(*(people.register() for _ in range(10)))
        refused = [answer for answer in answers if answer.status_code != 201]
        assert 0 < len(refused) < 10
        for answer in refused:
            assert expect_problem(answer, 503, "passwords-busy")["retryable"]
            assert int(answer.headers["retry-after"]) > 0
