"""Use cases of sessions: log in, refresh, log out."""

from __future__ import annotations

import secrets
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_identity.accounts.domain import Account
from photomesh_identity.credentials.domain import normalize_email, normalize_password, normalize_username
from photomesh_identity.errors import (
    InvalidRefreshToken,
    PasswordsBusy,
    RefreshTokenReused,
    SessionEnded,
    WrongCredentials,
)
from photomesh_identity.metrics import LOGINS, REFRESHES
from photomesh_identity.sessions.domain import (
    RefreshToken,
    Session,
    SessionLimits,
    TokenUse,
    classify_use,
    new_refresh_token,
    successor_of,
    token_hash,
)
from photomesh_shared.clock import Clock

__all__ = ["Grant", "Login", "Passwords", "Returns", "SessionService", "SessionStore", "TokenFamily", "TokenSigner"]

_SALT_BYTES = 32
_SESSION_ID_BITS = 63  # a collision in a billion sessions: once in 10^10 log-ins, refused by the primary key


@dataclass(frozen=True)
class Login:
    """An account and its password hash."""

    account: Account
    password_hash: str


class TokenFamily(Protocol):
    """A session and one of its tokens under the session's lock; all changes are committed together."""

    @property
    def session(self) -> Session: ...

    @property
    def token(self) -> RefreshToken: ...

    async def rotate(self, session: Session, *, salt: bytes, successor_hash: bytes, now: datetime) -> None:
        """Stores the successor and the session, and deletes the salt of the predecessor."""
        ...

    async def revoke(self, now: datetime) -> None: ...


class SessionStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def find_login_by_username(self, username: str) -> Login | None: ...

    async def find_login_by_email(self, email: str) -> Login | None: ...

    async def replace_password_hash(self, account_id: int, old: str, new: str) -> None:
        """Compare and set: does nothing if the hash is not `old`."""
        ...

    async def add(self, session: Session, token: bytes) -> None:
        """Also deletes the account's expired sessions."""
        ...

    def locked_family(self, token: bytes) -> AbstractAsyncContextManager[TokenFamily | None]:
        """The family of a token; None if the token is unknown."""
        ...

    async def revoke(self, session_id: int, now: datetime) -> None: ...


class Passwords(Protocol):
    """Every coroutine raises PasswordsBusy under overload."""

    async def hash(self, password: str) -> str: ...

    async def verify(self, stored: str | None, password: str) -> bool: ...

    def needs_rehash(self, stored: str) -> bool: ...


class TokenSigner(Protocol):
    @property
    def lifetime(self) -> timedelta: ...

    def access_token(self, account_id: int, session_id: int) -> str: ...


class Returns(Protocol):
    """See `leaving.service.LeavingService`."""

    async def come_back(self, account_id: int) -> str | None: ...


@dataclass(frozen=True)
class Grant:
    """The tokens of a session after a log-in or a refresh. `expires_in`: seconds until the access token expires."""

    access_token: str
    refresh_token: str
    expires_in: int
    returned_from: str | None = None
    """The status that the log-in ended: `deactivated` or `leaving`."""


class SessionService:
    def __init__(
        self,
        store: SessionStore,
        passwords: Passwords,
        signer: TokenSigner,
        limits: SessionLimits,
        returns: Returns,
        clock: Clock,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._signer = signer
        self._limits = limits
        self._returns = returns
        self._clock = clock

    def start(self, account_id: int) -> tuple[Session, str]:
        """A new session and its first refresh token; the caller stores them."""
        session_id = secrets.randbits(_SESSION_ID_BITS)  # needs no lease on ids, so log-ins work without Redis
        return Session.start(session_id, account_id, self._limits, self._clock.now()), new_refresh_token()

    def grant(self, session: Session, refresh_token: str) -> Grant:
        access_token = self._signer.access_token(session.account_id, session.id)
        return Grant(access_token, refresh_token, int(self._signer.lifetime.total_seconds()))

    async def open_session(self, account_id: int) -> Grant:
        """Starts and stores a session. An account that was deactivated, or leaves, is active again. Raises
        WrongCredentials if it is being erased."""
        returned_from = await self._returns.come_back(account_id)
        session, refresh_token = self.start(account_id)
        await self._store.add(session, token_hash(refresh_token))
        return replace(self.grant(session, refresh_token), returned_from=returned_from)

    async def log_in(self, login: str, password: str) -> tuple[Account, Grant]:
        """By username or e-mail address. Raises WrongCredentials; its timing does not reveal whether the account
        exists."""
        found = await self._find(login)
        password = normalize_password(password)
        matches = await self._passwords.verify(found.password_hash if found else None, password)
        LOGINS.labels("ok" if matches else "wrong").inc()
        if found is None or not matches:
            raise WrongCredentials
        await self._upgrade_hash(found, password)
        return found.account, await self.open_session(found.account.id)

    async def refresh(self, refresh_token: str) -> Grant:
        """Returns the next pair of tokens; `domain` has the rules. Raises InvalidRefreshToken, SessionEnded or
        RefreshTokenReused."""
        async with self._store.locked_family(token_hash(refresh_token)) as family:
            if family is None:
                REFRESHES.labels("unknown").inc()
                raise InvalidRefreshToken
            session, token, now = family.session, family.token, self._clock.now()
            use = classify_use(session, token, self._limits, now)
            salt = token.successor_salt or secrets.token_bytes(_SALT_BYTES)
            successor = successor_of(refresh_token, salt)
            if use is TokenUse.ROTATE:
                session = session.extended(self._limits, now)
                await family.rotate(session, salt=salt, successor_hash=token_hash(successor), now=now)
            elif use is TokenUse.REUSED:
                await family.revoke(now)
        REFRESHES.labels(use.name.lower()).inc()
        if use is TokenUse.REUSED:
            raise RefreshTokenReused
        if use is TokenUse.OVER:
            raise SessionEnded
        return self.grant(session, successor)

    async def log_out(self, session_id: int) -> None:
        """Revokes the session's refresh tokens; its access tokens expire by themselves."""
        await self._store.revoke(session_id, self._clock.now())

    async def _find(self, login: str) -> Login | None:
        try:
            if "@" in login:
                return await self._store.find_login_by_email(normalize_email(login))
            return await self._store.find_login_by_username(normalize_username(login))
        except ValueError:  # no account can have this login
            return None

    async def _upgrade_hash(self, found: Login, password: str) -> None:
        """Hashes the password with the current parameters, if they have changed and the queue is not full."""
        if not self._passwords.needs_rehash(found.password_hash):
            return
        try:
            upgraded = await self._passwords.hash(password)
        except PasswordsBusy:
            return
        await self._store.replace_password_hash(found.account.id, found.password_hash, upgraded)
