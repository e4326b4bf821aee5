"""Tokens of calls between services."""

from __future__ import annotations

import secrets
from itertools import pairwise

import pytest

from photomesh_shared.errors import ExpiredToken, InvalidToken, MissingToken
from photomesh_shared.internal_api.credentials import CallSigner, CallVerifier
from photomesh_shared.settings import ReplaceableSecret
from tests.support.clock import FakeClock

KEYS = {caller: ReplaceableSecret(secrets.token_hex(32)) for caller in ("feed", "identity")}


def verifier(clock: FakeClock, service: str = "post") -> CallVerifier:
    return CallVerifier(service, KEYS, clock)


@pytest.mark.parametrize("caller", KEYS)
def test_a_service_learns_who_calls(caller: str) -> None:
    clock = FakeClock()
    signer, service = CallSigner(caller, "post", KEYS[caller], clock), verifier(clock)
    assert [service.caller(signer.authorization()) for _ in range(2)] == [caller, caller]


def test_a_key_is_of_no_use_under_another_name() -> None:
    clock = FakeClock()
    with pytest.raises(InvalidToken):
        verifier(clock).caller(CallSigner("identity", "post", KEYS["feed"], clock).authorization())


def test_a_token_is_of_no_use_at_another_service() -> None:
    clock = FakeClock()
    with pytest.raises(InvalidToken):
        verifier(clock, "social-graph").caller(CallSigner("feed", "post", KEYS["feed"], clock).authorization())


def test_a_key_that_is_nobodys_is_refused() -> None:
    clock = FakeClock()
    key = ReplaceableSecret(secrets.token_hex(32))
    with pytest.raises(InvalidToken):
        verifier(clock).caller(CallSigner("feed", "post", key, clock).authorization())


@pytest.mark.parametrize("header", [None, "", "Bearer ", "Basic Zm9vOmJhcg=="])
def test_a_call_without_a_token_is_refused(header: str | None) -> None:
    with pytest.raises(MissingToken):
        verifier(FakeClock()).caller(header)


@pytest.mark.parametrize(
    "token", ["x", "a.b.c", "..", "e30.e30.e30", "\u00e9.\u00e9.\u00e9", "eyJhbGciOiJub25lIn0.e30."]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        verifier(FakeClock()).caller(f"Bearer {token}")


async def test_a_token_ends_and_the_caller_has_renewed_it_by_then() -> None:
    clock = FakeClock()
    signer, service = CallSigner("feed", "post", KEYS["feed"], clock), verifier(clock)
    old = signer.authorization()
    assert service.caller(old) == "feed"
    await clock.advance(200)
    new = signer.authorization()
    assert new != old
    await clock.advance(140)
    for known in (service, verifier(clock)):
        with pytest.raises(ExpiredToken):
            known.caller(old)
        assert known.caller(new) == "feed"


def test_a_key_is_replaced_without_refusing_a_call() -> None:
    clock = FakeClock()
    old, new = secrets.token_hex(32), secrets.token_hex(32)
    steps = [ReplaceableSecret(value) for value in (old, f"{old},{new}", f"{new},{old}", new)]
    for before, after in pairwise(steps):
        for caller, service in ((before, after), (after, before)):  # whichever restarts first
            token = CallSigner("feed", "post", caller, clock).authorization()
            assert CallVerifier("post", {"feed": service}, clock).caller(token) == "feed"
    with pytest.raises(InvalidToken):
        CallVerifier("post", {"feed": steps[-1]}, clock).caller(
            CallSigner("feed", "post", steps[0], clock).authorization()
        )
