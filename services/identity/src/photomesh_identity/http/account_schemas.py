"""Request and response models of what only an account's owner sees and changes: credentials, addresses, consents."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from photomesh_identity.addresses.domain import Emails
from photomesh_identity.consents.domain import Consent, Purpose
from photomesh_identity.credentials import domain as credentials
from photomesh_identity.http.schemas import BirthDay, Email, NewPassword, Username
from photomesh_shared.events import UtcTime
from photomesh_shared.http.schemas import RequestBody, examples

__all__ = [
    "AgeStatement",
    "ConsentDecision",
    "Consents",
    "EmailChange",
    "EmailProof",
    "EmailState",
    "LostPassword",
    "PasswordChange",
    "PasswordReset",
    "UsernameChange",
]

_TOKEN = "pV3xqZ0hVw3pJ7n0mFvQyq8m1c9sS2k4b6T5d8e7f9g"  # noqa: S105
_CONSENT: dict[str, Any] = {
    "purpose": "recommendations",
    "version": "2026-11",
    "given": True,
    "source": "settings",
    "decided_at": "2026-11-21T10:00:00Z",
}

CurrentPassword = Annotated[
    str, Field(max_length=1_000, description="Your current password.", json_schema_extra={"format": "password"})
]
Code = Annotated[str | None, Field(max_length=40, description="Of your second factor, if your account has one.")]
MailToken = Annotated[str, Field(max_length=200, description="From the link of the mail.")]


class PasswordChange(RequestBody):
    """A new password for an account whose password is known."""

    model_config = examples({"password": "correct horse battery", "new_password": "staple correct horse"})

    password: CurrentPassword
    code: Code = None
    new_password: NewPassword


class LostPassword(RequestBody):
    """Whose password is lost."""

    model_config = examples({"login": "ada@example.com"})

    login: str = Field(min_length=1, max_length=credentials.EMAIL_MAX, description="Username or e-mail address.")


class PasswordReset(RequestBody):
    """A new password by the token of a mail."""

    model_config = examples({"token": _TOKEN, "password": "staple correct horse"})

    token: MailToken
    password: NewPassword


class EmailChange(RequestBody):
    """Another e-mail address."""

    model_config = examples({"email": "ada@example.org", "password": "correct horse battery"})

    email: Email
    password: CurrentPassword
    code: Code = None


class EmailProof(RequestBody):
    """The proof that a mail has arrived."""

    model_config = examples({"token": _TOKEN})

    token: MailToken


class EmailState(BaseModel):
    """Your e-mail address."""

    model_config = examples({"email": "ada@example.com", "verified": True, "pending": "ada@example.org"})

    email: str
    verified: bool = Field(description="You have proved that it is yours.")
    pending: str | None = Field(description="Takes its place as soon as it is proved.")

    @classmethod
    def of(cls, emails: Emails) -> EmailState:
        return cls(email=emails.email, verified=emails.verified, pending=emails.pending)


class UsernameChange(RequestBody):
    """Another username."""

    model_config = examples({"username": "ada.lovelace"})

    username: Username


class AgeStatement(RequestBody):
    """When you were born. Only the range of your age is kept."""

    model_config = examples({"birth_date": "1990-12-10"})

    birth_date: BirthDay


class ConsentDecision(RequestBody):
    """What you agree to, or no longer."""

    model_config = examples({"purpose": "recommendations", "version": "2026-11", "given": True})

    purpose: Purpose
    version: str = Field(max_length=40, pattern=r"^[A-Za-z0-9._-]+$", description="Of the text that you were shown.")
    given: bool = Field(strict=True, description="False withdraws it.")


class ConsentItem(BaseModel):
    """The last decision on a purpose."""

    model_config = examples(_CONSENT)

    purpose: Purpose
    version: str
    given: bool
    source: str = Field(description="Where it was made: `registration` or `settings`.")
    decided_at: UtcTime


class Consents(BaseModel):
    """Your decisions that hold: the last one on each purpose."""

    model_config = examples({"items": [_CONSENT]})

    items: list[ConsentItem]

    @classmethod
    def of(cls, consents: list[Consent]) -> Consents:
        return cls(items=[ConsentItem(**vars(consent)) for consent in consents])
