"""Personal access tokens: making, listing, revoking, and their exchange by the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx
import pytest
from joserfc import jws

from photomesh_shared.clock import SystemClock
from photomesh_shared.internal_api.credentials import CallSigner
from photomesh_shared.internal_api.identity import EXCHANGE_TOKEN, ExchangedToken
from photomesh_shared.settings import ReplaceableSecret
from photomesh_shared.tokens.personal import is_well_formed, new_token
from photomesh_shared.tokens.scopes import Scope
from tests.integration.identity.api_users import PASSWORD, ApiUser, ApiUsers, Body
from tests.integration.identity.conftest import DAY, Serving, serve
from tests.support.clock import MovableClock
from tests.support.problems import expect_problem

KEY = "k" * 40


async def make(user: ApiUser, **changes: object) -> httpx.Response:
    body = {"name": "Backup", "scopes": ["accounts:read"], "password": PASSWORD} | changes
    return await user.api.post("/v1/me/tokens", json=body, headers=user.headers)


async def made(user: ApiUser, *scopes: str) -> Body:
    answer = await make(user, scopes=list(scopes))
    assert answer.status_code == 201, answer.text
    body: Body = answer.json()
    return body


async def tokens_of(user: ApiUser) -> list[Body]:
    items: list[Body] = (await user.api.get("/v1/me/tokens", headers=user.headers)).json()["items"]
    return items


def gateway_headers(key: str = KEY, caller: str = "gateway") -> dict[str, str]:
    signer = CallSigner(caller, "identity", ReplaceableSecret(key), SystemClock())
    return {"Authorization": signer.authorization()}


async def exchange(users: ApiUsers, token: str) -> ExchangedToken:
    answer = await users.api.post(EXCHANGE_TOKEN.path, json={"token": token}, headers=gateway_headers())
    assert answer.status_code == 200, answer.text
    return EXCHANGE_TOKEN.parse(answer.content)


async def bearer(users: ApiUsers, token: str) -> dict[str, str]:
    exchanged = await exchange(users, token)
    assert exchanged.access_token is not None
    return {"Authorization": f"Bearer {exchanged.access_token}"}


@pytest.fixture
def own_environment(environment: Mapping[str, str]) -> dict[str, str]:
    return {**environment, "PHOTOMESH_CALLER_KEYS": f'{{"gateway": "{KEY}"}}'}


async def test_a_token_does_what_its_scopes_say(own_environment: dict[str, str], clock: MovableClock) -> None:
    async with serve(own_environment, clock) as users:
        ada = await users.new_user()
        token = await made(ada, "accounts:read", "posts:write")
        assert is_well_formed(token["token"])
        headers = await bearer(users, token["token"])
        assert (await users.api.get("/v1/me", headers=headers)).json()["id"] == ada.id
        assert (await users.api.get(f"/v1/users/{ada.id}", headers=headers)).status_code == 200
        answer = await users.api.patch("/v1/me", json={"bio": "Mine"}, headers=headers)
        assert expect_problem(answer, 403, "insufficient-scope")["required_scope"] == "accounts:write"
        writing = await bearer(users, (await made(ada, "accounts:write"))["token"])
        assert (await users.api.patch("/v1/me", json={"bio": "Mine"}, headers=writing)).status_code == 200
        answer = await users.api.get("/v1/me", headers=writing)
        assert expect_problem(answer, 403, "insufficient-scope")["required_scope"] == "accounts:read"
        answer = await users.api.get(f"/v1/users/{ada.id}", headers=writing)  # public, but not with this token
        expect_problem(answer, 403, "insufficient-scope")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/me/sessions", None),
        ("DELETE", "/v1/me/sessions", None),
        ("DELETE", "/v1/sessions/current", None),
        ("GET", "/v1/me/tokens", None),
        ("POST", "/v1/me/tokens", {"name": "More", "scopes": ["posts:read"], "password": PASSWORD}),
        ("GET", "/v1/me/second-factors", None),
        ("POST", "/v1/me/totp", {"password": PASSWORD}),
        ("POST", "/v1/me/passkeys/options", {"password": PASSWORD}),
        ("GET", "/v1/me/passkeys", None),
    ],
)
async def test_no_scope_permits_credentials(
    own_environment: dict[str, str], clock: MovableClock, method: str, path: str, body: object
) -> None:
    async with serve(own_environment, clock) as users:
        ada = await users.new_user()
        headers = await bearer(users, (await made(ada, *Scope))["token"])
        expect_problem(await users.api.request(method, path, json=body, headers=headers), 403, "session-required")


async def test_what_is_shown_of_tokens(own_environment: dict[str, str], clock: MovableClock) -> None:
    async with serve(own_environment, clock) as users:
        ada, eve = await users.new_user(), await users.new_user()
        token = await made(ada, "posts:read", "accounts:read")
        assert token["scopes"] == ["accounts:read", "posts:read"]
        assert await tokens_of(ada) == [{name: value for name, value in token.items() if name != "token"}]
        await exchange(users, token["token"])
        [shown] = await tokens_of(ada)
        assert shown["used_at"] is not None
        path = f"/v1/me/tokens/{token['id']}"
        expect_problem(await users.api.delete(path, headers=eve.headers), 404, "token-not-found")
        assert (await users.api.delete(path, headers=ada.headers)).status_code == 204
        assert await tokens_of(ada) == []
        assert (await exchange(users, token["token"])).access_token is None
        expect_problem(await make(ada, password="wrong"), 403, "wrong-password")
        invalid: list[Body] = [{"scopes": []}, {"scopes": ["everything"]}, {"expires_in_days": 367}, {"name": ""}]
        for changes in invalid:
            expect_problem(await make(ada, **changes), 422, "invalid-request")


async def test_a_token_expires(own_environment: dict[str, str], clock: MovableClock) -> None:
    async with serve(own_environment, clock) as users:
        ada = await users.new_user()
        token = (await make(ada, expires_in_days=1)).json()["token"]
        exchanged = await exchange(users, token)
        assert exchanged.expires_in == 120
        assert exchanged.access_token is not None
        assert "kid" in jws.extract_compact(exchanged.access_token.encode()).headers()
        clock.ahead += DAY
        assert (await exchange(users, token)).access_token is None


async def test_only_the_gateway_exchanges(own_environment: dict[str, str], clock: MovableClock) -> None:
    async with serve(own_environment, clock) as users:
        ada = await users.new_user()
        body = {"token": (await made(ada, "posts:read"))["token"]}
        expect_problem(await users.api.post(EXCHANGE_TOKEN.path, json=body), 401, "missing-token")
        for headers in (ada.headers, gateway_headers("x" * 40)):
            answer = await users.api.post(EXCHANGE_TOKEN.path, json=body, headers=headers)
            expect_problem(answer, 401, "invalid-token")
        for unknown in (new_token(), "", "pt_", "x" * 100):
            assert (await exchange(users, unknown)).access_token is None
        # Services take access tokens only.
        expect_problem(
            await users.api.get("/v1/me", headers={"Authorization": f"Bearer {body['token']}"}), 401, "invalid-token"
        )


async def test_an_account_has_fifty_at_most(serving: Serving) -> None:
    async with serving() as users:
        ada = await users.new_user()
        answers = [await make(ada) for _ in range(48)]
        answers += await asyncio.gather(*(make(ada) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [201] * 50 + [409]
        assert len(await tokens_of(ada)) == 50
