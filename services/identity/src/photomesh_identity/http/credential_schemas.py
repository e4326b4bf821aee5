"""Request and response models of second factors and passkeys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from photomesh_identity.passkeys.domain import NAME_MAX, Passkey
from photomesh_shared.events import UtcTime
from photomesh_shared.http.schemas import RequestBody, examples
from photomesh_shared.ids import PasskeyId
from photomesh_shared.text import RAW_FACTOR, normalize_line

__all__ = [
    "CodeConfirmation",
    "CredentialName",
    "PasskeyCreate",
    "PasskeyCreationOptions",
    "PasskeyRequestOptions",
    "PasskeySessionCreate",
    "PasskeyUpdate",
    "PasskeyView",
    "Passkeys",
    "PasswordConfirmation",
    "RecoveryCodes",
    "SecondFactorSessionCreate",
    "SecondFactorsView",
    "TotpEnrolment",
]

_PASSKEY: dict[str, Any] = {
    "id": "pk_8aB3x9Q2",
    "name": "Phone",
    "backed_up": True,
    "created_at": "2026-11-21T10:00:00Z",
    "used_at": None,
}
_CODE_MAX = 40
_BASE64URL = r"^[A-Za-z0-9_-]*={0,2}$"


def _checked_name(text: str) -> str:
    name = normalize_line(text)
    if not 1 <= len(name) <= NAME_MAX:
        raise ValueError(f"must have 1 to {NAME_MAX} characters")
    return name


CredentialName = Annotated[
    str,
    StringConstraints(max_length=RAW_FACTOR * NAME_MAX),
    AfterValidator(_checked_name),
    Field(json_schema_extra={"minLength": 1, "maxLength": NAME_MAX}),
]
Code = Annotated[
    str,
    Field(
        max_length=_CODE_MAX,
        description="Six digits of the authenticator app, or a recovery code.",
        examples=["492039"],
    ),
]


def _base64url(limit: int) -> StringConstraints:
    return StringConstraints(max_length=limit, pattern=_BASE64URL)


CredentialId = Annotated[str, _base64url(1_400)]  # WebAuthn: 1,023 bytes at most


class PasswordConfirmation(RequestBody):
    """Proof that it is the owner who holds the session."""

    model_config = examples({"password": "correct horse battery", "code": "492039"})

    password: str = Field(max_length=1_000, json_schema_extra={"format": "password"})
    code: Code | None = Field(None, description="Needed if the account has a second factor.")


class CodeConfirmation(RequestBody):
    """A code of the app that is being set up."""

    model_config = examples({"code": "492039"})

    code: Code


class SecondFactorSessionCreate(RequestBody):
    """The second step of a log-in."""

    model_config = examples({"ticket": "lt_0x8mC2b1…", "code": "492039"})

    ticket: str = Field(max_length=200, description="Of the problem `second-factor-required`.")
    code: Code


class SecondFactorsView(BaseModel):
    """What protects an account besides its password."""

    model_config = examples({"totp": True, "recovery_codes_left": 9, "passkeys": 2})

    totp: bool = Field(description="Whether a log-in by password needs a code.")
    recovery_codes_left: int
    passkeys: int


class TotpEnrolment(BaseModel):
    """The secret of an authenticator app (RFC 6238). Nobody sees it again."""

    model_config = examples(
        {
            "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
            "uri": "otpauth://totp/Photomesh:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Photomesh",
        }
    )

    secret: str = Field(description="To type into the app.")
    uri: str = Field(description="To show as a QR code.")


class RecoveryCodes(BaseModel):
    """Each is good for one log-in. They are not shown again, and replace all earlier ones."""

    model_config = examples({"codes": ["k7pq-x2mn-8rtd-vw4e", "m3ab-7xyz-q9wr-tu5h"]})

    codes: list[str]


class _Response(BaseModel):
    """What is read of a browser's credential; the rest is ignored."""

    model_config = ConfigDict(extra="ignore")

    clientDataJSON: Annotated[str, _base64url(1_200)]  # noqa: N815 — names of WebAuthn


class _Attestation(_Response):
    attestationObject: Annotated[str, _base64url(4_000)]  # noqa: N815


class _Assertion(_Response):
    authenticatorData: Annotated[str, _base64url(400)]  # noqa: N815
    signature: Annotated[str, _base64url(700)]
    userHandle: Annotated[str, _base64url(100)] | None = None  # noqa: N815


class _Credential(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: CredentialId
    rawId: CredentialId  # noqa: N815
    type: Literal["public-key"]


class _NewCredential(_Credential):
    response: _Attestation


class _UsedCredential(_Credential):
    response: _Assertion


class PasskeyCreate(RequestBody):
    """A passkey that the browser made from the options."""

    model_config = examples(
        {
            "name": "Phone",
            "credential": {
                "id": "AbC",
                "rawId": "AbC",
                "type": "public-key",
                "response": {"clientDataJSON": "eyJ0", "attestationObject": "o2Nm"},
            },
        }
    )

    name: CredentialName
    credential: _NewCredential = Field(description="`PublicKeyCredential.toJSON()`; unknown members are ignored.")


class PasskeySessionCreate(RequestBody):
    """What the browser answers to the options."""

    model_config = examples(
        {
            "credential": {
                "id": "AbC",
                "rawId": "AbC",
                "type": "public-key",
                "response": {
                    "clientDataJSON": "eyJ0",
                    "authenticatorData": "SZYN",
                    "signature": "MEUC",
                    "userHandle": "AAAA",
                },
            }
        }
    )

    credential: _UsedCredential = Field(description="`PublicKeyCredential.toJSON()`; unknown members are ignored.")


class PasskeyUpdate(RequestBody):
    """A new name."""

    model_config = examples({"name": "Old phone"})

    name: CredentialName


class PasskeyCreationOptions(BaseModel):
    """For `PublicKeyCredential.parseCreationOptionsFromJSON()` and `navigator.credentials.create()`."""

    model_config = examples({"public_key": {"challenge": "b0Jx…", "rp": {"id": "example.com", "name": "Photomesh"}}})

    public_key: dict[str, Any]


class PasskeyRequestOptions(BaseModel):
    """For `PublicKeyCredential.parseRequestOptionsFromJSON()` and `navigator.credentials.get()`."""

    model_config = examples({"public_key": {"challenge": "b0Jx…", "rpId": "example.com", "timeout": 60000}})

    public_key: dict[str, Any]


class PasskeyView(BaseModel):
    """A passkey, as its owner sees it."""

    model_config = examples(_PASSKEY)

    id: PasskeyId
    name: str
    backed_up: bool = Field(description="Whether it is synchronised to other devices, as its authenticator says.")
    created_at: UtcTime
    used_at: UtcTime | None = Field(description="Null if it was never used.")

    @classmethod
    def of(cls, passkey: Passkey) -> PasskeyView:
        return cls(
            id=passkey.id,
            name=passkey.name,
            backed_up=passkey.backed_up,
            created_at=passkey.created_at,
            used_at=passkey.used_at,
        )


class Passkeys(BaseModel):
    """All passkeys of an account."""

    model_config = examples({"items": [_PASSKEY]})

    items: list[PasskeyView]

    @classmethod
    def of(cls, passkeys: Sequence[Passkey]) -> Passkeys:
        return cls(items=[PasskeyView.of(passkey) for passkey in passkeys])
