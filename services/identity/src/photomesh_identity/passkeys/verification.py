"""WebAuthn: options for browsers, and verification of what authenticators answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

__all__ = ["MalformedCredential", "NewCredential", "RelyingParty", "UsedCredential", "challenge_of", "credential_id_of"]

_MALFORMED = (WebAuthnException, ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError)
"""What the library raises for what an authenticator did not make: its own errors, and those of its parsers."""


class MalformedCredential(Exception):
    """The credential cannot be read, or does not prove anything."""


@dataclass(frozen=True)
class NewCredential:
    credential_id: bytes
    public_key: bytes
    sign_count: int
    backed_up: bool


@dataclass(frozen=True)
class UsedCredential:
    sign_count: int
    backed_up: bool


@dataclass(frozen=True)
class RelyingParty:
    """Who we are to authenticators: `id` is a domain, of which `origins` are pages."""

    id: str
    name: str
    origins: Sequence[str]

    def creation_options(
        self, challenge: bytes, *, user_id: int, username: str, display_name: str, known: Sequence[bytes]
    ) -> dict[str, Any]:
        """Options of `navigator.credentials.create`. The authenticator must verify its user, and keep the passkey so
        that it is found without a username. It refuses to make another if it holds one of `known`."""
        options = generate_registration_options(
            rp_id=self.id,
            rp_name=self.name,
            user_id=user_id.to_bytes(8),
            user_name=username,
            user_display_name=display_name,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                require_resident_key=True,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=credential_id) for credential_id in known],
        )
        return dict(json.loads(options_to_json(options)))

    def request_options(self, challenge: bytes) -> dict[str, Any]:
        """Options of `navigator.credentials.get`, for any passkey of ours."""
        options = generate_authentication_options(
            rp_id=self.id, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
        )
        return dict(json.loads(options_to_json(options)))

    def verify_registration(self, credential: dict[str, Any], challenge: bytes) -> NewCredential:
        """Raises MalformedCredential."""
        try:
            verified = verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=list(self.origins),
                require_user_verification=True,
            )
        except _MALFORMED as error:
            raise MalformedCredential(str(error)) from error
        return NewCredential(
            verified.credential_id,
            verified.credential_public_key,
            verified.sign_count,
            verified.credential_backed_up,
        )

    def verify_use(
        self, credential: dict[str, Any], challenge: bytes, *, public_key: bytes, sign_count: int
    ) -> UsedCredential:
        """Raises MalformedCredential, also if the authenticator's counter has not grown: then it is a copy."""
        try:
            verified = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=list(self.origins),
                credential_public_key=public_key,
                credential_current_sign_count=sign_count,
                require_user_verification=True,
            )
        except _MALFORMED as error:
            raise MalformedCredential(str(error)) from error
        return UsedCredential(verified.new_sign_count, verified.credential_backed_up)


def challenge_of(credential: dict[str, Any]) -> bytes:
    """The challenge that the authenticator signed; nothing is verified. Raises MalformedCredential."""
    try:
        client_data = base64url_to_bytes(credential["response"]["clientDataJSON"])
        return parse_client_data_json(client_data).challenge
    except _MALFORMED as error:
        raise MalformedCredential(str(error)) from error


def credential_id_of(credential: dict[str, Any]) -> bytes:
    """Raises MalformedCredential."""
    try:
        return base64url_to_bytes(credential["rawId"])
    except _MALFORMED as error:
        raise MalformedCredential(str(error)) from error
