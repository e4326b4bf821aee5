"""Use cases of sessions: log in, refresh, log out."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Protocol

from photomesh_identity.accounts.domain import Account
from photomesh_identity.credentials.domain import normalize_email, normalize_password, normalize_username
from photomesh_identity.errors import (
    InvalidRefreshToken,
    PasswordsBusy,
    RefreshTokenReused,
    SecondFactorRequired,
    SessionEnded,
    SessionNotFound,
    TooManyRefreshes,
    WrongCredentials,
)
from photomesh_identity.metrics import LOGINS, REFRESHES
from photomesh_identity.second_factors.domain import TICKET_LIFETIME, VerifiedPassword
from photomesh_identity.sessions.domain import (
    Client,
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
from photomesh_shared.tokens.roles import Role

__all__ = [
    "Grant",
    "Login",
    "LoginGuard",
    "Passwords",
    "Returns",
    "SecondFactors",
    "SessionService",
    "SessionStore",
    "StaffRoles",
    "TokenFamily",
    "TokenSigner",
]

_SALT_BYTES = 32
_SESSION_ID_BITS = 63  # a collision in a billion sessions: once in 10^10 log-ins, refused by the primary key


@dataclass(frozen=True)
class Login:
    """An account and its password."""

    account: Account
    password_hash: str
    password_version: int
    """See `SessionStore.add`."""


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

    async def add(
        self, session: Session, token: bytes, *, limit: int, notify: bool, password_version: int | None
    ) -> None:
        """Raises WrongCredentials if the account's password is not of `password_version` any more. Also deletes the
        account's expired sessions, and ends those that were used the longest time ago if there would be more than
        `limit`. With `notify`, queues a mail if the account has not used this client and this network before."""
        ...

    async def has_used(self, account_id: int, network: str) -> bool:
        """Whether a session of the account was last used from this network."""
        ...

    async def list_open(self, account_id: int, now: datetime) -> list[Session]:
        """The one that was used last comes first."""
        ...

    async def is_open(self, session_id: int, now: datetime) -> bool: ...

    async def revoke_own(self, account_id: int, session_id: int, now: datetime) -> bool:
        """Whether the account had such a session."""
        ...

    async def revoke_all(self, account_id: int, now: datetime, *, keep: int | None) -> None: ...

    def locked_family(self, token: bytes) -> AbstractAsyncContextManager[TokenFamily | None]:
        """The family of a token; None if the token is unknown."""
        ...

    async def revoke(self, session_id: int, now: datetime) -> None: ...


class Passwords(Protocol):
    """Every coroutine raises PasswordsBusy under overload."""

    async def hash(self, password: str) -> str: ...

    async def verify(self, stored: str | None, password: str) -> bool: ...

    def needs_rehash(self, stored: str) -> bool: ...


class LoginGuard(Protocol):
    def log_in(self, login: str, address: str, *, network: str | None = None) -> AbstractAsyncContextManager[None]:
        """Encloses a log-in; one of CREDENTIALS_REFUSED means that it failed. `network`: that of the request, if the
        account has used it lately. Raises TooManyAttempts."""
        ...


class SecondFactors(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def is_enabled(self, account_id: int) -> bool: ...

    async def issue_ticket(self, account_id: int, password_version: int) -> str:
        """For a log-in whose password was right. Raises WrongCredentials if it was changed meanwhile."""
        ...

    async def redeem(self, ticket: str, code: str) -> VerifiedPassword:
        """What a ticket was issued for, which it uses up. Raises InvalidTicket, WrongCode and TooManyAttempts."""
        ...


class TokenSigner(Protocol):
    @property
    def lifetime(self) -> timedelta: ...

    def access_token(self, account_id: int, session_id: int, roles: Collection[str]) -> str: ...


class StaffRoles(Protocol):
    async def roles_in_tokens(self, account_id: int) -> frozenset[Role]:
        """See `staff.service.StaffService`. Raises Unavailable."""
        ...


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
        guard: LoginGuard,
        second_factors: SecondFactors,
        limits: SessionLimits,
        returns: Returns,
        staff: StaffRoles,
        clock: Clock,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._signer = signer
        self._guard = guard
        self._second_factors = second_factors
        self._limits = limits
        self._returns = returns
        self._staff = staff
        self._clock = clock

    def start(self, account_id: int, client: Client, *, second_factor: bool = False) -> tuple[Session, str]:
        """A new session and its first refresh token; the caller stores them."""
        session_id = secrets.randbits(_SESSION_ID_BITS)  # needs no lease on ids, so log-ins work without Redis
        session = Session.start(
            session_id, account_id, self._limits, self._clock.now(), client, second_factor=second_factor
        )
        return session, new_refresh_token()

    async def grant(self, session: Session, refresh_token: str) -> Grant:
        """The access token names the account's roles of staff, if a second factor began the session."""
        roles = await self._staff.roles_in_tokens(session.account_id) if session.second_factor else ()
        access_token = self._signer.access_token(session.account_id, session.id, roles)
        return Grant(access_token, refresh_token, int(self._signer.lifetime.total_seconds()))

    async def open_session(
        self,
        account_id: int,
        client: Client,
        *,
        notify: bool = True,
        password_version: int | None = None,
        second_factor: bool = False,
    ) -> Grant:
        """Starts and stores a session. An account that was deactivated, or leaves, is active again. With `notify`, the
        owner gets a mail if the client or its network is new. Raises WrongCredentials if the account is being erased,
        or its password was changed since `password_version` was verified.
        """
        returned_from = await self._returns.come_back(account_id)
        session, refresh_token = self.start(account_id, client, second_factor=second_factor)
        await self._store.add(
            session,
            token_hash(refresh_token),
            limit=self._limits.per_account,
            notify=notify,
            password_version=password_version,
        )
        return replace(await self.grant(session, refresh_token), returned_from=returned_from)

    async def log_in(self, login: str, password: str, client: Client) -> tuple[Account, Grant]:
        """By username or e-mail address. Raises WrongCredentials; its timing does not reveal whether the account
        exists. Raises TooManyAttempts, and SecondFactorRequired with a ticket for `complete_log_in`."""
        found = await self._find(login)
        password = normalize_password(password)
        async with self._guard.log_in(login, client.address, network=await self._known_network(found, client)):
            matches = await self._passwords.verify(found.password_hash if found else None, password)
            if found is None or not matches:
                LOGINS.labels("wrong").inc()
                raise WrongCredentials
        await self._upgrade_hash(found, password)
        if await self._second_factors.is_enabled(found.account.id):
            LOGINS.labels("second_factor").inc()
            raise SecondFactorRequired(
                ticket=await self._second_factors.issue_ticket(found.account.id, found.password_version),
                expires_in=int(TICKET_LIFETIME.total_seconds()),
                methods=["totp", "recovery_code"],
            )
        LOGINS.labels("ok").inc()
        return found.account, await self.open_session(found.account.id, client, password_version=found.password_version)

    async def complete_log_in(self, ticket: str, code: str, client: Client) -> tuple[int, Grant]:
        """The second step of a log-in; returns the account's id. Raises InvalidTicket, WrongCode and
        TooManyAttempts."""
        verified = await self._second_factors.redeem(ticket, code)
        grant = await self.open_session(
            verified.account_id, client, password_version=verified.password_version, second_factor=True
        )
        LOGINS.labels("ok").inc()
        return verified.account_id, grant

    async def refresh(self, refresh_token: str, client: Client) -> Grant:
        """Returns the next pair of tokens; `domain` has the rules. Raises InvalidRefreshToken, SessionEnded,
        RefreshTokenReused or TooManyRefreshes."""
        async with self._store.locked_family(token_hash(refresh_token)) as family:
            if family is None:
                REFRESHES.labels("unknown").inc()
                raise InvalidRefreshToken
            session, token, now = family.session, family.token, self._clock.now()
            use = classify_use(session, token, self._limits, now)
            salt = token.successor_salt or secrets.token_bytes(_SALT_BYTES)
            successor = successor_of(refresh_token, salt)
            if use is TokenUse.ROTATE:
                session, reading = session.with_refresh_counted(now)
                if reading.wait:
                    REFRESHES.labels("limited").inc()
                    raise TooManyRefreshes(headers={"Retry-After": str(ceil(reading.wait / 1_000_000))})
                session = session.extended(self._limits, now, client)
                await family.rotate(session, salt=salt, successor_hash=token_hash(successor), now=now)
            elif use is TokenUse.REUSED:
                await family.revoke(now)
        REFRESHES.labels(use.name.lower()).inc()
        if use is TokenUse.REUSED:
            raise RefreshTokenReused
        if use is TokenUse.OVER:
            raise SessionEnded
        return await self.grant(session, successor)

    async def log_out(self, session_id: int) -> None:
        """Revokes the session's refresh tokens; its access tokens expire by themselves."""
        await self._store.revoke(session_id, self._clock.now())

    async def list_sessions(self, account_id: int) -> list[Session]:
        """The account's open sessions; the one that was used last comes first."""
        return await self._store.list_open(account_id, self._clock.now())

    async def require_open(self, session_id: int) -> None:
        """Raises SessionEnded. Access tokens outlive their session by some minutes; where that matters, this is
        asked."""
        if not await self._store.is_open(session_id, self._clock.now()):
            raise SessionEnded

    async def end_session(self, account_id: int, session_id: int) -> None:
        """Raises SessionNotFound if the account has no such session, or it has ended."""
        if not await self._store.revoke_own(account_id, session_id, self._clock.now()):
            raise SessionNotFound

    async def end_all_sessions(self, account_id: int, *, keep: int | None) -> None:
        """Ends the account's sessions, but for one to keep."""
        await self._store.revoke_all(account_id, self._clock.now(), keep=keep)

    async def _find(self, login: str) -> Login | None:
        try:
            if "@" in login:
                return await self._store.find_login_by_email(normalize_email(login))
            return await self._store.find_login_by_username(normalize_username(login))
        except ValueError:  # no account can have this login
            return None

    async def _known_network(self, found: Login | None, client: Client) -> str | None:
        known = found and client.network and await self._store.has_used(found.account.id, client.network)
        return client.network if known else None

    async def _upgrade_hash(self, found: Login, password: str) -> None:
        """Hashes the password with the current parameters, if they have changed and the queue is not full."""
        if not self._passwords.needs_rehash(found.password_hash):
            return
        try:
            upgraded = await self._passwords.hash(password)
        except PasswordsBusy:
            return
        await self._store.replace_password_hash(found.account.id, found.password_hash, upgraded)
