"""Passkeys: registration, log-in, what is refused, and their list."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.integration.identity.api_users import PASSWORD, ApiUser, ApiUsers, Body
from tests.integration.identity.conftest import SECOND, Serving
from tests.support.authenticator import Authenticator
from tests.support.clock import MovableClock
from tests.support.problems import expect_problem


async def creation_options(user: ApiUser) -> dict[str, Any]:
    answer = await user.api.post("/v1/me/passkeys/options", json={"password": PASSWORD}, headers=user.headers)
    assert answer.status_code == 200, answer.text
    options: dict[str, Any] = answer.json()["public_key"]
    return options


async def request_options(users: ApiUsers) -> dict[str, Any]:
    options: dict[str, Any] = (await users.api.post("/v1/sessions/passkey/options")).json()["public_key"]
    return options


async def add(user: ApiUser, credential: Body, name: str = "Phone") -> httpx.Response:
    body = {"name": name, "credential": credential}
    return await user.api.post("/v1/me/passkeys", json=body, headers=user.headers)


async def log_in(users: ApiUsers, credential: Body) -> httpx.Response:
    return await users.api.post("/v1/sessions/passkey", json={"credential": credential})


async def added(user: ApiUser, phone: Authenticator) -> Body:
    answer = await add(user, phone.create(await creation_options(user)))
    assert answer.status_code == 201, answer.text
    body: Body = answer.json()
    return body


async def passkeys_of(user: ApiUser) -> list[Body]:
    items: list[Body] = (await user.api.get("/v1/me/passkeys", headers=user.headers)).json()["items"]
    return items


async def test_a_passkey_is_a_log_in_by_itself(users: ApiUsers) -> None:
    ada, phone = await users.new_user(), Authenticator(backed_up=True)
    options = await creation_options(ada)
    assert options["user"]["name"] == ada.username
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    made = (await add(ada, phone.create(options), "  My phone ")).json()
    assert (made["name"], made["backed_up"], made["used_at"]) == ("My phone", True, None)
    for _ in range(2):
        answer = await log_in(users, phone.get(await request_options(users)))
        assert answer.status_code == 201, answer.text
        assert answer.json()["user"] == ada.user
    [shown] = await passkeys_of(ada)
    assert shown["used_at"] is not None
    assert [known["id"] for known in (await creation_options(ada))["excludeCredentials"]] == [
        phone.get(await request_options(users))["id"]
    ]


async def test_authenticators_without_a_counter(users: ApiUsers) -> None:
    ada, phone = await users.new_user(), Authenticator(counts=False)
    await added(ada, phone)
    for _ in range(2):
        assert (await log_in(users, phone.get(await request_options(users)))).status_code == 201


async def test_a_challenge_is_good_for_one_log_in(users: ApiUsers) -> None:
    ada, phone = await users.new_user(), Authenticator(counts=False)
    await added(ada, phone)
    credential = phone.get(await request_options(users))
    answers = await asyncio.gather(*(log_in(users, credential) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 401, 401, 401, 401]


async def test_log_ins_that_are_refused(serving: Serving, clock: MovableClock) -> None:
    async with serving() as users:
        ada, eve = await users.new_user(), await users.new_user()
        phone = Authenticator()
        await added(ada, phone)
        options = await request_options(users)

        async def refused(credential: Body) -> None:
            expect_problem(await log_in(users, credential), 401, "passkey-refused")

        elsewhere = Authenticator(origin="https://photomesh.example.net")
        elsewhere.credential_id, elsewhere.key = phone.credential_id, phone.key
        await refused(elsewhere.get(options))
        unverified = Authenticator(verifies_user=False)
        unverified.credential_id, unverified.key = phone.credential_id, phone.key
        await refused(unverified.get(options))
        forger = Authenticator(credential_id=phone.credential_id)
        await refused(forger.get(options))
        await refused(Authenticator().get(options))  # unknown
        await refused(phone.get({"rpId": "localhost", "challenge": "b0Jx"}))  # not our challenge
        await refused(phone.get(await creation_options(eve) | {"rpId": "localhost"}))  # one for another purpose
        await refused(phone.get(options | {"rpId": "photomesh.example.net"}))
        phone.sign_count = 10
        assert (await log_in(users, phone.get(options))).status_code == 201
        phone.sign_count = 3  # a copy of it
        await refused(phone.get(await request_options(users)))
        phone.sign_count = 20
        late = phone.get(await request_options(users))
        clock.ahead += 301 * SECOND
        await refused(late)
        assert (await log_in(users, phone.get(await request_options(users)))).status_code == 201


async def test_registrations_that_are_refused(users: ApiUsers) -> None:
    ada, eve, phone = await users.new_user(), await users.new_user(), Authenticator()
    options = await creation_options(ada)
    credential = phone.create(options)
    expect_problem(await add(eve, credential), 401, "passkey-refused")  # the challenge is Ada's
    expect_problem(await add(ada, Authenticator(verifies_user=False).create(options)), 401, "passkey-refused")
    assert (await add(ada, credential)).status_code == 201
    expect_problem(await add(ada, Authenticator().create(options)), 401, "passkey-refused")  # the challenge is used
    expect_problem(await add(ada, phone.create(await creation_options(ada))), 409, "passkey-registered")
    expect_problem(await add(eve, phone.create(await creation_options(eve))), 409, "passkey-registered")
    expect_problem(await add(ada, phone.create(await creation_options(ada)), " "), 422, "invalid-request")


@pytest.mark.parametrize("member", ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "rawId"])
@pytest.mark.parametrize("junk", ["", "A", "AAAA", "o2NmbXRkbm9uZQ", "////", "_" * 16_000])
async def test_junk(users: ApiUsers, member: str, junk: str) -> None:
    ada = await users.new_user()
    phone = Authenticator()
    created = phone.create(await creation_options(ada))
    used = phone.get(await request_options(users))
    for credential in (created, used):
        for part in (credential, credential["response"]):
            if member in part:
                part[member] = junk
    for answer in (await add(ada, created), await log_in(users, used)):
        assert answer.status_code in (201, 401, 422), answer.text


async def test_renaming_and_removing(users: ApiUsers) -> None:
    ada, eve, phone = await users.new_user(), await users.new_user(), Authenticator()
    path = f"/v1/me/passkeys/{(await added(ada, phone))['id']}"
    for answer in (
        await eve.api.patch(path, json={"name": "Mine"}, headers=eve.headers),
        await eve.api.delete(path, headers=eve.headers),
    ):
        expect_problem(answer, 404, "passkey-not-found")
    assert (await ada.api.patch(path, json={"name": "Old phone"}, headers=ada.headers)).json()["name"] == "Old phone"
    assert (await ada.api.delete(path, headers=ada.headers)).status_code == 204
    assert await passkeys_of(ada) == []
    expect_problem(await log_in(users, phone.get(await request_options(users))), 401, "passkey-refused")


async def test_an_account_has_twenty_at_most(users: ApiUsers) -> None:
    ada = await users.new_user()
    options = [await creation_options(ada) for _ in range(21)]
    answers = await asyncio.gather(*(add(ada, Authenticator().create(each)) for each in options))
    assert sorted(answer.status_code for answer in answers) == [201] * 20 + [409]
    answer = await ada.api.post("/v1/me/passkeys/options", json={"password": PASSWORD}, headers=ada.headers)
    assert expect_problem(answer, 409, "too-many-passkeys")["limit"] == 20
