"""Signing keys: which one signs, which are published, and how the private part rests.

A key is made ahead of its time: it is published at once and signs from `active_from`, when every verifier has had time
to fetch it. The one before stays published until the last token that it signed has expired. `python -m
photomesh_identity.rotate_keys` adds a key; nothing else needs to be told.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwt
from joserfc.jwk import ECKey

from photomesh_shared.auth import ALGORITHM
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
from photomesh_shared.ids import encode

__all__ = [
    "KeyRing",
    "KeyStore",
    "Seal",
    "SealedKey",
    "TokenPolicy",
    "new_key",
    "published",
    "rotated",
    "signing",
    "with_first_key",
]

log = logging.getLogger(__name__)

_NONCE_BYTES = 12
_MARGIN = timedelta(minutes=1)  # clocks differ


@dataclass(frozen=True)
class SealedKey:
    """A signing key as it is stored."""

    kid: str
    public_jwk: dict[str, Any]
    sealed_private: bytes
    created_at: datetime
    active_from: datetime


class Seal:
    """Encrypts private keys at rest, each bound to its kid."""

    def __init__(self, secret: str) -> None:
        self._cipher = AESGCM(hashlib.sha256(b"photomesh signing keys\0" + secret.encode()).digest())

    def close(self, kid: str, private_jwk: dict[str, Any]) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, json.dumps(private_jwk).encode(), kid.encode())

    def open(self, key: SealedKey) -> ECKey:
        """Raises ValueError when the key was sealed under another secret."""
        nonce, sealed = key.sealed_private[:_NONCE_BYTES], key.sealed_private[_NONCE_BYTES:]
        try:
            return ECKey.import_key(json.loads(self._cipher.decrypt(nonce, sealed, key.kid.encode())))
        except InvalidTag as error:
            raise ValueError(
                f"signing key {key.kid} was encrypted under another PHOTOMESH_KEY_ENCRYPTION_SECRET"
            ) from error


def new_key(seal: Seal, *, created_at: datetime, active_from: datetime) -> SealedKey:
    kid = secrets.token_urlsafe(12)
    key = ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": ALGORITHM})
    private, public = dict(key.as_dict(private=True)), dict(key.as_dict(private=False))
    return SealedKey(kid, public, seal.close(kid, private), created_at, active_from)


def signing(keys: Sequence[SealedKey], now: datetime) -> SealedKey:
    """The newest key whose time has come; the oldest if none has (our clock is behind that of its maker)."""
    ordered = sorted(keys, key=lambda key: key.active_from)
    return next((key for key in reversed(ordered) if key.active_from <= now), ordered[0])


def published(keys: Sequence[SealedKey], now: datetime, token_lifetime: timedelta) -> list[SealedKey]:
    """All but those whose last token has expired."""
    ordered = sorted(keys, key=lambda key: key.active_from)
    ended = [key for key, successor in pairwise(ordered) if now >= successor.active_from + token_lifetime + _MARGIN]
    return [key for key in ordered if key not in ended]


def with_first_key(keys: list[SealedKey], seal: Seal, now: datetime) -> list[SealedKey]:
    """The keys; or a first one, which signs at once, for no verifier knows another."""
    return keys or [new_key(seal, created_at=now, active_from=now)]


def rotated(
    keys: list[SealedKey], seal: Seal, now: datetime, *, publish_delay: timedelta, token_lifetime: timedelta
) -> list[SealedKey]:
    """The keys that are still needed, and a new one that signs after the delay (the very first at once)."""
    if not keys:
        return with_first_key(keys, seal, now)
    added = new_key(seal, created_at=now, active_from=now + publish_delay)
    return [*published(keys, now, token_lifetime), added]


class KeyStore(Protocol):
    async def signing_keys(self) -> list[SealedKey]:
        """All there are."""
        ...


@dataclass(frozen=True)
class TokenPolicy:
    """What access tokens say about themselves."""

    issuer: str
    audience: str
    lifetime: timedelta


class KeyRing:
    """Signs access tokens, and lists the public keys that verify them. Follows rotations in the database."""

    def __init__(self, store: KeyStore, seal: Seal, policy: TokenPolicy, clock: Clock) -> None:
        self._store = store
        self._seal = seal
        self._policy = policy
        self._clock = clock
        self._keys: list[SealedKey] = []
        self._opened: dict[str, ECKey] = {}

    @property
    def lifetime(self) -> timedelta:
        return self._policy.lifetime

    async def load(self) -> None:
        """Reads the keys. Raises ValueError when one was encrypted under another secret."""
        keys = published(await self._store.signing_keys(), self._clock.now(), self._policy.lifetime)
        self._opened = {key.kid: self._opened.get(key.kid) or self._seal.open(key) for key in keys}
        self._keys = keys

    async def follow(self, every_seconds: float) -> None:
        """Reads the keys again and again. While the database is away, those that we have go on working."""
        while True:
            await self._clock.sleep(every_seconds)
            try:
                await self.load()
            except Unavailable as error:
                log.warning("signing keys were not read again", extra={"error": str(error)})

    async def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """The JWK set (RFC 7517)."""
        keys = published(self._keys, self._clock.now(), self._policy.lifetime)
        return {"keys": [key.public_jwk for key in keys]}

    def access_token(self, account_id: int, session_id: int) -> str:
        now = self._clock.now()
        kid = signing(self._keys, now).kid
        claims = {
            "iss": self._policy.issuer,
            "aud": self._policy.audience,
            "sub": encode("u", account_id),
            "sid": encode("ss", session_id),
            "jti": secrets.token_urlsafe(12),
            "typ": "access",
            "iat": int(now.timestamp()),
            "exp": int((now + self._policy.lifetime).timestamp()),
        }
        return jwt.encode({"alg": ALGORITHM, "kid": kid}, claims, self._opened[kid])
