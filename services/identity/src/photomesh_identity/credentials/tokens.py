"""Tokens that are mailed, and hashes of what must not be stored as it is."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

__all__ = ["KeyedHash", "new_mail_token", "token_hash"]


def new_mail_token() -> str:
    """256 random bits, as they stand in a link."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is stored of a token. A fast hash is enough: 256 random bits cannot be guessed."""
    return hashlib.sha256(token.encode()).digest()


class KeyedHash:
    """Hashes of text that could be guessed (addresses, names): without the key they tell nothing. While the key is
    replaced there are two; the first is used, and both are looked for."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [secret.encode() for secret in secrets]

    def current(self, purpose: str, text: str) -> bytes:
        """The hash to store. Hashes for different purposes have nothing in common."""
        return self.all(purpose, text)[0]

    def all(self, purpose: str, text: str) -> list[bytes]:
        """The hashes under which the text may have been stored."""
        return [hmac.digest(key, f"{purpose}\0{text}".encode(), hashlib.sha256) for key in self._keys]
