"""Log-ins, refreshes and log-outs, and what they need."""

from __future__ import annotations

import secrets
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_identity import credentials
from photomesh_identity.domain import (
    Account,
    RefreshToken,
    Session,
    SessionLimits,
    Use,
    judge,
    new_refresh_token,
    successor_of,
    token_hash,
)
from photomesh_identity.errors import (
    InvalidRefreshToken,
    PasswordsBusy,
    RefreshTokenReused,
    SessionEnded,
    WrongCredentials,
)
from photomesh_identity.metrics import LOGINS, REFRESHES
from photomesh_shared.clock import Clock

__all__ = ["Family", "Grant", "Ids", "Login", "Passwords", "SessionStore", "Sessions", "Tokens"]

_SALT_BYTES = 32


@dataclass(frozen=True)
class Login:
    """Whom a login may mean, and the hash that the password must fit."""

    account: Account
    password_hash: str


class Family(Protocol):
    """A session and one of its tokens, held under the session's lock; all changes are committed together."""

    @property
    def session(self) -> Session: ...

    @property
    def token(self) -> RefreshToken: ...

    async def rotate(self, session: Session, *, salt: bytes, successor_hash: bytes, now: datetime) -> None:
        """Keeps the successor, and forgets the salt of the one before; the session lives on as given."""
        ...

    async def revoke(self, now: datetime) -> None: ...


class SessionStore(Protocol):
    """Every method raises Unavailable when the database is away."""

    async def login_by_username(self, username: str) -> Login | None: ...

    async def login_by_email(self, email: str) -> Login | None: ...

    async def replace_password_hash(self, account_id: int, old: str, new: str) -> None:
        """Nothing if it is no longer the old one."""
        ...

    async def add_session(self, session: Session, token: bytes) -> None:
        """Also forgets sessions of the account that ended before."""
        ...

    def family(self, token: bytes) -> AbstractAsyncContextManager[Family | None]:
        """The family of a token; None if the token is unknown."""
        ...

    async def revoke_session(self, session_id: int, now: datetime) -> None: ...


class Passwords(Protocol):
    """Every method raises PasswordsBusy under overload."""

    async def hash(self, password: str) -> str: ...

    async def verify(self, stored: str | None, password: str) -> bool: ...

    def outdated(self, stored: str) -> bool: ...


class Ids(Protocol):
    def next(self) -> int: ...


class Tokens(Protocol):
    @property
    def lifetime(self) -> timedelta: ...

    def access_token(self, account_id: int, session_id: int) -> str: ...


@dataclass(frozen=True)
class Grant:
    """What somebody holds after a log-in or a refresh."""

    access_token: str
    refresh_token: str
    expires_in: int
    """Seconds for which the access token is good."""


class Sessions:
    """Log-ins, refreshes, log-outs."""

    def __init__(
        self, store: SessionStore, passwords: Passwords, tokens: Tokens, ids: Ids, limits: SessionLimits, clock: Clock
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._tokens = tokens
        self._ids = ids
        self._limits = limits
        self._clock = clock

    def begin(self, account_id: int) -> tuple[Session, str]:
        """A new session and its first refresh token, neither stored yet."""
        return Session.begin(self._ids.next(), account_id, self._limits, self._clock.now()), new_refresh_token()

    def grant(self, session: Session, refresh_token: str) -> Grant:
        access_token = self._tokens.access_token(session.account_id, session.id)
        return Grant(access_token, refresh_token, int(self._tokens.lifetime.total_seconds()))

    async def log_in(self, login: str, password: str) -> tuple[Account, Grant]:
        """By username or e-mail address. Raises WrongCredentials, after the same time whatever was wrong."""
        found = await self._find(login)
        password = credentials.normal_password(password)
        right = await self._passwords.verify(found.password_hash if found else None, password)
        LOGINS.labels("ok" if right else "wrong").inc()
        if found is None or not right:
            raise WrongCredentials
        await self._renew_hash(found, password)
        session, refresh_token = self.begin(found.account.id)
        await self._store.add_session(session, token_hash(refresh_token))
        return found.account, self.grant(session, refresh_token)

    async def refresh(self, refresh_token: str) -> Grant:
        """The next pair of tokens; `domain` has the rules. Raises InvalidRefreshToken, SessionEnded or
        RefreshTokenReused."""
        async with self._store.family(token_hash(refresh_token)) as family:
            if family is None:
                REFRESHES.labels("unknown").inc()
                raise InvalidRefreshToken
            session, token, now = family.session, family.token, self._clock.now()
            use = judge(session, token, self._limits, now)
            salt = token.successor_salt or secrets.token_bytes(_SALT_BYTES)
            successor = successor_of(refresh_token, salt)
            if use is Use.ROTATE:
                session = session.used(self._limits, now)
                await family.rotate(session, salt=salt, successor_hash=token_hash(successor), now=now)
            elif use is Use.REUSED:
                await family.revoke(now)
        REFRESHES.labels(use.name.lower()).inc()
        if use is Use.REUSED:
            raise RefreshTokenReused
        if use is Use.OVER:
            raise SessionEnded
        return self.grant(session, successor)

    async def log_out(self, session_id: int) -> None:
        """Ends the session: its refresh tokens are worth nothing from now on. Access tokens run out by themselves."""
        await self._store.revoke_session(session_id, self._clock.now())

    async def _find(self, login: str) -> Login | None:
        try:
            if "@" in login:
                return await self._store.login_by_email(credentials.email_address(login))
            return await self._store.login_by_username(credentials.username(login))
        except ValueError:  # nobody can have such a login
            return None

    async def _renew_hash(self, found: Login, password: str) -> None:
        """Hashes anew when the parameters have changed since; a full queue puts that off to the next log-in."""
        if not self._passwords.outdated(found.password_hash):
            return
        try:
            renewed = await self._passwords.hash(password)
        except PasswordsBusy:
            return
        await self._store.replace_password_hash(found.account.id, found.password_hash, renewed)
