"""Which key signs, which are published, and what rests in the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photomesh_identity.keys import (
    KeyRing,
    Seal,
    SealedKey,
    TokenPolicy,
    new_key,
    published,
    rotated,
    signing,
    with_first_key,
)
from photomesh_shared.auth import TokenVerifier
from photomesh_shared.errors import ExpiredToken, InvalidToken
from tests.support.clock import FakeClock

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
LIFETIME = timedelta(minutes=15)
DELAY = timedelta(minutes=15)
SEAL = Seal("secret")
POLICY = TokenPolicy("photomesh", "photomesh-api", LIFETIME)


class _Store:
    def __init__(self, keys: list[SealedKey]) -> None:
        self.keys = keys

    async def signing_keys(self) -> list[SealedKey]:
        return self.keys


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(0, 60))
def test_whatever_has_signed_a_token_that_is_good_is_published(pauses: list[int], minutes: int) -> None:
    """At any time, a token that was signed within its lifetime is verified by what is published then."""
    keys = with_first_key([], SEAL, NOW)
    now = NOW
    for pause in pauses:
        now += timedelta(minutes=pause)
        signed_by = signing(keys, now)
        assert signed_by in published(keys, now, LIFETIME)
        keys = rotated(keys, SEAL, now, publish_delay=DELAY, token_lifetime=LIFETIME)
        assert signing(keys, now) == signed_by  # the new key waits
        assert signed_by in published(keys, now + LIFETIME, LIFETIME)
    end = now + timedelta(minutes=minutes)
    assert signing(keys, end) in published(keys, end, LIFETIME)


def test_a_key_goes_when_its_last_token_has_expired() -> None:
    first, second = rotated(with_first_key([], SEAL, NOW), SEAL, NOW, publish_delay=DELAY, token_lifetime=LIFETIME)
    last_token = NOW + DELAY + LIFETIME
    assert published([first, second], last_token, LIFETIME) == [first, second]
    assert published([first, second], last_token + timedelta(minutes=1), LIFETIME) == [second]


def test_no_keys_and_clocks_that_are_behind() -> None:
    assert published([], NOW, LIFETIME) == []
    [first] = rotated([], SEAL, NOW, publish_delay=DELAY, token_lifetime=LIFETIME)
    assert first.active_from == NOW
    assert signing([first], NOW - timedelta(hours=1)) == first


def test_the_seal_is_bound_to_secret_and_kid() -> None:
    key = new_key(SEAL, created_at=NOW, active_from=NOW)
    assert SEAL.open(key).kid == key.kid
    for altered in (
        replace(key, kid="another"),
        replace(key, sealed_private=key.sealed_private[:-1] + bytes([key.sealed_private[-1] ^ 1])),
    ):
        with pytest.raises(ValueError, match="PHOTOMESH_KEY_ENCRYPTION_SECRET"):
            SEAL.open(altered)
    with pytest.raises(ValueError, match=key.kid):
        Seal("another secret").open(key)
    assert b'"d"' not in key.sealed_private
    assert "d" not in key.public_jwk


async def test_tokens_say_who_and_for_how_long() -> None:
    clock = FakeClock(NOW)
    ring = KeyRing(_Store(with_first_key([], SEAL, NOW)), SEAL, POLICY, clock)
    await ring.load()
    verifier = TokenVerifier(ring.jwks, issuer="photomesh", audience="photomesh-api", clock=clock)
    token = ring.access_token(7, 8)
    principal = await verifier.verify(token)
    assert (principal.account_id, principal.session_id) == (7, 8)
    assert principal.expires_at == NOW + LIFETIME
    assert principal.token_id != (await verifier.verify(ring.access_token(7, 8))).token_id
    await clock.advance(LIFETIME.total_seconds())
    with pytest.raises(ExpiredToken):
        await verifier.verify(token)


async def test_a_ring_follows_rotations() -> None:
    clock = FakeClock(NOW)
    store = _Store(with_first_key([], SEAL, NOW))
    ring = KeyRing(store, SEAL, POLICY, clock)
    await ring.load()
    store.keys = rotated(store.keys, SEAL, NOW, publish_delay=timedelta(0), token_lifetime=LIFETIME)
    other = KeyRing(store, SEAL, POLICY, clock)
    await other.load()
    verifier = TokenVerifier(ring.jwks, issuer="photomesh", audience="photomesh-api", clock=clock)
    await verifier.verify(ring.access_token(1, 1))
    with pytest.raises(InvalidToken):
        await verifier.verify(other.access_token(1, 1))
    await ring.load()
    await clock.advance(10)  # a verifier does not look for unknown keys more often
    await verifier.verify(other.access_token(1, 1))
