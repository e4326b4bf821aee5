"""Encryption of a push for one device, so that no push service can read it: RFC 8291, in one record of RFC 8188."""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

__all__ = ["AUTH_BYTES", "MAX_PLAINTEXT", "PADDED_TO", "PUBLIC_KEY_BYTES", "device_key", "encrypt", "public_bytes"]

PUBLIC_KEY_BYTES, AUTH_BYTES = 65, 16
MAX_PLAINTEXT = 3_000
"""A push service takes at least 4,096 bytes; some that pass pushes on in JSON take a quarter less."""
_RECORD_SIZE = 4_096
PADDED_TO = 1_024
"""Most pushes have the same size, whatever they say."""


def device_key(p256dh: bytes) -> ec.EllipticCurvePublicKey:
    """A device's key. Raises ValueError unless it is an uncompressed point of P-256."""
    if len(p256dh) != PUBLIC_KEY_BYTES or p256dh[0] != 4:
        raise ValueError("not an uncompressed point")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256dh)


def public_bytes(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encrypt(
    plaintext: bytes,
    p256dh: bytes,
    auth: bytes,
    *,
    sender: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
    padded_to: int = PADDED_TO,
) -> bytes:
    """Return the body of a push. `sender` and `salt` are new for each, except in tests.

    Raises ValueError for keys that are none.
    """
    if len(plaintext) > MAX_PLAINTEXT:
        raise ValueError(f"longer than {MAX_PLAINTEXT} bytes")
    if len(auth) != AUTH_BYTES:
        raise ValueError(f"the authentication secret does not have {AUTH_BYTES} bytes")
    receiver = device_key(p256dh)
    sender = sender or ec.generate_private_key(ec.SECP256R1())
    salt = salt or os.urandom(16)
    sender_public = public_bytes(sender.public_key())
    shared = sender.exchange(ec.ECDH(), receiver)
    key_material = _hkdf(auth, shared, b"WebPush: info\0" + p256dh + sender_public, 32)
    key = _hkdf(salt, key_material, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _hkdf(salt, key_material, b"Content-Encoding: nonce\0", 12)
    padding = bytes(max(padded_to - len(plaintext), 0))
    sealed = AESGCM(key).encrypt(nonce, plaintext + b"\x02" + padding, None)
    header = salt + _RECORD_SIZE.to_bytes(4, "big") + bytes([len(sender_public)]) + sender_public
    return header + sealed


def _hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 with SHA-256, for at most one block."""
    extracted = hmac.digest(salt, secret, hashlib.sha256)
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)[:length]
