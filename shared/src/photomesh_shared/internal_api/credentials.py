"""Tokens of calls between services.

A caller signs a JWT (HS256) with a key that only it and the called service have. It names the caller (`iss`), the
service (`aud`) and its end (`exp`), so that a stolen one is of use for minutes, and at that service only. Both sides
keep a token as long as it is valid: a call costs a look-up.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from photomesh_shared.clock import Clock
from photomesh_shared.errors import ExpiredToken, InvalidToken, MissingToken
from photomesh_shared.settings import ReplaceableSecret

__all__ = ["CallSigner", "CallVerifier"]

_ALGORITHM = "HS256"
_LIFETIME_SECONDS = 300
_CLOCK_SKEW_SECONDS = 30
_MAX_CACHED_TOKENS = 10_000


class CallSigner:
    """Signs the calls of one program to one service."""

    def __init__(self, caller: str, service: str, key: ReplaceableSecret, clock: Clock) -> None:
        self._caller = caller
        self._service = service
        self._key = OctKey.import_key(key.accepted[0])
        self._clock = clock
        self._token = ""
        self._renew_at = 0.0

    def authorization(self) -> str:
        """Return the value of the `Authorization` header. The token is renewed after half of its lifetime."""
        now = self._clock.now().timestamp()
        if now >= self._renew_at:
            claims: dict[str, Any] = {"iss": self._caller, "aud": self._service, "exp": int(now) + _LIFETIME_SECONDS}
            self._token = jwt.encode({"alg": _ALGORITHM}, claims, self._key)
            self._renew_at = now + _LIFETIME_SECONDS / 2
        return f"Bearer {self._token}"


class CallVerifier:
    """Tells a service which program calls it."""

    def __init__(self, service: str, keys: Mapping[str, ReplaceableSecret], clock: Clock) -> None:
        """`keys`: by the name of the caller."""
        self._keys = [(caller, OctKey.import_key(secret)) for caller, key in keys.items() for secret in key.accepted]
        self._clock = clock
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(clock.now().timestamp()),
            leeway=_CLOCK_SKEW_SECONDS,
            iss={"essential": True, "values": list(keys)},
            aud={"essential": True, "value": service},
            exp={"essential": True},
        )
        self._verified: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def caller(self, authorization: str | None) -> str:
        """Return the name of the calling program. Raises MissingToken, InvalidToken or ExpiredToken."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise MissingToken
        caller, expires_at = self._verified.get(token) or self._verify(token)
        if self._clock.now().timestamp() >= expires_at + _CLOCK_SKEW_SECONDS:
            self._verified.pop(token, None)
            raise ExpiredToken
        return caller

    def _verify(self, token: str) -> tuple[str, float]:
        for caller, key in self._keys:
            try:
                claims = jwt.decode(token, key, algorithms=[_ALGORITHM]).claims
                self._claims.validate(claims)
            except JoseError as error:
                if error.error == "expired_token":
                    raise ExpiredToken from error
                continue
            except (ValueError, TypeError, AttributeError):  # what is no token
                break
            if claims["iss"] == caller:
                self._verified[token] = caller, float(claims["exp"])
                if len(self._verified) > _MAX_CACHED_TOKENS:
                    self._verified.popitem(last=False)
                return self._verified[token]
        raise InvalidToken
