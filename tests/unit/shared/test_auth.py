"""Access tokens: which are believed, and how the keys are kept."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from photomesh_shared.auth import MaybeViewer, Principal, Viewer
from photomesh_shared.clock import SystemClock
from photomesh_shared.errors import ExpiredToken, InvalidToken, Problem, Unavailable
from photomesh_shared.tokens.access import TokenVerifier, fetch_jwks, principal_from_header
from tests.support.clock import FakeClock, settle
from tests.support.tokens import Issuer


class _Clock(FakeClock):
    """Begins at the machine's time, by which `Issuer` signs."""

    def __init__(self) -> None:
        super().__init__(SystemClock().now())


@dataclass
class _Keys:
    """A key source that counts, and that can be away."""

    issuers: list[Issuer]
    fetched: int = 0
    error: Exception | None = None
    answer: Any = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def __call__(self) -> dict[str, list[dict[str, str]]]:
        self.fetched += 1
        await self.gate.wait()
        if self.error:
            raise self.error
        if self.answer is not None:
            return self.answer  # type: ignore[no-any-return]
        return {"keys": [key for issuer in self.issuers for key in issuer.jwks()["keys"]]}


@dataclass
class _World:
    issuer: Issuer
    keys: _Keys
    clock: _Clock
    verifier: TokenVerifier


@pytest.fixture
def world() -> _World:
    issuer, clock = Issuer(), _Clock()
    keys = _Keys([issuer])
    return _World(issuer, keys, clock, TokenVerifier(keys, issuer="photomesh", audience="photomesh-api", clock=clock))


async def test_a_good_token_says_who(world: _World) -> None:
    principal = await world.verifier.verify(world.issuer.token(7, sid="ss_9", jti="abc"))
    assert (principal.account_id, principal.session_id, principal.token_id) == (7, 9, "abc")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-api"},
        {"aud": ["another-api"]},
        {"aud": None},
        {"iss": "another"},
        {"iss": None},
        {"typ": "refresh"},
        {"typ": None},
        {"sub": None},
        {"sub": "p_1"},
        {"sub": 7},
        {"sub": ""},
        {"sid": None},
        {"sid": "u_1"},
        {"jti": None, "sid": 5},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": "yesterday"},
    ],
)
async def test_a_token_for_something_else(world: _World, claims: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        await world.verifier.verify(world.issuer.token(1, **claims))


async def test_an_expired_token(world: _World) -> None:
    token = world.issuer.token(1, expires_in=60)
    await world.verifier.verify(token)
    await world.clock.advance(61)
    with pytest.raises(ExpiredToken):
        await world.verifier.verify(token)
    with pytest.raises(ExpiredToken):
        await world.verifier.verify(world.issuer.token(1, expires_in=-60))


def _unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)]
    return ".".join([*parts, ""])


async def test_forgeries(world: _World) -> None:
    good = world.issuer.token(1)
    header, payload, signature = good.split(".")
    other_payload = world.issuer.token(2).split(".")[1]
    kid = str(world.issuer.key.kid)
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    public = json.dumps(world.issuer.jwks()["keys"][0])
    forgeries = [
        world.issuer.token(1, key=ECKey.generate_key("P-256", {"kid": kid, "alg": "ES256"})),
        Issuer().token(1),
        f"{header}.{other_payload}.{signature}",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        _unsigned({"alg": "none"}, claims),
        _unsigned({"alg": "none", "kid": kid}, claims),
        jwt.encode({"alg": "HS256", "kid": kid}, claims, OctKey.import_key(public), algorithms=["HS256"]),
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "ü.ü.ü",
        "\ud800",
        "eyJhbGciOiJFUzI1NiJ9." * 2 + "x",
        base64.urlsafe_b64encode(b"[]").decode() + ".e30.x",
        base64.urlsafe_b64encode(b'{"alg":"ES256","kid":["a"]}').decode().rstrip("=") + ".e30.x",
        "x" * 100_000,
    ]
    for forgery in forgeries:
        with pytest.raises(InvalidToken):
            await world.verifier.verify(forgery)
    await world.verifier.verify(good)


async def test_keys_are_fetched_once(world: _World) -> None:
    for account_id in range(5):
        await world.verifier.verify(world.issuer.token(account_id))
    assert world.keys.fetched == 1


async def test_many_at_once_wait_for_one_fetch(world: _World) -> None:
    world.keys.gate.clear()
    waiting = [asyncio.create_task(world.verifier.verify(world.issuer.token(n))) for n in range(5)]
    await settle()
    world.keys.gate.set()
    assert [principal.account_id for principal in await asyncio.gather(*waiting)] == list(range(5))
    assert world.keys.fetched == 1


async def test_a_new_key_is_looked_for_but_not_at_every_request(world: _World) -> None:
    await world.verifier.verify(world.issuer.token(1))
    successor = Issuer()
    world.keys.issuers.append(successor)
    with pytest.raises(InvalidToken):
        await world.verifier.verify(successor.token(1))
    await world.clock.advance(10)
    await world.verifier.verify(successor.token(1))
    fetched = world.keys.fetched
    for _ in range(20):
        with pytest.raises(InvalidToken):
            await world.verifier.verify(Issuer().token(1))
    assert world.keys.fetched <= fetched + 1


async def test_a_withdrawn_key_stops_working(world: _World) -> None:
    token = world.issuer.token(1, expires_in=3600)
    await world.verifier.verify(token)
    world.keys.issuers = [Issuer()]
    await world.clock.advance(300)
    await world.verifier.verify(token)  # this one starts the renewal in the background
    await settle()
    with pytest.raises(InvalidToken):
        await world.verifier.verify(token)


async def test_while_identity_is_away_known_keys_go_on_working(world: _World) -> None:
    await world.verifier.verify(world.issuer.token(1))
    world.keys.error = httpx.ConnectError("away")
    for _ in range(5):
        await world.clock.advance(300)
        await world.verifier.verify(world.issuer.token(2, expires_in=9000))
        await settle()
    with pytest.raises(InvalidToken):
        await world.verifier.verify(Issuer().token(1, expires_in=9000))


@pytest.mark.parametrize(
    "answer", [[], "keys", {}, {"keys": None}, {"keys": ["x"]}, {"keys": [{"kty": "EC"}]}, {"keys": [{"kty": "new"}]}]
)
async def test_a_broken_key_set_is_as_good_as_none(world: _World, answer: Any) -> None:
    world.keys.answer = answer
    with pytest.raises(Unavailable):
        await world.verifier.verify(world.issuer.token(1))
    world.keys.answer = None
    await world.clock.advance(10)
    await world.verifier.verify(world.issuer.token(1))


async def test_without_keys_it_is_not_the_token_that_is_wrong(world: _World) -> None:
    world.keys.error = httpx.ConnectError("away")
    with pytest.raises(Unavailable):
        await world.verifier.verify(world.issuer.token(1))
    with pytest.raises(InvalidToken):
        await world.verifier.verify("nonsense")


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer ", "Bearer  ", "bearer:x"])
async def test_headers_that_carry_no_token(world: _World, header: str) -> None:
    with pytest.raises(InvalidToken):
        await principal_from_header(world.verifier, header)


async def test_the_scheme_is_case_insensitive_and_its_absence_is_nobody(world: _World) -> None:
    token = world.issuer.token(7)
    for header in (f"Bearer {token}", f"bearer {token}", f"BEARER   {token} "):
        assert isinstance(await principal_from_header(world.verifier, header), Principal)
    assert await principal_from_header(world.verifier, None) is None
    assert await principal_from_header(world.verifier, "") is None


async def test_routes_ask_for_a_viewer_or_take_one(world: _World) -> None:
    app = FastAPI()
    app.state.token_verifier = world.verifier
    seen: list[str] = []

    @app.exception_handler(Problem)
    async def on_problem(_: object, problem: Exception) -> JSONResponse:
        assert isinstance(problem, Problem)
        seen.append(problem.code)
        return JSONResponse({}, problem.status)

    @app.get("/mine")
    async def mine(viewer: Viewer) -> int:
        return viewer.account_id

    @app.get("/anyones")
    async def anyones(viewer: MaybeViewer) -> int | None:
        return viewer.account_id if viewer else None

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        headers = world.issuer.headers(7)
        assert (await client.get("/mine", headers=headers)).json() == 7
        assert (await client.get("/anyones", headers=headers)).json() == 7
        assert (await client.get("/anyones")).json() is None
        assert (await client.get("/mine")).status_code == 401
        assert (await client.get("/anyones", headers={"Authorization": "Bearer x"})).status_code == 401
    assert seen == ["missing-token", "invalid-token"]


async def test_keys_over_http(world: _World) -> None:
    answers = [httpx.Response(200, json=world.issuer.jwks()), httpx.Response(503), httpx.Response(200, text="<html>")]
    transport = httpx.MockTransport(lambda request: answers.pop(0))
    async with httpx.AsyncClient(transport=transport) as client:
        fetch = fetch_jwks(client, "http://identity/jwks.json")
        assert await fetch() == world.issuer.jwks()
        with pytest.raises(httpx.HTTPError):
            await fetch()
        with pytest.raises(ValueError):
            await fetch()
