"""Second factors: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for who has lost it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

__all__ = [
    "RECOVERY_CODES",
    "TICKET_LIFETIME",
    "SecondFactors",
    "Totp",
    "VerifiedPassword",
    "is_totp_code",
    "matching_step",
    "new_recovery_codes",
    "new_ticket",
    "new_totp_secret",
    "normalize_code",
    "provisioning_uri",
    "recovery_code_hash",
    "secret_text",
    "ticket_hash",
]

RECOVERY_CODES = 10
TICKET_LIFETIME = timedelta(minutes=5)
_DIGITS, _STEP_SECONDS = 6, 30
_SECRET_BYTES = 20  # RFC 4226: 160 bits are recommended
_DRIFT = 1  # steps that a clock may be off, either way
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that look alike: 31 letters, 79 bits in 16
_GROUPS, _GROUP = 4, 4
_TOTP_CODE = re.compile(rf"[0-9]{{{_DIGITS}}}")


@dataclass(frozen=True)
class Totp:
    """An enrolment as it is stored. `last_step`: of the last code that was accepted."""

    sealed_secret: bytes
    confirmed: bool
    last_step: int


class VerifiedPassword(NamedTuple):
    """What a ticket of a log-in was issued for: an account, and which of its passwords was verified."""

    account_id: int
    password_version: int


@dataclass(frozen=True)
class SecondFactors:
    """What an account has."""

    totp: bool
    recovery_codes_left: int


def new_totp_secret() -> bytes:
    return secrets.token_bytes(_SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """The secret as an app takes it from a keyboard."""
    return base64.b32encode(secret).decode()


def provisioning_uri(secret: bytes, account_name: str, issuer: str) -> str:
    """What a QR code holds."""
    return _totp(secret).get_provisioning_uri(account_name, issuer)


def matching_step(secret: bytes, code: str, now: datetime) -> int | None:
    """The time step whose code this is: the current one, or one beside it, for clocks differ. Compares all, in constant
    time."""
    current = int(now.timestamp()) // _STEP_SECONDS
    totp, found = _totp(secret), None
    for step in range(current - _DRIFT, current + _DRIFT + 1):
        if hmac.compare_digest(totp.generate(step * _STEP_SECONDS), code.encode()):
            found = step
    return found


def normalize_code(text: str) -> str:
    """A code without the spaces and hyphens that people write in it."""
    return re.sub(r"[\s-]", "", text).lower()


def is_totp_code(code: str) -> bool:
    return _TOTP_CODE.fullmatch(code) is not None


def new_recovery_codes() -> list[str]:
    """Ten codes in groups of four letters, such as `k7pq-x2mn-8rtd-vw4e`."""

    def group() -> str:
        return "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP))

    return ["-".join(group() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES)]


def recovery_code_hash(account_id: int, code: str) -> bytes:
    """What is stored of a code. A fast hash is enough: 79 random bits cannot be guessed."""
    return hashlib.sha256(account_id.to_bytes(8) + normalize_code(code).encode("utf-8", "surrogatepass")).digest()


def new_ticket() -> str:
    return "lt_" + secrets.token_urlsafe(32)


def ticket_hash(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode()).digest()


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, _DIGITS, SHA1(), _STEP_SECONDS)  # noqa: S303 — HMAC-SHA-1, as apps expect
