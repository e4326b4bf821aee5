"""Verification of access tokens.

Tokens are JWTs signed with ES256 by identity, which publishes its public keys as a JWK set. The gateway verifies each
token, and every service verifies it again, because services do not trust the network.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import httpx
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.errors import (
    ExpiredToken,
    InvalidToken,
    Unavailable,
)
from photomesh_shared.ids import decode

__all__ = ["ALGORITHM", "KeySource", "Principal", "TokenVerifier", "fetch_jwks", "principal_from_header"]

log = logging.getLogger(__name__)

ALGORITHM = "ES256"
_CLOCK_SKEW_SECONDS = 5
_MAX_CACHED_TOKENS = 10_000
_REFRESH_SECONDS = 300.0  # so that a revoked key stops working
_REFETCH_SECONDS = 10.0  # at most one fetch per interval for unknown key ids
_RETRY_SECONDS = 1.0  # the same while no keys are cached


@dataclass(frozen=True)
class Principal:
    """The caller, from a verified token."""

    account_id: int
    session_id: int | None
    """None for a personal access token."""
    token_id: str
    expires_at: datetime
    scopes: frozenset[str] | None = None
    """What a personal access token may do; None for a session, which may do everything."""
    roles: frozenset[str] = frozenset()
    """Of staff, and only if the session began with a second factor. One that was revoked is here until the token
    expires."""


class KeySource(Protocol):
    """Fetches the JWK set, as a JSON object. Raises httpx.HTTPError."""

    async def __call__(self) -> dict[str, list[dict[str, str]]]: ...


def fetch_jwks(client: httpx.AsyncClient, url: str) -> KeySource:
    async def fetch() -> dict[str, list[dict[str, str]]]:
        response = await client.get(url, timeout=5.0)
        response.raise_for_status()
        body: dict[str, list[dict[str, str]]] = response.json()
        return body

    return fetch


class TokenVerifier:
    """Verifies access tokens against identity's published keys.

    Keys are cached and refreshed in the background, so an outage of identity does not affect known keys. Only a token
    signed with an unknown key waits for a fetch. Verified tokens are cached until they expire, which saves the
    signature check (about 0.1 ms) on further requests.
    """

    def __init__(self, keys: KeySource, *, issuer: str, audience: str, clock: Clock | None = None) -> None:
        self._fetch = keys
        self._clock = clock or SystemClock()
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock.now().timestamp()),
            leeway=_CLOCK_SKEW_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
            exp={"essential": True},
        )
        self._keys: KeySet | None = None
        self._fetched_at = self._tried_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None
        self._verified: OrderedDict[str, Principal] = OrderedDict()

    async def verify(self, token: str) -> Principal:
        """Return the token's account. Raises InvalidToken, ExpiredToken, or Unavailable if no keys can be fetched."""
        now = self._clock.monotonic()
        if now - self._fetched_at >= _REFRESH_SECONDS and now - self._tried_at >= _REFETCH_SECONDS:
            self._fetch_keys()
        known = self._verified.get(token)
        if known is not None:
            if known.expires_at <= self._clock.now():
                del self._verified[token]
                raise ExpiredToken
            return known
        principal = await self._verify(token)
        self._verified[token] = principal
        if len(self._verified) > _MAX_CACHED_TOKENS:
            self._verified.popitem(last=False)
        return principal

    async def _verify(self, token: str) -> Principal:
        try:
            key_id = _key_id(token)
        except ValueError as error:
            raise InvalidToken from error
        key = await self._key_with(key_id)
        try:
            decoded = jwt.decode(token, key, algorithms=[ALGORITHM])
            self._claims.validate(decoded.claims)
            claims = decoded.claims
            if claims.get("typ") != "access":
                raise InvalidToken("This is not an access token.")
            return Principal(
                account_id=decode("u", claims["sub"]),
                # Exactly one of both: a token without a session is limited to its scopes.
                session_id=None if "scope" in claims else decode("ss", claims["sid"]),
                token_id=str(claims["jti"]),
                expires_at=datetime.fromtimestamp(claims["exp"], UTC),
                scopes=frozenset(claims["scope"].split()) if "scope" in claims else None,
                roles=frozenset(claims.get("roles", "").split()) if "scope" not in claims else frozenset(),
            )
        except JoseError as error:
            if error.error == "expired_token":
                raise ExpiredToken from error
            raise InvalidToken from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidToken from error

    async def _key_with(self, key_id: str | None) -> Key:
        """Raises InvalidToken if there is no such key, Unavailable if none can be fetched."""
        pause = _RETRY_SECONDS if self._keys is None else _REFETCH_SECONDS
        if self._key(key_id) is None and (self._fetching or self._clock.monotonic() - self._tried_at >= pause):
            await asyncio.shield(self._fetch_keys())
        if self._keys is None:
            raise Unavailable("Tokens cannot be checked at the moment.")
        if (key := self._key(key_id)) is None:
            raise InvalidToken("The token is signed with a key that is not ours.")
        return key

    def _key(self, key_id: str | None) -> Key | None:
        """The key by its id: cheaper than `joserfc`'s search in the set, once for each token."""
        return next((key for key in self._keys.keys if key.kid == key_id), None) if self._keys else None

    def _fetch_keys(self) -> asyncio.Task[None]:
        """Return the fetch in progress, or start one: concurrent callers share it."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch_into_cache())
            self._fetching.add_done_callback(self._fetched)
        return self._fetching

    def _fetched(self, _: asyncio.Task[None]) -> None:
        self._fetching = None

    async def _fetch_into_cache(self) -> None:
        self._tried_at = self._clock.monotonic()
        try:
            keys = KeySet.import_key_set(await self._fetch())  # type: ignore[arg-type]
        except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("cannot fetch the keys of access tokens", extra={"error": repr(error)})
            return
        self._keys, self._fetched_at = keys, self._clock.monotonic()
        self._verified.clear()


def _key_id(token: str) -> str | None:
    """Return the `kid` of the token's header. Raises ValueError if it is not a JWT."""
    try:
        headers = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, UnicodeError) as error:
        raise ValueError("not a JWT") from error
    kid = headers.get("kid")
    return kid if isinstance(kid, str) else None


async def principal_from_header(verifier: TokenVerifier, authorization: str | None) -> Principal | None:
    """Return the account of the Authorization header; None without one. Raises as `TokenVerifier.verify`."""
    if not authorization:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidToken("Send `Authorization: Bearer <access token>`.")
    return await verifier.verify(token.strip())
