"""Problems of identity, beyond those of `photomesh_shared.errors`. Those of a confirmation are in
`photomesh_shared.internal_api.confirmation`, since other services ask for one as well.

Unauthorized 401   ── InvalidRefreshToken, InvalidTicket, PasskeyRefused, RefreshTokenReused, SecondFactorRequired,
                      SessionEnded, WrongCredentials
NotFound 404       ── AccountNotFound (shared), ErasureNotFound, PasskeyNotFound, SessionNotFound, TokenNotFound
Forbidden 403      ── CodeRequired, PrivateUntil16, WrongCode, WrongPassword
Conflict 409       ── UsernameTaken, EmailTaken, AgeKnown, AvatarPhotoNotReady, OwnRoles, PasskeyRegistered,
                      TooManyPasskeys, TooManyTokens, TotpEnabled, TotpNotEnabled
Gone 410           ── LinkNotValid
Unprocessable 422  ── AvatarPhotoForStory, AvatarPhotoNotFound, TooYoung
TooManyRequests 429 ── TooManyAttempts, TooManyRefreshes, TooManyTries
Unavailable 503    ── HidingPending, PasswordsBusy, PhotosUnavailable, PrivacyPending, RelationsUnavailable
"""

from __future__ import annotations

from typing import Any

from photomesh_shared.errors import (
    AccountNotFound,
    Conflict,
    FieldError,
    Forbidden,
    Gone,
    NotFound,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Unprocessable,
)
from photomesh_shared.internal_api.confirmation import (
    CodeRequired,
    SessionEnded,
    TooManyAttempts,
    TooManyTries,
    WrongCode,
    WrongPassword,
)

__all__ = [
    "CREDENTIALS_REFUSED",
    "AccountNotFound",
    "AgeKnown",
    "AvatarPhotoForStory",
    "AvatarPhotoNotFound",
    "AvatarPhotoNotReady",
    "CodeRequired",
    "EmailTaken",
    "ErasureNotFound",
    "HidingPending",
    "InvalidRefreshToken",
    "InvalidTicket",
    "LinkNotValid",
    "OwnRoles",
    "PasskeyNotFound",
    "PasskeyRefused",
    "PasskeyRegistered",
    "PasswordsBusy",
    "PhotosUnavailable",
    "PrivacyPending",
    "PrivateUntil16",
    "RefreshTokenReused",
    "RelationsUnavailable",
    "SecondFactorRequired",
    "SessionEnded",
    "SessionNotFound",
    "TokenNotFound",
    "TooManyAttempts",
    "TooManyPasskeys",
    "TooManyRefreshes",
    "TooManyTokens",
    "TooManyTries",
    "TooYoung",
    "TotpEnabled",
    "TotpNotEnabled",
    "UsernameTaken",
    "WrongCode",
    "WrongCredentials",
    "WrongPassword",
]


class WrongCredentials(Unauthorized):
    """No account has this login and this password. The response does not reveal which of the two is wrong, so that
    accounts cannot be enumerated."""

    code, title = "wrong-credentials", "The login or the password is wrong"


class InvalidRefreshToken(Unauthorized):
    """The refresh token was not issued here, or its session was deleted long ago. Log in again."""

    code, title = "invalid-refresh-token", "The refresh token is not valid"


class RefreshTokenReused(Unauthorized):
    """The refresh token was used before. It may have been stolen, so its session has been ended. Log in again, and
    keep only the newest refresh token."""

    code, title = "refresh-token-reused", "The refresh token was used before"


class SecondFactorRequired(Unauthorized):
    """The password is right, and the account has a second factor. Send `ticket`, good for `expires_in` seconds, and a
    code to `POST /v1/sessions/second-factor`; `methods` lists what it takes. Or log in with a passkey."""

    code, title = "second-factor-required", "A second factor is needed"


class InvalidTicket(Unauthorized):
    """The ticket has expired, or was used. Begin the log-in again (`POST /v1/sessions`)."""

    code, title = "invalid-ticket", "The ticket is not valid"


class PasskeyRefused(Unauthorized):
    """The passkey is unknown, its signature does not prove anything, its user was not verified, or the challenge has
    expired or was used. Ask for new options, and try again."""

    code, title = "passkey-refused", "The passkey was refused"


CREDENTIALS_REFUSED = (WrongCredentials, PasskeyRefused, WrongCode)
"""A password, a code or a passkey is wrong. Such attempts count against limits of their own."""


class PasskeyNotFound(NotFound):
    """You have no passkey with this id. `GET /v1/me/passkeys` lists yours."""

    code, title = "passkey-not-found", "You have no such passkey"


class PasskeyRegistered(Conflict):
    """This passkey is registered already, with your account or with another one."""

    code, title = "passkey-registered", "The passkey is registered already"


class TooManyPasskeys(Conflict):
    """Your account has as many passkeys as it may. Remove one that you do not need."""

    code, title = "too-many-passkeys", "You have too many passkeys"


class TokenNotFound(NotFound):
    """You have no personal access token with this id. `GET /v1/me/tokens` lists yours."""

    code, title = "token-not-found", "You have no such token"


class OwnRoles(Conflict):
    """Another administrator must change your roles."""

    code, title = "own-roles", "You cannot change your own roles"


class TooManyTokens(Conflict):
    """Your account has as many personal access tokens as it may. Revoke one that you do not need."""

    code, title = "too-many-tokens", "You have too many tokens"


class TotpEnabled(Conflict):
    """Your account has an authenticator app. Remove it (`POST /v1/me/totp/remove`) to set up another one."""

    code, title = "totp-enabled", "There is an authenticator app already"


class TotpNotEnabled(Conflict):
    """Your account has no authenticator app, or none whose set-up has begun. Begin with `POST /v1/me/totp`."""

    code, title = "totp-not-enabled", "There is no authenticator app"


class SessionNotFound(NotFound):
    """You have no session with this id, or it has ended. `GET /v1/me/sessions` lists yours."""

    code, title = "session-not-found", "You have no such session"


class UsernameTaken(Conflict):
    """Another account has this username (case-insensitive). Choose another."""

    code, title = "username-taken", "The username is taken"

    def __init__(self, detail: str | None = None, **rest: Any) -> None:
        super().__init__(detail, errors=[FieldError("/username", "is taken")], **rest)


class EmailTaken(Conflict):
    """Another account has proved that this e-mail address is its own. Log in to that one, or give this account another
    address."""

    code, title = "email-taken", "Another account has this e-mail address"


class LinkNotValid(Gone):
    """The token of the mail was used before, is too old, or was replaced by that of a later mail. Ask for a new
    mail."""

    code, title = "link-not-valid", "The link is no longer valid"


class AgeKnown(Conflict):
    """A birth date was stated before, and is not asked for again; minors may state it again after a year."""

    code, title = "age-known", "Your age is known"


class TooYoung(Unprocessable):
    """Accounts are for people of 13 years and more."""

    code, title = "too-young", "You are too young for an account"

    def __init__(self, detail: str | None = None, **rest: Any) -> None:
        super().__init__(detail, errors=[FieldError("/birth_date", "is less than 13 years ago")], **rest)


class PrivateUntil16(Forbidden):
    """The accounts of people under 16 are private: only followers whom they approve see their posts."""

    code, title = "private-until-sixteen", "Your account is private until you are 16"


class AvatarPhotoNotReady(Conflict):
    """Only a photo with the status `ready` can become an avatar. Wait until `GET /v1/photos/{id}` shows it, or choose
    another photo if this one was rejected."""

    code, title = "avatar-photo-not-ready", "The photo is not ready"


class AvatarPhotoForStory(Unprocessable):
    """The photo was uploaded for a story, and is private. Upload it again with the purpose `post`."""

    code, title = "avatar-photo-for-story", "The photo was uploaded for a story"

    def __init__(self, detail: str | None = None, **rest: Any) -> None:
        super().__init__(detail, errors=[FieldError("/avatar_photo_id", "was uploaded for a story")], **rest)


class AvatarPhotoNotFound(Unprocessable):
    """You have no photo with this id. Only your own photo can become your avatar."""

    code, title = "avatar-photo-not-found", "You have no such photo"

    def __init__(self, detail: str | None = None, **rest: Any) -> None:
        super().__init__(detail, errors=[FieldError("/avatar_photo_id", "is not the id of a photo of yours")], **rest)


class TooManyRefreshes(TooManyRequests):
    """This session refreshes its tokens all the time. An access token is good for minutes: use it until it expires, and
    wait `Retry-After` seconds."""

    code, title = "too-many-refreshes", "The session refreshes its tokens too often"


class PasswordsBusy(Unavailable):
    """Too many log-ins and registrations are in progress. Try again in a few seconds."""

    code, title = "passwords-busy", "Too many log-ins at the moment"


class PhotosUnavailable(Unavailable):
    """The photo could not be read or copied. Your profile is unchanged; try again."""

    code, title = "photos-unavailable", "Photos are unavailable at the moment"


class PrivacyPending(Unavailable):
    """Your account is stored as private, but not everywhere yet: for a moment, others may still see its posts, and
    follow it without a request. Repeat the update until it succeeds."""

    code, title = "privacy-pending", "The account is not private everywhere yet"


class RelationsUnavailable(Unavailable):
    """Your relationship to this account, and so whether you may see it, could not be determined. Try again."""

    code, title = "relations-unavailable", "Relationships are unavailable at the moment"


class ErasureNotFound(NotFound):
    """There is no erasure with this id and this token: the account came back, it was erased more than a year ago, or
    a later request to leave got another token."""

    code, title = "erasure-not-found", "There is no such erasure"


class HidingPending(Unavailable):
    """Your account is stored as deactivated or leaving, but not everywhere yet: for a moment, others may still see it.
    Repeat the request until it succeeds."""

    code, title = "hiding-pending", "The account is not hidden everywhere yet"
