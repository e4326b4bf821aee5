"""Personal access tokens at the gateway: each is exchanged at identity for an access token that is good for minutes,
which is forwarded in its place. Services see access tokens only.

What identity answered is kept for a minute, so a revoked token works for a minute at most, and a script costs identity
one call a minute. What has no valid checksum is refused without a call, and each call counts against the caller's
address.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Protocol

from photomesh_gateway.metrics import TOKEN_EXCHANGES
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.single_flight import SingleFlight
from photomesh_shared.errors import InvalidToken
from photomesh_shared.internal_api.identity import EXCHANGE_TOKEN, ExchangedToken, TokenExchange
from photomesh_shared.service_client import ServiceClient
from photomesh_shared.tokens.personal import PREFIX, is_well_formed

__all__ = ["IdentityExchange", "TokenExchanger", "personal_token_of"]

_KEPT_SECONDS = 60.0
_SIZE = 10_000


def personal_token_of(authorization: str) -> str | None:
    """The personal access token of an Authorization header; None for any other token."""
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token.startswith(PREFIX) else None


class Exchange(Protocol):
    async def exchange(self, token: str) -> ExchangedToken:
        """Raises Unavailable."""
        ...


class IdentityExchange:
    def __init__(self, identity: ServiceClient) -> None:
        self._identity = identity

    async def exchange(self, token: str) -> ExchangedToken:
        return await self._identity.call(EXCHANGE_TOKEN, body=TokenExchange(token=token))


class TokenExchanger:
    def __init__(self, identity: Exchange, clock: Clock) -> None:
        self._identity = identity
        self._clock = clock
        self._calls = SingleFlight[ExchangedToken]()
        self._known: OrderedDict[bytes, tuple[str | None, float]] = OrderedDict()  # by hash, until when

    def known(self, token: str) -> bool:
        """Whether `access_token` answers without a call. Raises InvalidToken for what is no token."""
        if not is_well_formed(token):
            TOKEN_EXCHANGES.labels("malformed").inc()
            raise InvalidToken
        kept = self._known.get(_key(token))
        return kept is not None and self._clock.monotonic() < kept[1]

    async def access_token(self, token: str) -> str:
        """Raises InvalidToken, and Unavailable if identity does not answer."""
        key = _key(token)
        kept = self._known.get(key)
        if kept is None or self._clock.monotonic() >= kept[1]:
            asked_at = self._clock.monotonic()
            exchanged = await self._calls.run(key, lambda: self._identity.exchange(token))
            # An access token must not expire on its way; what lives shorter than a minute is kept for half of that.
            seconds = min(_KEPT_SECONDS, exchanged.expires_in / 2) if exchanged.access_token else _KEPT_SECONDS
            kept = exchanged.access_token, asked_at + seconds
            self._keep(key, kept)
            TOKEN_EXCHANGES.labels("ok" if exchanged.access_token else "unknown").inc()
        access_token, _ = kept
        if access_token is None:
            raise InvalidToken("The token is unknown, has expired, or was revoked.")
        return access_token

    def _keep(self, key: bytes, kept: tuple[str | None, float]) -> None:
        self._known[key] = kept
        self._known.move_to_end(key)
        if len(self._known) > _SIZE:
            self._known.popitem(last=False)


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
