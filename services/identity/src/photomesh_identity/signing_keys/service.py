"""The key ring: signs access tokens, and lists the public keys that verify them."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from joserfc import jws, jwt
from joserfc.jwk import ECKey

from photomesh_identity.signing_keys.domain import KeyCipher, SigningKey, current_key, published_keys
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
from photomesh_shared.ids import encode
from photomesh_shared.tokens.access import ALGORITHM

__all__ = ["RECEIPT_TYPE", "KeyRing", "KeyStore", "Receipt", "TokenPolicy"]

log = logging.getLogger(__name__)

RECEIPT_TYPE = "photomesh-erasure+jwt"
"""Type of the JWS, which no verifier of access tokens accepts."""


class KeyStore(Protocol):
    async def load(self) -> list[SigningKey]:
        """All keys. Raises Unavailable when the database does not answer."""
        ...


@dataclass(frozen=True)
class Receipt:
    """A JWS, and the public key that verifies it."""

    text: str
    kid: str
    public_jwk: dict[str, Any]


@dataclass(frozen=True)
class TokenPolicy:
    """Claims and lifetime of access tokens."""

    issuer: str
    audience: str
    lifetime: timedelta


class KeyRing:
    """Holds the keys in memory, and follows rotations in the database."""

    def __init__(self, store: KeyStore, cipher: KeyCipher, policy: TokenPolicy, clock: Clock) -> None:
        self._store = store
        self._cipher = cipher
        self._policy = policy
        self._clock = clock
        self._keys: list[SigningKey] = []
        self._private: dict[str, ECKey] = {}

    @property
    def lifetime(self) -> timedelta:
        return self._policy.lifetime

    async def load(self) -> None:
        """Reads the keys. Raises ValueError if one was encrypted with another secret, and Unavailable."""
        keys = published_keys(await self._store.load(), self._clock.now(), self._policy.lifetime)
        self._private = {key.kid: self._private.get(key.kid) or self._cipher.decrypt(key) for key in keys}
        self._keys = keys

    async def keep_current(self, interval_seconds: float) -> None:
        """Reads the keys periodically, until cancelled. While the database does not answer, the loaded keys remain."""
        while True:
            await self._clock.sleep(interval_seconds)
            try:
                await self.load()
            except Unavailable as error:
                log.warning("signing keys not reloaded", extra={"error": str(error)})

    async def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """The JWK set (RFC 7517)."""
        keys = published_keys(self._keys, self._clock.now(), self._policy.lifetime)
        return {"keys": [key.public_jwk for key in keys]}

    @property
    def issuer(self) -> str:
        return self._policy.issuer

    def receipt(self, claims: dict[str, Any]) -> Receipt:
        """Signs claims as a JWS (RFC 7515) with the current key."""
        key = current_key(self._keys, self._clock.now())
        header = {"alg": ALGORITHM, "kid": key.kid, "typ": RECEIPT_TYPE}
        text = jws.serialize_compact(
            header, json.dumps(claims).encode(), self._private[key.kid], algorithms=[ALGORITHM]
        )
        return Receipt(text, key.kid, key.public_jwk)

    def access_token(self, account_id: int, session_id: int, roles: Collection[str] = ()) -> str:
        own = {"roles": " ".join(sorted(roles))} if roles else {}
        return self._sign(account_id, self._policy.lifetime, sid=encode("ss", session_id), **own)

    def scoped_token(self, account_id: int, token_id: int, scopes: Iterable[str], lifetime: timedelta) -> str:
        """An access token for a personal one: without a session, and limited to scopes."""
        return self._sign(account_id, lifetime, tid=encode("tk", token_id), scope=" ".join(sorted(scopes)))

    def _sign(self, account_id: int, lifetime: timedelta, **own: str) -> str:
        now = self._clock.now()
        kid = current_key(self._keys, now).kid
        claims = {
            "iss": self._policy.issuer,
            "aud": self._policy.audience,
            "sub": encode("u", account_id),
            "jti": secrets.token_urlsafe(12),
            "typ": "access",
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
            **own,
        }
        return jwt.encode({"alg": ALGORITHM, "kid": kid}, claims, self._private[kid])
