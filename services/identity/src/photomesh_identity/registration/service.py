"""Registration: opens an account and its first session."""

from __future__ import annotations

from typing import Protocol

from photomesh_identity.accounts.domain import Account
from photomesh_identity.accounts.events import account_registered
from photomesh_identity.accounts.service import AccountService
from photomesh_identity.credentials.domain import resemblance
from photomesh_identity.errors import AccountNotFound
from photomesh_identity.metrics import REGISTRATIONS
from photomesh_identity.sessions.domain import Session, token_hash
from photomesh_identity.sessions.service import Grant, Passwords, SessionService
from photomesh_shared.clock import Clock
from photomesh_shared.errors import FieldError, InvalidRequest
from photomesh_shared.events import Envelope, Event
from photomesh_shared.events.versions import version_at
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.ids import CreationId

__all__ = ["RegistrationService", "RegistrationStore"]

AFTER_COMMIT = declare("identity.after_registration", "the account is committed, not answered")


class RegistrationStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def require_available(self, username: str, email: str) -> None:
        """Raises UsernameTaken or EmailTaken."""
        ...

    async def add(
        self, account: Account, password_hash: str, session: Session, token: bytes, event: Envelope[Event]
    ) -> None:
        """Stores all of it in one transaction. Raises UsernameTaken or EmailTaken, and IdempotencyKeyInUse if the
        account exists."""
        ...


class RegistrationService:
    def __init__(
        self,
        store: RegistrationStore,
        accounts: AccountService,
        passwords: Passwords,
        sessions: SessionService,
        clock: Clock,
        *,
        cdn_url: str,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._passwords = passwords
        self._sessions = sessions
        self._clock = clock
        self._cdn_url = cdn_url

    async def register_account(
        self, creation: CreationId, username: str, email: str, password: str
    ) -> tuple[Account, Grant]:
        """Opens an account and logs it in; the text arguments have passed their rules in `credentials.domain`.

        A repeated creation logs in to the account that an earlier attempt opened: its key and body, password included,
        are those of that attempt. Raises InvalidRequest, UsernameTaken, EmailTaken, IdempotencyKeyInUse.
        """
        if creation.repeated and (account := await self._find(creation.id)):
            return account, await self._sessions.open_session(account.id)
        if fault := resemblance(password, username, email):
            raise InvalidRequest(errors=[FieldError("/password", fault)])
        await self._store.require_available(username, email)  # spares most hashes; the database's constraints decide
        password_hash = await self._passwords.hash(password)
        now = self._clock.now()
        account = Account(creation.id, username, email, username, "", False, None, version_at(now), now, now)
        session, refresh_token = self._sessions.start(account.id)
        event = account_registered(account, self._cdn_url)
        await self._store.add(account, password_hash, session, token_hash(refresh_token), event)
        await failpoint(AFTER_COMMIT)
        REGISTRATIONS.inc()
        return account, self._sessions.grant(session, refresh_token)

    async def _find(self, account_id: int) -> Account | None:
        try:
            return await self._accounts.get(account_id)
        except AccountNotFound:
            return None
