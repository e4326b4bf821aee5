"""Signed, opaque cursors.

A cursor holds the sort key of the last item on a page, so that pages never repeat or skip items when others are added
or deleted. Its signature covers the list (`kind`), so it is invalid for any other list.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from photomesh_shared.errors import InvalidCursor

__all__ = ["CursorCodec"]

_SIGNATURE_BYTES = 12


class CursorCodec:
    def __init__(self, *secrets: str) -> None:
        """The first of `secrets` signs; signatures of all are accepted."""
        self._secrets = [secret.encode() for secret in secrets]

    def encode(self, kind: str, values: list[int | str]) -> str:
        """Return an opaque cursor for the list `kind`, such as ``posts-by-author:u_1``."""
        payload = json.dumps(values, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(_sign(self._secrets[0], kind, payload) + payload).decode().rstrip("=")

    def decode(self, kind: str, cursor: str) -> list[Any]:
        """Return the encoded values. Raises InvalidCursor for anything that `encode` did not produce for this list."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidCursor from error
        signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not any(hmac.compare_digest(signature, _sign(secret, kind, payload)) for secret in self._secrets):
            raise InvalidCursor
        values: list[Any] = json.loads(payload)
        return values


def _sign(secret: bytes, kind: str, payload: bytes) -> bytes:
    return hmac.digest(secret, kind.encode() + b"\0" + payload, hashlib.sha256)[:_SIGNATURE_BYTES]
