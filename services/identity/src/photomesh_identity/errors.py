"""What can go wrong here, beyond `photomesh_shared.errors`.

Unauthorized 401   ── WrongCredentials, InvalidRefreshToken, SessionEnded, RefreshTokenReused
NotFound 404       ── AccountNotFound, which is shared
Conflict 409       ── UsernameTaken, EmailTaken, AvatarPhotoNotReady
Unprocessable 422  ── AvatarPhotoNotFound
Unavailable 503    ── PasswordsBusy, PhotosUnavailable, RelationsUnavailable
"""

from __future__ import annotations

from typing import Any

from photomesh_shared.errors import AccountNotFound, Conflict, FieldError, Unauthorized, Unavailable, Unprocessable

__all__ = [
    "AccountNotFound",
    "AvatarPhotoNotFound",
    "AvatarPhotoNotReady",
    "EmailTaken",
    "InvalidRefreshToken",
    "PasswordsBusy",
    "PhotosUnavailable",
    "RefreshTokenReused",
    "RelationsUnavailable",
    "SessionEnded",
    "UsernameTaken",
    "WrongCredentials",
]


class WrongCredentials(Unauthorized):
    """No account has this login and this password. Which of the two is wrong is not told, so that nobody can find
    out who has an account here."""

    code, title = "wrong-credentials", "The login or the password is wrong"


class InvalidRefreshToken(Unauthorized):
    """The refresh token is not one of ours, or so old that it has been forgotten. Log in again."""

    code, title = "invalid-refresh-token", "The refresh token is not valid"


class SessionEnded(Unauthorized):
    """The session of this refresh token is over: it was logged out, not used for a long time, or reached its end.
    Log in again."""

    code, title = "session-ended", "The session has ended"


class RefreshTokenReused(Unauthorized):
    """The refresh token had been exchanged before, so somebody else may have a copy of it, and the whole session is
    ended. Log in again, and keep only the newest refresh token."""

    code, title = "refresh-token-reused", "The refresh token had been used before"


class UsernameTaken(Conflict):
    """Another account has this username; upper and lower case make no difference. Choose another."""

    code, title = "username-taken", "The username is taken"

    def __init__(self, detail: str | None = None, **rest: Any) -> None:
        super().__init__(detail, errors=[FieldError("/username", "is taken")], **rest)


class EmailTaken(Conflict):
    """An account has this e-mail address already. Log in to it, or register with another address."""

    code, title = "email-taken", "The e-mail address has an account"

    def __init__(self, detail: str | None = None, **rest: Any) -> None:
        super().__init__(detail, errors=[FieldError("/email", "has an account already")], **rest)


class AvatarPhotoNotReady(Conflict):
    """The photo is not ready, and only a ready one can become an avatar. Wait until `GET /v1/photos/{id}` says
    `ready`, or choose another if it was rejected."""

    code, title = "avatar-photo-not-ready", "The photo is not ready"


class AvatarPhotoNotFound(Unprocessable):
    """You have no photo with this id. Only a photo of your own can become your avatar."""

    code, title = "avatar-photo-not-found", "You have no such photo"

    def __init__(self, detail: str | None = None, **rest: Any) -> None:
        super().__init__(detail, errors=[FieldError("/avatar_photo_id", "is no photo of yours")], **rest)


class PasswordsBusy(Unavailable):
    """So many people log in or register at this moment that yours would wait too long. Try again in a few seconds."""

    code, title = "passwords-busy", "Too many log-ins at the moment"


class PhotosUnavailable(Unavailable):
    """The photo could not be looked up or copied at the moment. Your profile is unchanged; try again."""

    code, title = "photos-unavailable", "Photos cannot be looked up at the moment"


class RelationsUnavailable(Unavailable):
    """Nobody can say at the moment how you stand to this account, and so whether you may see it. Try again."""

    code, title = "relations-unavailable", "Relations cannot be looked up at the moment"
