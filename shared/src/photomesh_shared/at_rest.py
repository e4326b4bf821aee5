"""Encryption of secrets at rest (AES-256-GCM), each bound to the name of what it belongs to."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["AtRestCipher"]

_NONCE_BYTES = 12


class AtRestCipher:
    def __init__(self, purpose: str, *secrets: str) -> None:
        """The first of `secrets` encrypts; all decrypt. Each purpose has keys of its own."""
        prefix = purpose.encode() + b"\0"
        self._ciphers = [AESGCM(hashlib.sha256(prefix + secret.encode()).digest()) for secret in secrets]

    def encrypt(self, name: str, plain: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, plain, name.encode())

    def decrypt(self, name: str, sealed: bytes) -> bytes:
        """Raises ValueError if it was encrypted with another secret, or for another name."""
        return self._decrypt(name, sealed)[0]

    def reencrypt(self, name: str, sealed: bytes) -> bytes:
        """Returns it encrypted with the first secret; unchanged if it was already. Raises ValueError, see `decrypt`."""
        plain, position = self._decrypt(name, sealed)
        return self.encrypt(name, plain) if position else sealed

    def _decrypt(self, name: str, sealed: bytes) -> tuple[bytes, int]:
        """Returns the secret, and the position of the secret that it was encrypted with."""
        for position, cipher in enumerate(self._ciphers):
            with suppress(InvalidTag):
                return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode()), position
        raise ValueError(f"{name} was encrypted with another PHOTOMESH_KEY_ENCRYPTION_SECRET")
