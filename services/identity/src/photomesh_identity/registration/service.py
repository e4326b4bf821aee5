"""Registration: opens an account and its first session."""

from __future__ import annotations

from typing import Protocol

from photomesh_identity.accounts.domain import Account
from photomesh_identity.accounts.events import account_registered
from photomesh_identity.credentials.domain import resemblance
from photomesh_identity.metrics import REGISTRATIONS
from photomesh_identity.sessions.domain import Session, token_hash
from photomesh_identity.sessions.service import Grant, Passwords, SessionService
from photomesh_shared.clock import Clock
from photomesh_shared.errors import FieldError, InvalidRequest
from photomesh_shared.events import Envelope, Event

__all__ = ["IdSource", "RegistrationService", "RegistrationStore"]


class RegistrationStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def require_available(self, username: str, email: str) -> None:
        """Raises UsernameTaken or EmailTaken."""
        ...

    async def add(
        self, account: Account, password_hash: str, session: Session, token: bytes, event: Envelope[Event]
    ) -> None:
        """Stores all of it in one transaction. Raises UsernameTaken or EmailTaken."""
        ...


class IdSource(Protocol):
    def next(self) -> int:
        """A new id. Raises Unavailable."""
        ...


class RegistrationService:
    def __init__(
        self,
        store: RegistrationStore,
        passwords: Passwords,
        sessions: SessionService,
        ids: IdSource,
        clock: Clock,
        *,
        cdn_url: str,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._sessions = sessions
        self._ids = ids
        self._clock = clock
        self._cdn_url = cdn_url

    async def register_account(self, username: str, email: str, password: str) -> tuple[Account, Grant]:
        """Opens an account and logs it in; each argument has passed its rule in `credentials.domain`. Raises
        InvalidRequest, UsernameTaken or EmailTaken."""
        if fault := resemblance(password, username, email):
            raise InvalidRequest(errors=[FieldError("/password", fault)])
        await self._store.require_available(username, email)  # spares most hashes; the database's constraints decide
        password_hash = await self._passwords.hash(password)
        now = self._clock.now()
        account = Account(self._ids.next(), username, email, username, "", False, None, 1, now, now)
        session, refresh_token = self._sessions.start(account.id)
        event = account_registered(account, self._cdn_url)
        await self._store.add(account, password_hash, session, token_hash(refresh_token), event)
        REGISTRATIONS.inc()
        return account, self._sessions.grant(session, refresh_token)
