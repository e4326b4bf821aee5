"""The form of personal access tokens: `pt_`, 43 random characters, and a checksum of seven.

The checksum lets the gateway refuse what is no token without asking anybody, and tools that look for leaked secrets
recognise one with certainty.
"""

from __future__ import annotations

import re
import secrets
import zlib

__all__ = ["PREFIX", "is_well_formed", "new_token"]

PREFIX = "pt_"
_BODY = re.compile(r"pt_[A-Za-z0-9_-]{43}[0-9a-z]{7}")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_CHECKSUM = 7  # digits of base 36 that 32 bits need


def new_token() -> str:
    """256 random bits."""
    body = PREFIX + secrets.token_urlsafe(32)
    return body + _checksum(body)


def is_well_formed(token: str) -> bool:
    return _BODY.fullmatch(token) is not None and token[-_CHECKSUM:] == _checksum(token[:-_CHECKSUM])


def _checksum(body: str) -> str:
    value, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM):
        value, digit = divmod(value, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
