"""Access tokens at the gateway."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable

import httpx
import pytest
from joserfc.jwk import ECKey
from starlette.types import Receive, Scope, Send

from photomesh_shared.internal_api.identity import EXCHANGE_TOKEN
from photomesh_shared.tokens.personal import new_token
from tests.integration.gateway.conftest import StartGateway
from tests.integration.gateway.stand_in import Service, respond
from tests.support.listening import listening
from tests.support.problems import expect_problem
from tests.support.tokens import Issuer
from tests.support.waiting import eventually


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def without_signature(token: str) -> str:
    """The same claims under `alg: none`, a classic."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def tampered(token: str) -> str:
    head, _, signature = token.split(".")
    claims = base64.urlsafe_b64encode(json.dumps({"sub": "u_1", "exp": 2**40}).encode()).rstrip(b"=").decode()
    return f"{head}.{claims}.{signature}"


BAD: dict[str, tuple[Callable[[Issuer], dict[str, str]], str]] = {
    "none at all": (lambda issuer: {}, "missing-token"),
    "expired": (lambda issuer: issuer.headers(1, expires_in=-60), "expired-token"),
    "another audience": (lambda issuer: issuer.headers(1, aud="someone-else"), "invalid-token"),
    "another issuer": (lambda issuer: issuer.headers(1, iss="someone-else"), "invalid-token"),
    "another kind": (lambda issuer: issuer.headers(1, typ="refresh"), "invalid-token"),
    "another key": (lambda issuer: issuer.headers(1, key=ECKey.generate_key("P-256")), "invalid-token"),
    "unknown key": (lambda issuer: Issuer().headers(1), "invalid-token"),
    "no signature": (lambda issuer: bearer(without_signature(issuer.token(1))), "invalid-token"),
    "tampered": (lambda issuer: bearer(tampered(issuer.token(1))), "invalid-token"),
    "subject is no id": (lambda issuer: issuer.headers(1, sub="admin"), "invalid-token"),
    "never expires": (lambda issuer: issuer.headers(1, exp=None), "invalid-token"),
    "not yet": (lambda issuer: issuer.headers(1, nbf=int(time.time()) + 3600), "invalid-token"),
    "garbage": (lambda issuer: bearer("garbage"), "invalid-token"),
    "empty": (lambda issuer: {"Authorization": "Bearer"}, "invalid-token"),
    "another scheme": (lambda issuer: {"Authorization": "Basic YTpi"}, "invalid-token"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_token_gets_nowhere(
    gateway: httpx.AsyncClient, service: Service, issuer: Issuer, name: str
) -> None:
    headers, code = BAD[name]
    answer = await gateway.get("/v1/me", headers=headers(issuer))
    expect_problem(answer, 401, code)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["ratelimit"]
    assert service.seen == []


async def test_a_good_token(gateway: httpx.AsyncClient, service: Service, someone: dict[str, str]) -> None:
    for _ in range(2):  # the second time it is remembered
        assert (await gateway.get("/v1/me", headers=someone)).status_code == 200
    assert service.last.header("authorization") == someone["Authorization"]


async def test_a_remembered_token_expires_all_the_same(
    gateway: httpx.AsyncClient, issuer: Issuer, new_id: Callable[[], int]
) -> None:
    headers = issuer.headers(new_id(), expires_in=1)

    async def status() -> int:
        return (await gateway.get("/v1/me", headers=headers)).status_code

    assert await status() == 200
    assert await eventually(status, until=lambda status: status == 401, within=5)


async def test_where_a_token_is_optional(
    gateway: httpx.AsyncClient, service: Service, issuer: Issuer, someone: dict[str, str]
) -> None:
    assert (await gateway.get("/v1/photos/p_1")).status_code == 200
    assert service.last.header("authorization") is None
    assert (await gateway.get("/v1/photos/p_1", headers=someone)).status_code == 200
    assert service.last.header("authorization")
    expect_problem(await gateway.get("/v1/photos/p_1", headers=bearer("garbage")), 401, "invalid-token")


async def test_routes_of_staff_need_the_role(
    gateway: httpx.AsyncClient, service: Service, issuer: Issuer, new_id: Callable[[], int]
) -> None:
    path = "/v1/staff/audit-log"
    expect_problem(await gateway.get(path), 401, "missing-token")
    for roles in ("", "support"):
        answer = await gateway.get(path, headers=issuer.headers(new_id(), roles=roles))
        assert expect_problem(answer, 403, "role-required")["required_role"] == "administrator"
    assert service.seen == []
    answer = await gateway.get(path, headers=issuer.headers(new_id(), roles="administrator"))
    assert answer.status_code == 200
    assert service.last.path == path


async def test_logging_in_again_with_an_old_token_at_hand(gateway: httpx.AsyncClient, issuer: Issuer) -> None:
    answer = await gateway.post("/v1/sessions", json={}, headers=issuer.headers(1, expires_in=-60))
    assert answer.status_code == 200


class Keys:
    """Publishes an issuer's keys, when it is up."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer, self.up, self.asked = issuer, False, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        body = json.dumps(self.issuer.jwks()).encode() if self.up else b"down"
        await respond(send, body, status=200 if self.up else 500)


async def test_without_keys_at_the_start_it_heals(start_gateway: StartGateway, new_id: Callable[[], int]) -> None:
    keys = Keys(Issuer())
    async with listening(keys, lifespan="off") as url, start_gateway(jwks_url=url) as gateway:
        headers = keys.issuer.headers(new_id())
        answers = await asyncio.gather(*[gateway.get("/v1/me", headers=headers) for _ in range(20)])
        for answer in answers:
            expect_problem(answer, 503, "unavailable")
            assert answer.headers["retry-after"]
        assert keys.asked == 1  # twenty requests are no reason to ask twenty times
        assert (await gateway.get("/v1/photos/p_1")).status_code == 200  # who has no token is served meanwhile
        keys.up = True

        async def status() -> int:
            return (await gateway.get("/v1/me", headers=headers)).status_code

        await eventually(status, until=lambda status: status == 200, within=10)


async def test_without_keys_later_on_those_it_has_will_do(
    start_gateway: StartGateway, new_id: Callable[[], int]
) -> None:
    keys = Keys(Issuer())
    keys.up = True
    async with listening(keys, lifespan="off") as url, start_gateway(jwks_url=url) as gateway:
        assert (await gateway.get("/v1/me", headers=keys.issuer.headers(new_id()))).status_code == 200
        keys.up = False
        assert (await gateway.get("/v1/me", headers=keys.issuer.headers(new_id()))).status_code == 200


async def test_a_personal_token_is_exchanged_for_an_access_token(
    start_gateway: StartGateway, service: Service, issuer: Issuer
) -> None:
    known, asked = new_token(), []
    access_token = issuer.token(7, scope="accounts:read", sid=None)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == EXCHANGE_TOKEN.path:
            asked.append(json.loads((await receive())["body"])["token"])
            found = asked[-1] == known
            body = {"access_token": access_token if found else None, "expires_in": 120 if found else 0}
        else:
            body = {"authorization": dict(scope["headers"])[b"authorization"].decode()}
        await respond(send, json.dumps(body).encode(), headers=[(b"content-type", b"application/json")])

    service.answer = answer
    async with start_gateway(rate_refresh="2/3600") as gateway:
        for _ in range(3):
            seen = await gateway.get("/v1/me", headers=bearer(known))
            assert seen.json() == {"authorization": f"Bearer {access_token}"}
        unknown = new_token()
        for _ in range(3):
            expect_problem(await gateway.get("/v1/me", headers=bearer(unknown)), 401, "invalid-token")
        assert asked == [known, unknown]
        # A third call would be one too many for this address; junk needs none.
        problem = expect_problem(await gateway.get("/v1/me", headers=bearer(new_token())), 429, "too-many-requests")
        assert problem["violated_policies"] == ["refresh"]
        expect_problem(await gateway.get("/v1/me", headers=bearer("pt_" + "A" * 50)), 401, "invalid-token")
        assert (await gateway.get("/v1/me", headers=bearer(known))).status_code == 200
        assert asked == [known, unknown]
