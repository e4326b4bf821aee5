"""Use cases of passwords: change one, and get a new one by mail."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from photomesh_identity.accounts.domain import Account
from photomesh_identity.accounts.service import AccountService
from photomesh_identity.credentials.confirmation import Allowance, Allowances, Confirmation
from photomesh_identity.credentials.domain import email_key
from photomesh_identity.credentials.rules import PasswordRules
from photomesh_identity.credentials.tokens import KeyedHash, new_mail_token, token_hash
from photomesh_identity.errors import LinkNotValid, TooManyTries
from photomesh_identity.metrics import PASSWORD_CHANGES, PASSWORD_RESETS
from photomesh_identity.passwords.domain import Reset, canonical_login
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.errors import Unavailable

__all__ = ["PasswordHasher", "PasswordResets", "PasswordService", "PasswordStore"]

log = logging.getLogger(__name__)

_ASKED = Allowance.of_day("reset-login", 5)
"""Mails for one login, whether there is such an account or not."""
_POLL_SECONDS = 0.5
_BACKOFF = Backoff(base=1.0, cap=30.0)


class PasswordHasher(Protocol):
    async def hash(self, password: str) -> str:
        """Raises PasswordsBusy under overload."""
        ...


class PasswordStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def replace(self, account_id: int, password_hash: str, now: datetime, *, keep_session: int) -> None:
        """Stores the hash, ends all other sessions and all personal access tokens, and queues the notice. Raises
        AccountNotFound."""
        ...

    async def ask(self, login: str, now: datetime) -> None:
        """Stores that somebody asked for a new password; `login` is as `canonical_login` gives it."""
        ...

    async def answer_asked(self, now: datetime, new_token: Callable[[], str]) -> int:
        """For the requests that were stored, makes resets and queues their mails; returns how many requests there
        were."""
        ...

    async def find_reset(self, token: bytes, now: datetime) -> Reset | None:
        """A reset that is still valid."""
        ...

    async def redeem(self, reset: Reset, password_hash: str, now: datetime) -> bool:
        """Stores the hash, ends all sessions, personal access tokens and resets, and queues the notice. False if the
        reset is gone."""
        ...


class PasswordService:
    def __init__(
        self,
        store: PasswordStore,
        accounts: AccountService,
        passwords: PasswordHasher,
        rules: PasswordRules,
        confirmation: Confirmation,
        clock: Clock,
    ) -> None:
        self._store = store
        self._rules = rules
        self._accounts = accounts
        self._passwords = passwords
        self._confirmation = confirmation
        self._clock = clock

    async def change(self, account_id: int, session_id: int, password: str, code: str | None, new: str) -> None:
        """Replaces the password, and ends all sessions but this one, and all personal access tokens. `new` has passed
        `check_new_password`. Raises WrongPassword, TooManyTries, InvalidRequest, PasswordsBusy."""
        await self._confirmation.require(account_id, password, code)
        account = await self._accounts.get(account_id)
        self._rules.check(new, account.username, account.email, field="new_password")
        await self._store.replace(
            account_id, await self._passwords.hash(new), self._clock.now(), keep_session=session_id
        )
        PASSWORD_CHANGES.inc()


class PasswordResets:
    """A new password for who has lost the old one, by a mail to the account's address.

    A request only stores the login, so it is answered alike, and takes alike, whether there is such an account; `run`
    looks for it afterwards. Requests are bounded by the login that was given, and mails by the account.
    """

    def __init__(
        self,
        store: PasswordStore,
        accounts: AccountService,
        passwords: PasswordHasher,
        rules: PasswordRules,
        allowances: Allowances,
        keyed_hash: KeyedHash,
        clock: Clock,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._passwords = passwords
        self._rules = rules
        self._allowances = allowances
        self._keyed_hash = keyed_hash
        self._clock = clock

    async def ask(self, login: str) -> None:
        """Raises TooManyTries, whether there is such an account or not."""
        now = self._clock.now()
        subject = self._keyed_hash.current("reset-login", email_key(login))
        if wait := await self._allowances.take(_ASKED, subject, now):
            raise TooManyTries(wait.total_seconds())
        await self._store.ask(canonical_login(login), now)
        PASSWORD_RESETS.labels("asked").inc()

    async def redeem(self, token: str, new: str) -> None:
        """Sets a new password by the token of a mail, and ends all sessions. `new` has passed `check_new_password`.
        Raises LinkNotValid, InvalidRequest, PasswordsBusy."""
        now = self._clock.now()
        reset = await self._store.find_reset(token_hash(token), now)
        if reset is None:
            PASSWORD_RESETS.labels("not_valid").inc()
            raise LinkNotValid
        account: Account = await self._accounts.get(reset.account_id)
        self._rules.check(new, account.username, account.email)
        if not await self._store.redeem(reset, await self._passwords.hash(new), now):
            raise LinkNotValid  # somebody was faster
        PASSWORD_RESETS.labels("redeemed").inc()

    async def run(self) -> None:
        """Answers requests by mail, until it is cancelled."""
        failures = 0
        while True:
            try:
                answered = await self._store.answer_asked(self._clock.now(), new_mail_token)
            except Unavailable as error:
                failures += 1
                log.warning("requests for new passwords cannot be read", extra={"reason": str(error)})
                await self._clock.sleep(_BACKOFF.delay(failures))
                continue
            failures = 0
            if not answered:
                await self._clock.sleep(_POLL_SECONDS)
