"""Passkeys, and the challenges that their authenticators sign.

A challenge is signed by us and carries its end and its purpose, so that strangers who ask for many leave nothing in the
database; it is used once, because the hash of a used one is kept until its end.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

__all__ = ["CHALLENGE_LIFETIME", "LOG_IN", "MAX_PASSKEYS", "NAME_MAX", "Challenges", "Passkey", "register"]

MAX_PASSKEYS = 20
"""Of an account."""
NAME_MAX = 50
CHALLENGE_LIFETIME = timedelta(minutes=5)
LOG_IN = "log-in"
"""Purpose of a challenge."""

_NONCE_BYTES, _END_BYTES, _MAC_BYTES = 16, 8, 32


@dataclass(frozen=True)
class Passkey:
    """`id` is ours, `credential_id` the authenticator's; `public_key` is in COSE format."""

    id: int
    account_id: int
    credential_id: bytes
    public_key: bytes
    sign_count: int
    name: str
    backed_up: bool
    created_at: datetime
    used_at: datetime | None = None


def register(account_id: int) -> str:
    """Purpose of a challenge: registering a passkey of this account."""
    return f"register {account_id}"


class Challenges:
    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"photomesh challenges\0" + secret.encode()).digest()

    def issue(self, purpose: str, now: datetime) -> bytes:
        end = int((now + CHALLENGE_LIFETIME).timestamp())
        head = secrets.token_bytes(_NONCE_BYTES) + end.to_bytes(_END_BYTES)
        return head + self._mac(head, purpose)

    def end(self, challenge: bytes, purpose: str, now: datetime) -> datetime | None:
        """When the challenge ends; None if it is not ours, is for another purpose, or has ended."""
        head, mac = challenge[:-_MAC_BYTES], challenge[-_MAC_BYTES:]
        if len(head) != _NONCE_BYTES + _END_BYTES or not hmac.compare_digest(mac, self._mac(head, purpose)):
            return None
        end = datetime.fromtimestamp(int.from_bytes(head[_NONCE_BYTES:]), UTC)
        return end if now < end else None

    def _mac(self, head: bytes, purpose: str) -> bytes:
        return hmac.digest(self._key, head + purpose.encode(), hashlib.sha256)
