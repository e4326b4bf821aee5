"""Consents."""

from __future__ import annotations

import asyncpg

from tests.integration.identity.api_users import ApiUser, ApiUsers, Body
from tests.support.problems import expect_problem


async def _decide(user: ApiUser, purpose: str, version: str, *, given: bool) -> Body:
    answer = await user.put("/v1/me/consents", purpose=purpose, version=version, given=given)
    assert answer.status_code == 200, answer.text
    body: Body = answer.json()
    return body


async def test_the_last_decision_on_a_purpose_holds_and_all_are_kept(
    users: ApiUsers, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    ada, eve = await users.new_user(), await users.new_user()
    decisions = [("news", "1", True), ("news", "1", True), ("recommendations", "1", True), ("news", "1", False)]
    for purpose, version, given in decisions:
        held = await _decide(ada, purpose, version, given=given)
    assert [(item["purpose"], item["version"], item["given"]) for item in held["items"]] == [
        ("news", "1", False),
        ("recommendations", "1", True),
    ]
    answer = await ada.api.get("/v1/me/consents", headers=ada.headers)
    assert answer.json() == held
    assert (await eve.api.get("/v1/me/consents", headers=eve.headers)).json() == {"items": []}
    rows = await database.fetch(
        "SELECT c.purpose, c.given FROM consents AS c JOIN accounts AS a ON a.id = account_id WHERE username = $1"
        " ORDER BY c.id",
        ada.username,
    )
    assert [tuple(row) for row in rows] == [("news", True), ("recommendations", True), ("news", False)]


async def test_a_decision_is_on_a_known_purpose(users: ApiUsers) -> None:
    ada = await users.new_user()
    for body, pointer in (
        ({"purpose": "everything", "version": "1", "given": True}, "/purpose"),
        ({"purpose": "news", "version": "", "given": True}, "/version"),
        ({"purpose": "news", "version": "1", "given": "yes"}, "/given"),
    ):
        expect_problem(await ada.put("/v1/me/consents", **body), 422, "invalid-request", pointer)
