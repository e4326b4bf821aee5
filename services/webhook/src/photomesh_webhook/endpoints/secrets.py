"""Secrets of endpoints: their form, and how they are stored.

As Standard Webhooks has it: `whsec_` and 32 random bytes in base64.
"""

from __future__ import annotations

import base64
import os

from photomesh_shared import ids
from photomesh_shared.at_rest import AtRestCipher

__all__ = ["SecretBox", "new_secret"]

_PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> bytes:
    return os.urandom(_BYTES)


class SecretBox:
    """Seals secrets, each bound to its endpoint: in another row it is useless."""

    def __init__(self, *secrets: str) -> None:
        """The first of `secrets` encrypts; all decrypt."""
        self._cipher = AtRestCipher("photomesh webhook secrets", *secrets)

    def seal(self, endpoint_id: int, secret: bytes) -> bytes:
        return self._cipher.encrypt(ids.encode("wh", endpoint_id), secret)

    def open(self, endpoint_id: int, sealed: bytes) -> bytes:
        """Raises ValueError if it was sealed with another key, or for another endpoint."""
        return self._cipher.decrypt(ids.encode("wh", endpoint_id), sealed)

    @staticmethod
    def text(secret: bytes) -> str:
        """Return the form in which it is shown, once."""
        return _PREFIX + base64.b64encode(secret).decode()
