"""Selection, rotation and encryption of signing keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photomesh_identity.signing_keys.domain import (
    KeyCipher,
    SigningKey,
    current_key,
    generate_key,
    published_keys,
    rotate,
    with_first_key,
)
from photomesh_identity.signing_keys.service import KeyRing, TokenPolicy
from photomesh_shared.errors import ExpiredToken, InvalidToken
from photomesh_shared.tokens.access import TokenVerifier
from tests.support.clock import FakeClock

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
LIFETIME = timedelta(minutes=15)
DELAY = timedelta(minutes=15)
CIPHER = KeyCipher("secret")
POLICY = TokenPolicy("photomesh", "photomesh-api", LIFETIME)


class _Store:
    def __init__(self, keys: list[SigningKey]) -> None:
        self.keys = keys

    async def load(self) -> list[SigningKey]:
        return self.keys


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(0, 60))
def test_the_key_of_every_valid_token_is_published(pauses: list[int], minutes: int) -> None:
    keys = with_first_key([], CIPHER, NOW)
    now = NOW
    for pause in pauses:
        now += timedelta(minutes=pause)
        signed_by = current_key(keys, now)
        assert signed_by in published_keys(keys, now, LIFETIME)
        keys = rotate(keys, CIPHER, now, publish_delay=DELAY, token_lifetime=LIFETIME)
        assert current_key(keys, now) == signed_by  # the new key is not active yet
        assert signed_by in published_keys(keys, now + LIFETIME, LIFETIME)
    end = now + timedelta(minutes=minutes)
    assert current_key(keys, end) in published_keys(keys, end, LIFETIME)


def test_a_key_is_published_until_its_last_token_has_expired() -> None:
    first, second = rotate(with_first_key([], CIPHER, NOW), CIPHER, NOW, publish_delay=DELAY, token_lifetime=LIFETIME)
    last_token = NOW + DELAY + LIFETIME
    assert published_keys([first, second], last_token, LIFETIME) == [first, second]
    assert published_keys([first, second], last_token + timedelta(minutes=1), LIFETIME) == [second]


def test_the_first_key_and_a_clock_that_is_behind() -> None:
    assert published_keys([], NOW, LIFETIME) == []
    [first] = rotate([], CIPHER, NOW, publish_delay=DELAY, token_lifetime=LIFETIME)
    assert first.active_from == NOW
    assert current_key([first], NOW - timedelta(hours=1)) == first


def test_encryption_is_bound_to_secret_and_kid() -> None:
    key = generate_key(CIPHER, created_at=NOW, active_from=NOW)
    assert CIPHER.decrypt(key).kid == key.kid
    for altered in (
        replace(key, kid="another"),
        replace(key, encrypted_private=key.encrypted_private[:-1] + bytes([key.encrypted_private[-1] ^ 1])),
    ):
        with pytest.raises(ValueError, match="PHOTOMESH_KEY_ENCRYPTION_SECRET"):
            CIPHER.decrypt(altered)
    with pytest.raises(ValueError, match=key.kid):
        KeyCipher("another secret").decrypt(key)
    assert b'"d"' not in key.encrypted_private
    assert "d" not in key.public_jwk


def test_a_rotation_encrypts_with_the_secret_in_use() -> None:
    keys = with_first_key([], KeyCipher("old"), NOW)
    both = KeyCipher("new", "old")
    assert both.decrypt(keys[0]).kid == keys[0].kid
    rotated = rotate(keys, both, NOW, publish_delay=DELAY, token_lifetime=LIFETIME)
    assert [KeyCipher("new").decrypt(key).kid for key in rotated] == [keys[0].kid, rotated[1].kid]


async def test_claims_of_access_tokens() -> None:
    clock = FakeClock(NOW)
    ring = KeyRing(_Store(with_first_key([], CIPHER, NOW)), CIPHER, POLICY, clock)
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


async def test_the_key_ring_follows_rotations() -> None:
    clock = FakeClock(NOW)
    store = _Store(with_first_key([], CIPHER, NOW))
    ring = KeyRing(store, CIPHER, POLICY, clock)
    await ring.load()
    store.keys = rotate(store.keys, CIPHER, NOW, publish_delay=timedelta(0), token_lifetime=LIFETIME)
    other = KeyRing(store, CIPHER, POLICY, clock)
    await other.load()
    verifier = TokenVerifier(ring.jwks, issuer="photomesh", audience="photomesh-api", clock=clock)
    await verifier.verify(ring.access_token(1, 1))
    with pytest.raises(InvalidToken):
        await verifier.verify(other.access_token(1, 1))
    await ring.load()
    await clock.advance(10)  # the interval at which a verifier looks for unknown keys
    await verifier.verify(other.access_token(1, 1))
