"""VAPID (RFC 8292): by which a push service knows who sends, and whom to write to when something is wrong."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timedelta

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey
from yarl import URL

from photomesh_notification.push.encryption import public_bytes
from photomesh_shared.clock import Clock

__all__ = ["VapidSigner", "private_key_from", "public_key_text"]

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_LIFETIME = timedelta(hours=12)
"""RFC 8292 allows 24 hours, and clocks differ."""
_RENEWED = timedelta(hours=1)
_MAX_CACHED = 1_000


def private_key_from(secret: str) -> ec.EllipticCurvePrivateKey:
    """The key that follows from a secret, the same in every process. Devices subscribe to it: with another secret all
    subscriptions would be void."""
    digest = hashlib.sha512(b"photomesh vapid\0" + secret.encode()).digest()
    return ec.derive_private_key(int.from_bytes(digest, "big") % (_ORDER - 1) + 1, ec.SECP256R1())


def public_key_text(key: ec.EllipticCurvePrivateKey) -> str:
    """For `applicationServerKey` of `PushManager.subscribe`."""
    return base64.urlsafe_b64encode(public_bytes(key.public_key())).rstrip(b"=").decode()


class VapidSigner:
    """Signs a token for each origin, and keeps it for eleven hours."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, subject: str, clock: Clock) -> None:
        """`subject`: where to reach us, as mailto: or https:."""
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._key = ECKey.import_key(pem)
        self._public = public_key_text(key)
        self._subject = subject
        self._clock = clock
        self._tokens: dict[str, tuple[str, datetime]] = {}

    def authorization(self, endpoint: str) -> str:
        """The Authorization header of a push to this endpoint."""
        origin = str(URL(endpoint, encoded=True).origin())
        token, expires_at = self._tokens.get(origin, ("", None))
        now = self._clock.now()
        if expires_at is None or expires_at - now < _RENEWED:
            expires_at = now + _LIFETIME
            token = self._sign(origin, expires_at)
            if len(self._tokens) >= _MAX_CACHED:
                self._tokens.clear()
            self._tokens[origin] = (token, expires_at)
        return f"vapid t={token},k={self._public}"

    def _sign(self, origin: str, expires_at: datetime) -> str:
        claims = {"aud": origin, "exp": int(expires_at.timestamp()), "sub": self._subject}
        return jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, self._key)
