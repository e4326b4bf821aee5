"""What a new password must not be, beyond what its text alone tells (`domain.check_new_password`)."""

from __future__ import annotations

from collections.abc import Container

from photomesh_identity.credentials.domain import resemblance
from photomesh_shared.errors import FieldError, InvalidRequest

__all__ = ["PasswordRules"]


class PasswordRules:
    def __init__(self, breached: Container[str] = frozenset()) -> None:
        """`breached`: the operator's list of passwords that are known from breaches."""
        self._breached = breached

    def check(self, password: str, username: str, email: str, *, field: str = "password") -> None:
        """Raises InvalidRequest if the password is too similar to its owner's public data, or known from a breach."""
        fault = resemblance(password, username, email)
        if not fault and password in self._breached:
            fault = "is known from a data breach: choose one that you use nowhere else"
        if fault:
            raise InvalidRequest(errors=[FieldError(f"/{field}", fault)])
