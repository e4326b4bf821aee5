"""Codes of an authenticator app, recovery codes, and log-ins that need them."""

from __future__ import annotations

import asyncio
import base64
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from photomesh_identity.rotate_keys import rotate_keys
from photomesh_identity.settings import Settings
from tests.integration.identity.api_users import PASSWORD, ApiUser, ApiUsers, Body
from tests.integration.identity.conftest import SECOND, Serving, serve
from tests.support.clock import MovableClock
from tests.support.problems import expect_problem
from tests.support.services import settings_from


class App:
    """An authenticator app on a phone."""

    def __init__(self, secret: str, clock: MovableClock) -> None:
        self._totp = TOTP(base64.b32decode(secret), 6, SHA1(), 30)
        self._clock = clock

    def code(self) -> str:
        return self._totp.generate(int(self._clock.now().timestamp())).decode()

    def wrong_code(self) -> str:
        return f"{(int(self.code()) + 500_000) % 1_000_000:06}"

    def next_code(self) -> str:
        """Of the next half minute: no code is accepted twice."""
        self._clock.ahead += 30 * SECOND
        return self.code()


async def post(user: ApiUser, path: str, **body: object) -> httpx.Response:
    return await user.api.post(path, json=body, headers=user.headers)


async def enable(user: ApiUser, clock: MovableClock) -> tuple[App, list[str]]:
    answer = await post(user, "/v1/me/totp", password=PASSWORD)
    assert answer.status_code == 201, answer.text
    app = App(answer.json()["secret"], clock)
    answer = await post(user, "/v1/me/totp/confirm", code=app.code())
    assert answer.status_code == 200, answer.text
    return app, answer.json()["codes"]


async def ticket_for(users: ApiUsers, user: ApiUser) -> str:
    problem = expect_problem(await users.log_in(user.username), 401, "second-factor-required")
    assert problem["methods"] == ["totp", "recovery_code"]
    assert problem["expires_in"] == 300
    return str(problem["ticket"])


async def complete(users: ApiUsers, ticket: str, code: str) -> httpx.Response:
    return await users.api.post("/v1/sessions/second-factor", json={"ticket": ticket, "code": code})


async def status_of(user: ApiUser) -> Body:
    body: Body = (await user.api.get("/v1/me/second-factors", headers=user.headers)).json()
    return body


async def test_setting_up_an_app(serving: Serving, clock: MovableClock) -> None:
    async with serving() as users:
        ada = await users.new_user()
        expect_problem(await post(ada, "/v1/me/totp", password="wrong"), 403, "wrong-password")
        expect_problem(await post(ada, "/v1/me/totp/confirm", code="123456"), 409, "totp-not-enabled")
        first = (await post(ada, "/v1/me/totp", password=PASSWORD)).json()
        second = (await post(ada, "/v1/me/totp", password=PASSWORD)).json()
        uri = urlsplit(second["uri"])
        assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
        assert parse_qs(uri.query)["secret"] == [second["secret"]]
        app = App(second["secret"], clock)
        stale = App(first["secret"], clock).code()
        for code in (app.wrong_code(), "", "12345", "abc", *([stale] if stale != app.code() else [])):
            expect_problem(await post(ada, "/v1/me/totp/confirm", code=code), 403, "wrong-code")
        await users.log_in_as(ada.username)  # an unconfirmed one is not asked for
        assert (await status_of(ada))["totp"] is False
        codes = (await post(ada, "/v1/me/totp/confirm", code=f" {app.code()[:3]} {app.code()[3:]}")).json()["codes"]
        assert len(set(codes)) == 10
        assert await status_of(ada) == {"totp": True, "recovery_codes_left": 10, "passkeys": 0}
        expect_problem(await post(ada, "/v1/me/totp/confirm", code=app.code()), 409, "totp-enabled")


async def test_a_log_in_with_a_code(serving: Serving, clock: MovableClock) -> None:
    async with serving() as users:
        ada = await users.new_user()
        app, _ = await enable(ada, clock)
        ticket = await ticket_for(users, ada)
        expect_problem(await complete(users, ticket, app.code()), 403, "wrong-code")  # it confirmed the enrolment
        code = app.next_code()
        expect_problem(await complete(users, ticket, app.wrong_code()), 403, "wrong-code")
        answer = await complete(users, ticket, code)
        assert answer.status_code == 201, answer.text
        assert answer.json()["user"] == ada.user
        expect_problem(await complete(users, ticket, app.next_code()), 401, "invalid-ticket")
        other = await ticket_for(users, ada)
        expect_problem(await complete(users, other, code), 403, "wrong-code")  # replayed
        expect_problem(await users.log_in(ada.username, "another password"), 401, "wrong-credentials")
        clock.ahead += 301 * SECOND
        expect_problem(await complete(users, other, app.code()), 401, "invalid-ticket")
        for nonsense in ("", "lt_", "lt_" + "A" * 43, "nul\0"):
            expect_problem(await complete(users, nonsense, app.code()), 401, "invalid-ticket")


async def test_one_code_is_good_for_one_of_many_concurrent_log_ins(serving: Serving, clock: MovableClock) -> None:
    async with serving() as users:
        ada = await users.new_user()
        app, recovery_codes = await enable(ada, clock)
        tickets = [await ticket_for(users, ada) for _ in range(5)]
        for code in (app.next_code(), recovery_codes[0]):
            answers = await asyncio.gather(*(complete(users, ticket, code) for ticket in tickets))
            assert sorted(answer.status_code for answer in answers) == [201, 403, 403, 403, 403]
            tickets = [await ticket_for(users, ada) for _ in range(5)]


async def test_recovery_codes(serving: Serving, clock: MovableClock) -> None:
    async with serving() as users:
        ada = await users.new_user()
        app, codes = await enable(ada, clock)
        ticket = await ticket_for(users, ada)
        assert (await complete(users, ticket, codes[0].upper().replace("-", " "))).status_code == 201
        expect_problem(await complete(users, await ticket_for(users, ada), codes[0]), 403, "wrong-code")
        assert (await status_of(ada))["recovery_codes_left"] == 9
        answer = await post(ada, "/v1/me/recovery-codes", password=PASSWORD, code=app.next_code())
        expect_problem(await complete(users, await ticket_for(users, ada), codes[1]), 403, "wrong-code")
        assert (await complete(users, await ticket_for(users, ada), answer.json()["codes"][9])).status_code == 201


async def test_sensitive_changes_need_a_code(serving: Serving, clock: MovableClock) -> None:
    async with serving() as users:
        ada = await users.new_user()
        app, codes = await enable(ada, clock)
        for path in ("/v1/me/totp/remove", "/v1/me/recovery-codes", "/v1/me/passkeys/options"):
            expect_problem(await post(ada, path, password=PASSWORD), 403, "code-required")
            expect_problem(await post(ada, path, password=PASSWORD, code=app.wrong_code()), 403, "wrong-code")
            expect_problem(await post(ada, path, password="wrong", code=app.code()), 403, "wrong-password")
        assert (await post(ada, "/v1/me/totp/remove", password=PASSWORD, code=codes[3])).status_code == 204
        await users.log_in_as(ada.username)
        assert await status_of(ada) == {"totp": False, "recovery_codes_left": 0, "passkeys": 0}
        expect_problem(await post(ada, "/v1/me/totp/remove", password=PASSWORD), 409, "totp-not-enabled")


async def test_codes_cannot_be_guessed(serving: Serving, clock: MovableClock) -> None:
    async with serving(failures_account="5/3600") as users:
        ada = await users.new_user()
        app, _ = await enable(ada, clock)
        app.next_code()
        ticket = await ticket_for(users, ada)
        for _ in range(5):
            expect_problem(await complete(users, ticket, app.wrong_code()), 403, "wrong-code")
        problem = expect_problem(await complete(users, ticket, app.code()), 429, "too-many-attempts")
        assert problem["counted_by"] == "account"
        clock.ahead += 721 * SECOND
        assert (await complete(users, await ticket_for(users, ada), app.code())).status_code == 201


async def test_what_its_owner_is_mailed(serving: Serving, clock: MovableClock, empty_database: str) -> None:
    # Mails stay in the queue, of which no other service sends them.
    connection = await asyncpg.connect(empty_database)
    async with serving(smtp_url="smtp://127.0.0.1:1", postgres_dsn=empty_database) as users:
        ada = await users.new_user()
        await connection.execute("UPDATE accounts SET email_verified_at = now()")  # others get no mails
        _, codes = await enable(ada, clock)
        await complete(users, await ticket_for(users, ada), codes[0])
        await post(ada, "/v1/me/totp/remove", password=PASSWORD, code=codes[1])
    rows = await connection.fetch("SELECT template FROM mail_queue")
    await connection.close()
    templates = [row["template"] for row in rows if row["template"] != "new_login"]
    assert {"second_factor_enabled", "recovery_code_used", "second_factor_removed"} <= set(templates)


async def test_secrets_are_encrypted_and_follow_a_new_key(
    environment: dict[str, str],
    empty_database: str,
    clock: MovableClock,
) -> None:
    first, second = "a" * 32, "b" * 32
    own = {**environment, "PHOTOMESH_POSTGRES_DSN": empty_database}
    async with serve(own, clock, key_encryption_secret=first) as users:
        ada = await users.new_user()
        app, _ = await enable(ada, clock)
    connection = await asyncpg.connect(empty_database)
    [[before]] = await connection.fetch("SELECT sealed_secret FROM totp")
    assert len(before) == 12 + 20 + 16
    await rotate_keys(settings_from(Settings, own, key_encryption_secret=f"{second},{first}"), clock)
    [[after]] = await connection.fetch("SELECT sealed_secret FROM totp")
    await connection.close()
    assert after != before
    async with serve(own, clock, key_encryption_secret=second) as users:
        assert (await complete(users, await ticket_for(users, ada), app.next_code())).status_code == 201


@pytest.mark.parametrize("path", ["/v1/me/totp", "/v1/me/totp/remove", "/v1/me/passkeys/options"])
async def test_an_ended_session_changes_nothing(users: ApiUsers, path: str) -> None:
    ada = await users.new_user()
    await ada.log_out()
    expect_problem(await post(ada, path, password=PASSWORD), 401, "session-ended")
