"""Request and response models."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StringConstraints

from photomesh_identity.accounts import domain
from photomesh_identity.accounts.domain import Account
from photomesh_identity.credentials import domain as credentials
from photomesh_identity.profiles.queries import ProfileView
from photomesh_identity.sessions.service import Grant
from photomesh_shared.events import UtcTime
from photomesh_shared.http.schemas import RequestBody, UpdateBody, Url, examples
from photomesh_shared.ids import PhotoId, UserId
from photomesh_shared.text import RAW_FACTOR

__all__ = [
    "AccountCreate",
    "AccountSession",
    "Counts",
    "JsonWebKeySet",
    "Me",
    "Profile",
    "ProfileUpdate",
    "Relationship",
    "SessionCreate",
    "SessionRefresh",
    "TokenPair",
]

_ME: dict[str, Any] = {
    "id": "u_8aB3x9Q2",
    "username": "ada",
    "email": "ada@example.com",
    "email_verified": True,
    "age": "adult",
    "display_name": "Ada Lovelace",
    "bio": "Numbers, mostly.",
    "private": False,
    "searchable": True,
    "avatar_url": "http://127.0.0.1:18080/variants/avatars/u_8aB3x9Q2/kQ3v/150.jpg",
    "avatar_large_url": "http://127.0.0.1:18080/variants/avatars/u_8aB3x9Q2/kQ3v/320.jpg",
    "created_at": "2026-11-21T10:00:00Z",
}
_COUNTS: dict[str, Any] = {"posts": 42, "followers": 310, "following": 120}
_RELATIONSHIP: dict[str, Any] = {
    "user_id": "u_8aB3x9Q2",
    "following": True,
    "requested": False,
    "followed_by": False,
    "requested_by": False,
    "blocking": False,
    "muting": False,
}
_PAIR: dict[str, Any] = {
    "access_token": "eyJhbGciOiJFUzI1NiIsImtpZCI6…",
    "refresh_token": "rt_0x8mC2b1…",
    "token_type": "Bearer",
    "expires_in": 900,
}


def _raw(limit: int) -> StringConstraints:
    """Bounds a text before its rule, which is costly for a long one."""
    return StringConstraints(max_length=RAW_FACTOR * limit)


def _bounds(**schema: Any) -> Any:
    """Documents what the preceding rule checks, which has better error messages than the schema's."""
    return Field(json_schema_extra=schema)


def _check_date(value: object) -> object:
    """Refuses a number, which would be taken as seconds since 1970."""
    if not isinstance(value, str):
        raise ValueError("must be a date such as 1990-12-10")
    return value


Username = Annotated[
    str,
    _raw(credentials.USERNAME_MAX),
    AfterValidator(credentials.normalize_username),
    _bounds(
        minLength=credentials.USERNAME_MIN,
        maxLength=credentials.USERNAME_MAX,
        pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$",
        description="3–30 letters, digits, dots, underscores; kept in lower case. Unique.",
    ),
]
Email = Annotated[
    str,
    _raw(credentials.EMAIL_MAX),
    AfterValidator(credentials.normalize_email),
    _bounds(
        format="email",
        maxLength=credentials.EMAIL_MAX,
        description="Visible to its owner only. Belongs to the account that proves it by a mail.",
    ),
]
NewPassword = Annotated[
    str,
    _raw(credentials.PASSWORD_MAX),
    AfterValidator(credentials.check_new_password),
    _bounds(
        minLength=credentials.PASSWORD_MIN,
        maxLength=credentials.PASSWORD_MAX,
        format="password",
        description="Any characters. Must not be a common one, nor contain the username or the e-mail address.",
    ),
]
DisplayName = Annotated[
    str,
    _raw(domain.DISPLAY_NAME_MAX),
    AfterValidator(domain.normalize_display_name),
    _bounds(minLength=1, maxLength=domain.DISPLAY_NAME_MAX),
]
BirthDay = Annotated[date, BeforeValidator(_check_date), _bounds(maxLength=10)]
Bio = Annotated[str, _raw(domain.BIO_MAX), AfterValidator(domain.normalize_bio), _bounds(maxLength=domain.BIO_MAX)]


class AccountCreate(RequestBody):
    """A new account."""

    model_config = examples({"username": "ada", "email": "ada@example.com", "password": "correct horse battery"})

    username: Username
    email: Email
    password: NewPassword
    birth_date: BirthDay | None = Field(
        None, description="Only the range of the age is kept. Accounts of people under 18 are private from the start."
    )


class SessionCreate(RequestBody):
    """A log-in."""

    model_config = examples({"login": "ada", "password": "correct horse battery"})

    login: str = Field(max_length=credentials.EMAIL_MAX, description="Username or e-mail address.")
    password: str = Field(max_length=1_000, json_schema_extra={"format": "password"})


class SessionRefresh(RequestBody):
    """A refresh token to exchange for the next pair."""

    model_config = examples({"refresh_token": "rt_0x8mC2b1…"})

    refresh_token: str = Field(max_length=200)


class ProfileUpdate(UpdateBody):
    """Members that are left out stay unchanged."""

    model_config = examples(
        {"display_name": "Ada Lovelace", "bio": "Numbers, mostly.", "avatar_photo_id": "p_8aB3x9Q2"}
    )

    display_name: DisplayName = ""
    bio: Bio = ""
    private: bool = Field(default=False, strict=True, description="Whether following requires your approval.")
    searchable: bool = Field(
        default=True,
        strict=True,
        description="Whether searches find you and your posts, and explore shows these to strangers. Of people under 18"
        " they never do, whatever this says.",
    )
    avatar_photo_id: PhotoId | None = Field(
        None, description="One of your photos; it must be `ready`, and is copied. Null removes the avatar."
    )

    def edit(self) -> domain.ProfileEdit:
        given = self.model_dump(exclude_unset=True)
        removed = "avatar_photo_id" in given and given["avatar_photo_id"] is None
        return domain.ProfileEdit(**given, remove_avatar=removed)


class _Account(BaseModel):
    id: UserId
    username: str
    display_name: str
    bio: str
    private: bool
    avatar_url: Url | None = Field(description="150 pixels; null without an avatar.")
    avatar_large_url: Url | None = Field(description="320 pixels.")
    created_at: UtcTime


class Counts(BaseModel):
    """Counts of an account."""

    model_config = examples(_COUNTS)

    posts: int = Field(description="Published posts.")
    followers: int
    following: int


class Relationship(BaseModel):
    """Your relationship to an account."""

    model_config = examples(_RELATIONSHIP)

    user_id: UserId
    following: bool = Field(description="You follow it.")
    requested: bool = Field(description="Your follow request is pending.")
    followed_by: bool = Field(description="It follows you.")
    requested_by: bool = Field(description="Its follow request is pending.")
    blocking: bool = Field(description="You block it.")
    muting: bool = Field(description="You mute it.")


class Profile(_Account):
    """An account as others see it."""

    model_config = examples(
        {name: value for name, value in _ME.items() if name not in ("email", "email_verified", "age", "searchable")}
        | {"counts": _COUNTS, "relationship": _RELATIONSHIP}
    )

    counts: Counts | None = Field(description="Null while they are unavailable, which is rare.")
    relationship: Relationship | None = Field(description="Null for yourself, and without a token.")

    @classmethod
    def of(cls, view: ProfileView, cdn_url: str) -> Profile:
        return cls(
            **_public(view.account, cdn_url),
            counts=Counts(**vars(view.counts)) if view.counts else None,
            relationship=Relationship(**dict(view.relationship)) if view.relationship else None,
        )


class Me(_Account):
    """An account as its owner sees it."""

    model_config = examples(_ME)

    email: str
    email_verified: bool = Field(description="You have proved, by a mail, that the address is yours.")
    age: domain.Age | None = Field(description="The range of your age; null if you have not stated your birth date.")
    searchable: bool = Field(
        description="Whether searches find you and your posts, and explore shows these to strangers; never if you are"
        " under 18."
    )

    @classmethod
    def of(cls, account: Account, cdn_url: str) -> Me:
        return cls(
            **_public(account, cdn_url),
            email=account.email,
            email_verified=account.email_verified,
            age=account.age,
            searchable=account.searchable,
        )


def _public(account: Account, cdn_url: str) -> dict[str, Any]:
    return {
        "id": account.id,
        "username": account.username,
        "display_name": account.display_name,
        "bio": account.bio,
        "private": account.private,
        "avatar_url": domain.avatar_url(account, cdn_url),
        "avatar_large_url": domain.avatar_large_url(account, cdn_url),
        "created_at": account.created_at,
    }


class TokenPair(BaseModel):
    """An access token, and the refresh token for the next pair."""

    model_config = examples(_PAIR)

    access_token: str = Field(description="Send it as `Authorization: Bearer …`.")
    refresh_token: str = Field(description="Valid for one use at `POST /v1/sessions/refresh`, which returns the next.")
    token_type: str = "Bearer"  # noqa: S105
    expires_in: int = Field(description="Seconds until the access token expires.")

    @classmethod
    def of(cls, grant: Grant) -> TokenPair:
        return cls(access_token=grant.access_token, refresh_token=grant.refresh_token, expires_in=grant.expires_in)


class AccountSession(TokenPair):
    """The tokens of a new session, and its account."""

    model_config = examples({"user": _ME, **_PAIR})

    user: Me
    returned_from: str | None = Field(
        None,
        description="`deactivated` or `leaving`, if the account was that until this log-in: it is active again, and"
        " will not be deleted. More may be added.",
    )

    @classmethod
    def of_account(cls, account: Account, grant: Grant, cdn_url: str) -> AccountSession:
        pair = TokenPair.of(grant).model_dump()
        return cls(user=Me.of(account, cdn_url), **pair, returned_from=grant.returned_from)


class JsonWebKeySet(BaseModel):
    """The public keys that verify access tokens (RFC 7517)."""

    model_config = examples(
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "…", "y": "…", "kid": "b0Jx", "use": "sig", "alg": "ES256"}]}
    )

    keys: list[dict[str, str]]
