"""Sessions, and the rules of refresh tokens.

Rotation: a refresh token is valid for one use, which yields its successor; the chain of tokens is a session. A token
used twice means that two parties hold it, so the session is revoked. One case is innocent: the response with the
successor was lost, or two tabs refreshed at once. Therefore, within a short grace period and while the successor is
unused, a repeat returns **the same successor**. The chain never forks: a thief and the owner always end up with the
same token, and the second of them to use it is detected.

The successor is derived from the token and a random salt, which the server deletes once the successor is used: neither
the token nor a copy of the database is enough to compute it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import lru_cache
from ipaddress import ip_address, ip_network

from ua_parser import parse

from photomesh_shared.concurrency.gcra import Policy, Rate, Reading, take

__all__ = [
    "UNKNOWN_CLIENT",
    "Client",
    "RefreshToken",
    "Session",
    "SessionLimits",
    "TokenUse",
    "classify_use",
    "client_of",
    "new_refresh_token",
    "successor_of",
    "token_hash",
]

_TOKEN_BYTES = 32
_USER_AGENT_MAX = 256  # characters that are looked at: the time to parse one grows with its length
_CLIENT_MAX = 60
_REFRESHES = Policy("refresh", Rate(60, 600))
"""Of one session. A client needs one every quarter of an hour, and perhaps one more for each of its restarts."""
_PREFIXES = {4: 24, 6: 48}
"""Bits of an address that are kept, by its version: enough to recognise a provider and a region, not a household."""


@dataclass(frozen=True)
class SessionLimits:
    """`idle` and `total` bound a session's lifetime without use and altogether; `grace` is how long after a refresh it
    may be repeated; `per_account`: the sessions that an account may have."""

    idle: timedelta
    total: timedelta
    grace: timedelta
    per_account: int = 50


@dataclass(frozen=True)
class Client:
    """Where a request comes from, as far as it is kept: program and system (`Firefox on Windows`), and the /24 or /48
    of the address."""

    name: str = ""
    network: str | None = None
    address: str = field(default="", compare=False, repr=False)
    """For limits; kept nowhere."""


UNKNOWN_CLIENT = Client()


def client_of(user_agent: str, address: str) -> Client:
    return Client(_client_name(user_agent[:_USER_AGENT_MAX]), _network(address), address)


@lru_cache(maxsize=1024)
def _client_name(user_agent: str) -> str:
    """The program and the system without their versions. Programs name themselves in the first word of the user agent,
    but for browsers, which all say `Mozilla`."""
    parsed = parse(user_agent)
    own = re.match(r"[\w.-]+", user_agent)
    named = own is not None and own[0] not in ("Mozilla", "Opera")
    program = own[0] if own and named else parsed.user_agent and parsed.user_agent.family
    names = [name for name in (program, parsed.os and parsed.os.family) if name]
    return " on ".join(names)[:_CLIENT_MAX]


@lru_cache(maxsize=1024)
def _network(address: str) -> str | None:
    try:
        return str(ip_network((address, _PREFIXES[ip_address(address).version]), strict=False))
    except ValueError:  # a Unix socket
        return None


@dataclass(frozen=True)
class Session:
    """A log-in and the family of its refresh tokens."""

    id: int
    account_id: int
    created_at: datetime
    expires_at: datetime
    """Unless it is used before."""
    ends_at: datetime
    """In any case."""
    revoked_at: datetime | None = None
    client: Client = UNKNOWN_CLIENT
    """Of the last use."""
    used_at: datetime | None = None
    refresh_tat: int = 0
    """The bucket of its refreshes, see `photomesh_shared.concurrency.gcra`."""
    second_factor: bool = False
    """Whether it began with a second factor or a passkey."""

    @classmethod
    def start(
        cls,
        session_id: int,
        account_id: int,
        limits: SessionLimits,
        now: datetime,
        client: Client = UNKNOWN_CLIENT,
        *,
        second_factor: bool = False,
    ) -> Session:
        ends_at = now + limits.total
        expires_at = min(now + limits.idle, ends_at)
        return cls(
            session_id,
            account_id,
            now,
            expires_at,
            ends_at,
            client=client,
            used_at=now,
            second_factor=second_factor,
        )

    def extended(self, limits: SessionLimits, now: datetime, client: Client = UNKNOWN_CLIENT) -> Session:
        """The session after a use."""
        return replace(self, expires_at=min(now + limits.idle, self.ends_at), client=client, used_at=now)

    def with_refresh_counted(self, now: datetime) -> tuple[Session, Reading]:
        """The session after a refresh, and the state of its limit, which may refuse it."""
        [tat], [reading] = take([self.refresh_tat], [_REFRESHES], round(now.timestamp() * 1_000_000))
        return replace(self, refresh_tat=tat), reading

    def has_ended(self, now: datetime) -> bool:
        return self.revoked_at is not None or now >= self.expires_at


@dataclass(frozen=True)
class RefreshToken:
    """A token as it is stored. It has a salt from its rotation until its successor is used."""

    hash: bytes
    session_id: int
    rotated_at: datetime | None = None
    successor_salt: bytes | None = None


class TokenUse(Enum):
    """How a use of a refresh token is treated."""

    ROTATE = auto()
    REPEAT = auto()
    REUSED = auto()
    OVER = auto()


def classify_use(session: Session, token: RefreshToken, limits: SessionLimits, now: datetime) -> TokenUse:
    if session.has_ended(now):
        return TokenUse.OVER
    if token.rotated_at is None:
        return TokenUse.ROTATE
    if token.successor_salt is not None and now < token.rotated_at + limits.grace:
        return TokenUse.REPEAT
    return TokenUse.REUSED


def new_refresh_token() -> str:
    """256 random bits."""
    return _text(secrets.token_bytes(_TOKEN_BYTES))


def successor_of(token: str, salt: bytes) -> str:
    """The next token of the chain: 256 bits that require both the token and the salt."""
    return _text(hmac.digest(salt, token.encode(), hashlib.sha256))


def token_hash(token: str) -> bytes:
    """What is stored of a token. A fast hash is enough: 256 random bits cannot be guessed."""
    return hashlib.sha256(token.encode()).digest()


def _text(raw: bytes) -> str:
    return "rt_" + base64.urlsafe_b64encode(raw).decode().rstrip("=")
