"""Registration: opens an account and its first session."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from photomesh_identity.accounts.domain import Account, Age, age_of
from photomesh_identity.accounts.events import account_registered
from photomesh_identity.accounts.service import AccountService
from photomesh_identity.addresses.domain import Claim
from photomesh_identity.addresses.service import AddressService
from photomesh_identity.credentials.rules import PasswordRules
from photomesh_identity.credentials.tokens import new_mail_token
from photomesh_identity.credentials.tokens import token_hash as mail_token_hash
from photomesh_identity.errors import AccountNotFound
from photomesh_identity.metrics import REGISTRATIONS
from photomesh_identity.sessions.domain import Client, Session, token_hash
from photomesh_identity.sessions.service import Grant, Passwords, SessionService
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, Event
from photomesh_shared.events.versions import version_at
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.ids import CreationId

__all__ = ["RegistrationService", "RegistrationStore"]

AFTER_COMMIT = declare("identity.after_registration", "the account is committed, not answered")


class RegistrationStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def require_available(self, username: str) -> None:
        """Raises UsernameTaken."""
        ...

    async def add(
        self,
        account: Account,
        password_hash: str,
        session: Session,
        token: bytes,
        event: Envelope[Event],
        claim: Claim,
        mail_token: str | None,
    ) -> None:
        """Stores all of it in one transaction, and with `mail_token` queues the mail by which the address can be
        proved. Raises UsernameTaken, and IdempotencyKeyInUse if the account exists."""
        ...


class RegistrationService:
    def __init__(
        self,
        store: RegistrationStore,
        accounts: AccountService,
        passwords: Passwords,
        rules: PasswordRules,
        sessions: SessionService,
        addresses: AddressService,
        clock: Clock,
        *,
        cdn_url: str,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._passwords = passwords
        self._rules = rules
        self._sessions = sessions
        self._addresses = addresses
        self._clock = clock
        self._cdn_url = cdn_url

    async def register_account(
        self,
        creation: CreationId,
        username: str,
        email: str,
        password: str,
        client: Client,
        birth_date: date | None = None,
    ) -> tuple[Account, Grant]:
        """Opens an account and logs it in; the text arguments have passed their rules in `credentials.domain`. Nothing
        tells whether another account has the e-mail address, but a mail to it. Minors' accounts are private.

        A repeated creation logs in to the account that an earlier attempt opened: its key and body, password included,
        are those of that attempt. Raises InvalidRequest, TooYoung, UsernameTaken, IdempotencyKeyInUse.
        """
        if creation.repeated and (account := await self._find(creation.id)):
            return account, await self._sessions.open_session(account.id, client, notify=False)
        self._rules.check(password, username, email)
        now = self._clock.now()
        age = age_of(birth_date, now.date()) if birth_date else None
        await self._store.require_available(username)  # spares most hashes; the database's constraints decide
        password_hash = await self._passwords.hash(password)
        private = age not in (None, Age.ADULT)
        account = Account(
            creation.id,
            username,
            email,
            username,
            "",
            private,
            None,
            version_at(now),
            now,
            now,
            age=age,
            age_stated_at=now if age else None,
        )
        session, refresh_token = self._sessions.start(account.id, client)
        event = account_registered(account, self._cdn_url)
        mail_token = new_mail_token()
        claim = Claim(account.id, email, mail_token_hash(mail_token), now)
        may_mail = await self._addresses.may_mail(email)
        await self._store.add(
            account, password_hash, session, token_hash(refresh_token), event, claim, mail_token if may_mail else None
        )
        await failpoint(AFTER_COMMIT)
        REGISTRATIONS.inc()
        return account, await self._sessions.grant(session, refresh_token)

    async def _find(self, account_id: int) -> Account | None:
        try:
            return await self._accounts.get(account_id)
        except AccountNotFound:
            return None
