"""E-mail addresses: who has proved one owns it, and nobody can be kept from proving."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import httpx

from tests.integration.identity.api_users import PASSWORD, ApiUser, ApiUsers, Body
from tests.integration.identity.conftest import Serving
from tests.support.clock import MovableClock
from tests.support.mail_server import Inbox, token_in
from tests.support.problems import expect_problem

IN_USE, PROOF = "already has", "Is this your"


async def _prove(users: ApiUsers, token: str) -> httpx.Response:
    return await users.api.post("/v1/email-verifications/redeem", json={"token": token})


async def _verified(users: ApiUsers, inbox: Inbox) -> ApiUser:
    user = await users.new_user()
    answer = await _prove(users, token_in(await inbox.arrived(user.user["email"], PROOF)))
    assert answer.status_code == 204, answer.text
    return user


async def _email(user: ApiUser) -> Body:
    answer = await user.api.get("/v1/me/email", headers=user.headers)
    assert answer.status_code == 200, answer.text
    body: Body = answer.json()
    return body


async def test_an_address_is_proved_by_the_mail_of_the_registration(users: ApiUsers, inbox: Inbox) -> None:
    ada = await users.new_user()
    before = await ada.me()
    token = token_in(await inbox.arrived(ada.user["email"], PROOF))
    assert (await _prove(users, token)).status_code == 204
    after = await ada.me()
    assert (before.json()["email_verified"], after.json()["email_verified"]) == (False, True)
    assert before.headers["etag"] != after.headers["etag"]
    assert await _email(ada) == {"email": ada.user["email"], "verified": True, "pending": None}
    expect_problem(await _prove(users, token), 410, "link-not-valid")
    expect_problem(await _prove(users, "nobody's token"), 410, "link-not-valid")


async def test_registration_does_not_tell_whether_an_address_is_known(users: ApiUsers, inbox: Inbox) -> None:
    owner = await _verified(users, inbox)
    email = owner.user["email"]
    answer = await users.register(users.registration(users.new_name(), email=email.upper()))
    fresh = await users.register(users.registration(users.new_name()))
    assert answer.status_code == fresh.status_code == 201
    assert answer.json().keys() == fresh.json().keys()
    assert {**answer.json()["user"], **dict.fromkeys(("id", "username", "email", "display_name", "created_at"))} == {
        **fresh.json()["user"],
        **dict.fromkeys(("id", "username", "email", "display_name", "created_at")),
    }
    mail = await inbox.arrived(answer.json()["user"]["email"], IN_USE)
    assert "#token=" not in mail.get_content()
    assert (await users.log_in_as(email)).id == owner.id


async def test_the_account_that_proves_an_address_gets_it(users: ApiUsers, inbox: Inbox) -> None:
    squatter = await users.new_user()
    email = squatter.user["email"]
    assert (await users.log_in_as(email)).id == squatter.id, "as long as nobody has proved it"
    first = token_in(await inbox.arrived(email, PROOF))
    owner = await users.new_user(email=email)
    second = token_in(await inbox.arrived(email, PROOF, number=2))
    assert (await _prove(users, second)).status_code == 204
    expect_problem(await _prove(users, first), 409, "email-taken")
    assert (await users.log_in_as(email)).id == owner.id
    assert (await users.log_in_as(squatter.username)).id == squatter.id
    assert (await _email(squatter))["verified"] is False
    other = f"{users.new_name()}@example.com"
    assert (await squatter.put("/v1/me/email", email=other, password=PASSWORD)).status_code == 202
    assert (await _prove(users, token_in(await inbox.arrived(other)))).status_code == 204
    assert (await users.log_in_as(other)).id == squatter.id


async def test_of_two_who_prove_an_address_one_gets_it(users: ApiUsers, inbox: Inbox) -> None:
    email = f"{users.new_name()}@example.com"
    for _ in range(4):
        await users.new_user(email=email)
    await inbox.arrived(email, PROOF, number=4)
    tokens = [token_in(mail) for mail in inbox.to(email, PROOF)]
    answers = await asyncio.gather(*(_prove(users, token) for token in tokens))
    assert Counter(answer.status_code for answer in answers) == {204: 1, 409: 3}


async def test_a_new_address_counts_when_it_is_proved(users: ApiUsers, inbox: Inbox) -> None:
    ada = await _verified(users, inbox)
    old, new = ada.user["email"], f"{users.new_name()}@example.com"
    answer = await ada.put("/v1/me/email", email=new, password="not the password")
    expect_problem(answer, 403, "wrong-password", "/password")
    answer = await ada.put("/v1/me/email", email=new, password=PASSWORD)
    assert answer.status_code == 202
    assert answer.json() == {"email": old, "verified": True, "pending": new}
    await inbox.arrived(old, "is to get another")
    assert (await users.log_in_as(old)).id == ada.id
    expect_problem(await users.log_in(new), 401, "wrong-credentials")
    assert (await _prove(users, token_in(await inbox.arrived(new)))).status_code == 204
    assert await _email(ada) == {"email": new, "verified": True, "pending": None}
    await inbox.arrived(old, "has another")
    expect_problem(await users.log_in(old), 401, "wrong-credentials")
    assert (await users.log_in_as(new)).id == ada.id
    heir = await users.new_user(email=old)
    token = token_in(await inbox.arrived(old, PROOF, number=2))
    assert (await _prove(users, token)).status_code == 204, "it is free for the owner of the mailbox"
    assert (await users.log_in_as(old)).id == heir.id


async def test_the_owner_of_an_address_hears_of_who_wants_it(users: ApiUsers, inbox: Inbox) -> None:
    owner, other = await _verified(users, inbox), await users.new_user()
    answer = await other.put("/v1/me/email", email=owner.user["email"], password=PASSWORD)
    assert answer.status_code == 202
    assert answer.json()["pending"] == owner.user["email"]
    mail = await inbox.arrived(owner.user["email"], IN_USE)
    assert other.username in mail.get_content()


async def test_a_mail_can_be_asked_for_again_and_replaces_the_one_before(
    serving: Serving, clock: MovableClock, inbox: Inbox
) -> None:
    async with serving() as users:
        ada = await users.new_user()
        first = token_in(await inbox.arrived(ada.user["email"]))
        assert (await ada.api.post("/v1/me/email/verification", headers=ada.headers)).status_code == 202
        second = token_in(await inbox.arrived(ada.user["email"], number=2))
        expect_problem(await _prove(users, first), 410, "link-not-valid")
        clock.ahead += timedelta(days=1)
        expect_problem(await _prove(users, second), 410, "link-not-valid")
        await ada.refreshed()
        assert (await ada.api.post("/v1/me/email/verification", headers=ada.headers)).status_code == 202
        third = token_in(await inbox.arrived(ada.user["email"], number=3))
        assert (await _prove(users, third)).status_code == 204
        await ada.api.post("/v1/me/email/verification", headers=ada.headers)
        assert len(inbox.to(ada.user["email"])) == 3, "there is nothing left to prove"


async def test_mails_to_one_address_are_bounded_over_all_senders(users: ApiUsers, inbox: Inbox) -> None:
    email = f"{users.new_name()}@example.com"
    accounts = [await users.new_user(email=email) for _ in range(7)]
    answer = await accounts[0].api.post("/v1/me/email/verification", headers=accounts[0].headers)
    expect_problem(answer, 429, "too-many-tries")
    await inbox.arrived(email, number=5)
    last = await users.new_user()
    await inbox.arrived(last.user["email"])
    assert len(inbox.to(email)) == 5
