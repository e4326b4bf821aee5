"""Use cases of personal access tokens: make, list, revoke, exchange."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_identity.errors import TokenNotFound
from photomesh_identity.metrics import TOKEN_EXCHANGES
from photomesh_identity.personal_tokens.domain import ACCESS_LIFETIME, PersonalToken, token_hash
from photomesh_shared.clock import Clock
from photomesh_shared.tokens.personal import new_token
from photomesh_shared.tokens.scopes import Scope

__all__ = ["PersonalTokenService", "PersonalTokenStore", "ScopedSigner"]

_ID_BITS = 63  # random, so that tokens need no lease on ids


class PersonalTokenStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def add(self, token: PersonalToken, hashed: bytes, session_id: int) -> None:
        """Deletes expired ones of the account, and queues a mail. Raises TooManyTokens, and SessionEnded if the session
        that asks for it has ended, for example by a new password."""
        ...

    async def list_of(self, account_id: int, now: datetime) -> list[PersonalToken]:
        """Those that have not expired, the newest first."""
        ...

    async def remove(self, account_id: int, token_id: int) -> bool: ...

    async def use(self, hashed: bytes, now: datetime) -> PersonalToken | None:
        """The token, unless it has expired; notes the hour of its use."""
        ...


class ScopedSigner(Protocol):
    def scoped_token(self, account_id: int, token_id: int, scopes: Iterable[str], lifetime: timedelta) -> str: ...


class PersonalTokenService:
    def __init__(self, store: PersonalTokenStore, signer: ScopedSigner, clock: Clock) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock

    async def create(
        self, account_id: int, session_id: int, name: str, scopes: Iterable[Scope], lifetime: timedelta
    ) -> tuple[PersonalToken, str]:
        """Returns it with the token itself, which nobody sees again. Raises TooManyTokens and SessionEnded."""
        text, now = new_token(), self._clock.now()
        token = PersonalToken(secrets.randbits(_ID_BITS), account_id, name, frozenset(scopes), now, now + lifetime)
        await self._store.add(token, token_hash(text), session_id)
        return token, text

    async def list_tokens(self, account_id: int) -> list[PersonalToken]:
        return await self._store.list_of(account_id, self._clock.now())

    async def revoke(self, account_id: int, token_id: int) -> None:
        """Raises TokenNotFound."""
        if not await self._store.remove(account_id, token_id):
            raise TokenNotFound

    async def exchange(self, text: str) -> tuple[str, timedelta] | None:
        """An access token with the scopes of a personal one, and its lifetime; None if that is unknown or has expired,
        or its account does not exist."""
        now = self._clock.now()
        token = await self._store.use(token_hash(text), now)
        TOKEN_EXCHANGES.labels("ok" if token else "unknown").inc()
        if token is None:
            return None
        lifetime = min(ACCESS_LIFETIME, token.expires_at - now)
        return self._signer.scoped_token(token.account_id, token.id, token.scopes, lifetime), lifetime
