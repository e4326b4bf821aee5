"""Signing keys: which one signs, and which are published.

A key is published when it is made, and signs from `active_from`, when every verifier has had time to fetch it. Its
predecessor stays published until the last token that it signed has expired.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from joserfc.jwk import ECKey

from photomesh_shared.at_rest import AtRestCipher
from photomesh_shared.tokens.access import ALGORITHM

__all__ = ["KeyCipher", "SigningKey", "current_key", "generate_key", "published_keys", "rotate", "with_first_key"]

_CLOCK_SKEW = timedelta(minutes=1)


@dataclass(frozen=True)
class SigningKey:
    """A key as it is stored."""

    kid: str
    public_jwk: dict[str, Any]
    encrypted_private: bytes
    created_at: datetime
    active_from: datetime


class KeyCipher:
    """Encrypts private keys at rest, each bound to its kid."""

    def __init__(self, *secrets: str) -> None:
        """The first of `secrets` encrypts; all decrypt."""
        self._cipher = AtRestCipher("photomesh signing keys", *secrets)

    def encrypt(self, kid: str, private_jwk: dict[str, Any]) -> bytes:
        return self._cipher.encrypt(kid, json.dumps(private_jwk).encode())

    def decrypt(self, key: SigningKey) -> ECKey:
        """Raises ValueError if the key was encrypted with another secret."""
        return ECKey.import_key(json.loads(self._cipher.decrypt(key.kid, key.encrypted_private)))

    def reencrypt(self, key: SigningKey) -> SigningKey:
        """Return the key encrypted with the first secret. Raises ValueError, see `decrypt`."""
        return replace(key, encrypted_private=self._cipher.reencrypt(key.kid, key.encrypted_private))


def generate_key(cipher: KeyCipher, *, created_at: datetime, active_from: datetime) -> SigningKey:
    kid = secrets.token_urlsafe(12)
    key = ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": ALGORITHM})
    private, public = dict(key.as_dict(private=True)), dict(key.as_dict(private=False))
    return SigningKey(kid, public, cipher.encrypt(kid, private), created_at, active_from)


def current_key(keys: Sequence[SigningKey], now: datetime) -> SigningKey:
    """The newest active key; the oldest key if none is active (this clock is behind that of the key's maker)."""
    ordered = sorted(keys, key=lambda key: key.active_from)
    return next((key for key in reversed(ordered) if key.active_from <= now), ordered[0])


def published_keys(keys: Sequence[SigningKey], now: datetime, token_lifetime: timedelta) -> list[SigningKey]:
    """All keys but those whose last token has expired."""
    ordered = sorted(keys, key=lambda key: key.active_from)
    ended = [key for key, successor in pairwise(ordered) if now >= successor.active_from + token_lifetime + _CLOCK_SKEW]
    return [key for key in ordered if key not in ended]


def with_first_key(keys: list[SigningKey], cipher: KeyCipher, now: datetime) -> list[SigningKey]:
    """The keys, or a first one, which is active at once: no verifier has cached another."""
    return keys or [generate_key(cipher, created_at=now, active_from=now)]


def rotate(
    keys: list[SigningKey], cipher: KeyCipher, now: datetime, *, publish_delay: timedelta, token_lifetime: timedelta
) -> list[SigningKey]:
    """The published keys, encrypted with the secret in use, and a new one that is active after the delay (the very
    first one at once)."""
    if not keys:
        return with_first_key(keys, cipher, now)
    added = generate_key(cipher, created_at=now, active_from=now + publish_delay)
    return [*map(cipher.reencrypt, published_keys(keys, now, token_lifetime)), added]
