"""Roles of staff, what they permit, and the audit log."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import TypeAlias

import asyncpg
import httpx
import pytest

from photomesh_identity.credentials.tokens import KeyedHash
from photomesh_identity.leaving.erasure_store import PostgresErasures
from photomesh_identity.leaving.event_handlers import IdentityEraser
from photomesh_identity.staff import appoint
from photomesh_identity.staff.domain import AUDIT_KEPT
from photomesh_identity.staff.store import PostgresStaff
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import AccountErasureRequested, Envelope
from photomesh_shared.ids import decode
from photomesh_shared.stores.postgres import open_pool
from photomesh_shared.tokens.roles import Role
from tests.integration.identity.api_users import PASSWORD, ApiUser, ApiUsers, Body
from tests.integration.identity.conftest import SECOND, Serving
from tests.integration.identity.test_second_factors import App, complete, enable, ticket_for
from tests.support.clock import MovableClock
from tests.support.problems import expect_problem

REASON = "Ticket 4711"
Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def send(user: ApiUser, method: str, path: str, **body: object) -> httpx.Response:
    return await user.api.request(method, f"/v1/staff{path}", json=body or None, headers=user.headers)


async def look_up(staff: ApiUser, **whom: object) -> httpx.Response:
    return await send(staff, "POST", "/lookups", reason=REASON, **whom)


async def with_role(users: ApiUsers, clock: MovableClock, database: Database, *roles: Role) -> tuple[ApiUser, App]:
    """An account with roles, logged in with a second factor."""
    user = await users.new_user()
    app, _ = await enable(user, clock)
    await database.executemany(
        "INSERT INTO staff_roles VALUES ($1, $2, now())", [(decode("u", user.id), role) for role in roles]
    )
    return await logged_in(users, user, app), app


async def logged_in(users: ApiUsers, user: ApiUser, app: App) -> ApiUser:
    answer = await complete(users, await ticket_for(users, user), app.next_code())
    assert answer.status_code == 201, answer.text
    body = answer.json()
    return ApiUser(users.api, body.pop("user"), body)


async def set_roles(staff: ApiUser, app: App, user: ApiUser, *roles: Role) -> httpx.Response:
    body = {"roles": roles, "reason": REASON, "password": PASSWORD, "code": app.next_code()}
    return await send(staff, "PUT", f"/users/{user.id}/roles", **body)


async def log_of(staff: ApiUser, query: str = "") -> list[Body]:
    """All entries, the newest first."""
    return await pages_of(staff, f"/audit-log?limit=2{query}")


async def staff_of(admin: ApiUser) -> list[Body]:
    return await pages_of(admin, "/roles?limit=1")


async def pages_of(staff: ApiUser, path: str) -> list[Body]:
    items: list[Body] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = await send(staff, "GET", path + (cursor and f"&cursor={cursor}"))
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
    return items


async def test_support_sees_whether_an_account_works_and_none_of_its_content(
    serving: Serving, clock: MovableClock, database: Database
) -> None:
    async with serving() as users:
        support, _ = await with_role(users, clock, database, Role.SUPPORT)
        ada = await users.new_user()
        answer = await look_up(support, username=ada.username.upper())
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json() == {
            "id": ada.id,
            "username": ada.username,
            "status": "active",
            "created_at": ada.user["created_at"],
            "email_verified": False,
            "private": False,
            "totp": False,
            "passkeys": 0,
            "open_sessions": 1,
            "personal_tokens": 0,
            "erasure_due_at": None,
            "roles": [],
        }
        assert (await look_up(support, user_id=support.id)).json()["roles"] == ["support"]
        for whom in ({"username": "nobody.here"}, {"username": "no name"}, {"user_id": "u_1"}):
            expect_problem(await look_up(support, **whom), 404, "account-not-found")
        for body in ({"username": "ada"}, {"reason": " ", "username": "ada"}, {"reason": REASON}):
            expect_problem(await send(support, "POST", "/lookups", **body), 422, "invalid-request")
        problem = expect_problem(await send(support, "GET", "/audit-log"), 403, "role-required")
        assert problem["required_role"] == "administrator"
        expect_problem(await look_up(ada, username=ada.username), 403, "role-required")


async def test_support_ends_sessions_and_tokens(serving: Serving, clock: MovableClock, database: Database) -> None:
    async with serving() as users:
        support, _ = await with_role(users, clock, database, Role.SUPPORT)
        ada = await users.new_user()
        body = {"name": "Backup", "scopes": ["posts:read"], "password": PASSWORD}
        assert (await ada.api.post("/v1/me/tokens", json=body, headers=ada.headers)).status_code == 201
        assert (await look_up(support, user_id=ada.id)).json()["personal_tokens"] == 1
        answer = await send(support, "DELETE", f"/users/{ada.id}/sessions", reason=REASON)
        assert answer.status_code == 204, answer.text
        expect_problem(await ada.refresh(), 401, "session-ended")
        status = (await look_up(support, user_id=ada.id)).json()
        assert (status["open_sessions"], status["personal_tokens"]) == (0, 0)
        answer = await send(support, "DELETE", "/users/u_1/sessions", reason=REASON)
        expect_problem(answer, 404, "account-not-found")


async def test_roles_count_only_after_a_second_factor(
    serving: Serving, clock: MovableClock, database: Database
) -> None:
    async with serving() as users:
        plain = await users.new_user()
        await database.execute("INSERT INTO staff_roles VALUES ($1, 'support', now())", decode("u", plain.id))
        plain = await users.log_in_as(plain.username)
        expect_problem(await look_up(plain, username="ada"), 403, "role-required")
        app, _ = await enable(plain, clock)
        await plain.refreshed()
        expect_problem(await look_up(plain, username="ada"), 403, "role-required")
        strong = await logged_in(users, plain, app)
        assert (await look_up(strong, user_id=plain.id)).status_code == 200
        await strong.refreshed()
        assert (await look_up(strong, user_id=plain.id)).status_code == 200
        code = {"password": PASSWORD, "code": app.next_code()}
        assert (await plain.api.post("/v1/me/totp/remove", json=code, headers=strong.headers)).status_code == 204
        expect_problem(await look_up(strong, user_id=plain.id), 403, "role-required")
        await strong.refreshed()
        expect_problem(await look_up(strong, user_id=plain.id), 403, "role-required")


async def test_administrators_grant_and_revoke(serving: Serving, clock: MovableClock, database: Database) -> None:
    async with serving() as users:
        admin, app = await with_role(users, clock, database, Role.ADMINISTRATOR)
        bob = await users.new_user()
        bobs_app, _ = await enable(bob, clock)
        wrong = {"roles": ["support"], "reason": REASON, "password": "wrong"}
        answer = await send(admin, "PUT", f"/users/{bob.id}/roles", **wrong)
        expect_problem(answer, 403, "wrong-password")
        expect_problem(await set_roles(admin, app, admin, Role.SUPPORT), 409, "own-roles")
        assert (await set_roles(admin, app, bob, Role.SUPPORT, Role.MODERATOR)).status_code == 204
        bob = await logged_in(users, bob, bobs_app)
        assert (await look_up(bob, user_id=admin.id)).status_code == 200
        expect_problem(await set_roles(bob, bobs_app, admin), 403, "role-required")
        assert {"id": bob.id, "username": bob.username, "roles": ["moderator", "support"]} in await staff_of(admin)
        assert (await set_roles(admin, app, bob, Role.MODERATOR)).status_code == 204
        expect_problem(await look_up(bob, user_id=admin.id), 403, "role-required")  # though the token names the role
        entries = await log_of(admin, f"&user_id={bob.id}")
        changes = [(entry["action"], entry["role"]) for entry in entries if entry["role"]]
        granted = [("role_granted", "support"), ("role_granted", "moderator")]
        assert changes == [("role_revoked", "support"), *granted]
        assert {entry["staff_id"] for entry in entries} == {admin.id}
        assert {entry["reason"] for entry in entries if entry["role"]} == {REASON}
        [lookup] = await log_of(admin, f"&staff_id={bob.id}")
        assert (lookup["action"], lookup["user_id"], lookup["reason"]) == ("account_looked_up", admin.id, REASON)


async def test_the_log_cannot_be_changed(
    serving: Serving, environment: Mapping[str, str], clock: MovableClock, database: Database
) -> None:
    old, young = SystemClock().now() - AUDIT_KEPT - SECOND, SystemClock().now() - AUDIT_KEPT + timedelta(hours=1)
    for at in (old, young):
        await database.execute(
            "INSERT INTO staff_audit_log (at, staff_id, action, reason) VALUES ($1, 42, 'staff_listed', '')", at
        )
    for statement in (
        "UPDATE staff_audit_log SET reason = 'other'",
        "DELETE FROM staff_audit_log WHERE staff_id = 42",
        "TRUNCATE staff_audit_log",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.execute(statement)
    async with open_pool(environment["PHOTOMESH_POSTGRES_DSN"], size=2) as pool:
        store = PostgresStaff(pool)
        assert await store.forget(SystemClock().now(), 10) == 1, "though it asks for more"
    assert await database.fetchval("SELECT array_agg(at) FROM staff_audit_log WHERE staff_id = 42") == [young]


async def test_the_first_administrator_is_appointed_by_a_command(
    users: ApiUsers,
    environment: Mapping[str, str],
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PHOTOMESH_POSTGRES_DSN", environment["PHOTOMESH_POSTGRES_DSN"])
    ada = await users.new_user()

    async def run(*arguments: str) -> int:
        return await asyncio.to_thread(appoint.main, [*arguments, "--reason", "Runs it"])

    assert await run(ada.username, "administrator") == 0
    assert "no second factor yet" in capsys.readouterr().out
    assert await run("nobody.here", "support") == 1
    assert await run(ada.username) == 0
    rows = await database.fetch(
        "SELECT staff_id, action, role, reason FROM staff_audit_log WHERE account_id = $1 ORDER BY id",
        decode("u", ada.id),
    )
    assert list(map(tuple, rows)) == [
        (None, "role_granted", "administrator", "Runs it"),
        (None, "role_revoked", "administrator", "Runs it"),
    ]


async def test_an_erasure_keeps_the_log_and_says_so(
    serving: Serving, environment: Mapping[str, str], clock: MovableClock, database: Database
) -> None:
    async with serving() as users:
        support, _ = await with_role(users, clock, database, Role.SUPPORT)
        ada = await users.new_user()
        await look_up(support, user_id=ada.id)
    account_id = decode("u", ada.id)
    request = AccountErasureRequested(request_id=account_id, user_id=account_id, requested_at=clock.now())
    async with open_pool(environment["PHOTOMESH_POSTGRES_DSN"], size=2) as pool:
        eraser = IdentityEraser(PostgresErasures(pool, KeyedHash([environment["PHOTOMESH_HASH_SECRET"]])), clock)
        for _ in range(2):
            erased = await eraser.erase(Envelope.of(request, entityversion=1, id="er", time=clock.now()))
            [kept] = [kept for kept in erased.keeps if "audit log" in kept.what]
            at = await database.fetchval("SELECT at FROM staff_audit_log WHERE account_id = $1", account_id)
            assert kept.until == at + AUDIT_KEPT
