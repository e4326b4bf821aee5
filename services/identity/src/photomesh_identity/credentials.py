"""Rules for usernames, e-mail addresses and passwords. Pure: each gives the value to keep, or raises ValueError with a
sentence for the person who chose it."""

from __future__ import annotations

import re
import unicodedata
from importlib.resources import files

from email_validator import EmailNotValidError, validate_email

__all__ = [
    "EMAIL_MAX",
    "PASSWORD_MAX",
    "PASSWORD_MIN",
    "USERNAME_MAX",
    "USERNAME_MIN",
    "email_address",
    "email_key",
    "new_password",
    "normal_password",
    "reveals",
    "username",
]

USERNAME_MIN, USERNAME_MAX = 3, 30
PASSWORD_MIN, PASSWORD_MAX = 10, 128
EMAIL_MAX = 254
_TELLING = 3  # an e-mail's local part shorter than this says nothing about its owner

_USERNAME = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*")


def _lines(name: str) -> frozenset[str]:
    return frozenset(files(__package__).joinpath(name).read_text().split())


_RESERVED = _lines("reserved_usernames.txt")
_COMMON = _lines("common_passwords.txt")  # those of zxcvbn's list (MIT licence) that would be long enough, and a few


def username(text: str) -> str:
    """The username in lower case: 3–30 letters, digits, dots and underscores, no dot at an end or beside another."""
    name = text.lower()
    if not USERNAME_MIN <= len(name) <= USERNAME_MAX:
        raise ValueError(f"must have {USERNAME_MIN} to {USERNAME_MAX} characters")
    if not re.fullmatch(r"[a-z0-9._]+", name):
        raise ValueError("may have only the letters a–z, digits, dots and underscores")
    if not _USERNAME.fullmatch(name):
        raise ValueError("must not begin or end with a dot, nor have two dots in a row")
    if name in _RESERVED:
        raise ValueError("is reserved")
    return name


def email_address(text: str) -> str:
    """The address in its normal form; no mail server is asked."""
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise ValueError(f"is no e-mail address: {error}") from error


def email_key(address: str) -> str:
    """What makes an address unique. Upper and lower case are told apart by no mail server that people use."""
    return address.lower()


def normal_password(text: str) -> str:
    """The form that is hashed: the same password may be typed in several Unicode forms (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", text)


def new_password(text: str) -> str:
    """The password, if it is one that we take: long enough, and not among those that everybody tries first."""
    password = normal_password(text)
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise ValueError(f"must have {PASSWORD_MIN} to {PASSWORD_MAX} characters")
    if len(set(password)) < 4 or password.casefold() in _COMMON:
        raise ValueError("is too easy to guess")
    return password


def reveals(password: str, username: str, email: str) -> str | None:
    """Why a password is too near to what others know of its owner; None if it is not."""
    folded, local = password.casefold(), email_key(email).partition("@")[0]
    if username in folded:
        return "must not contain the username"
    if len(local) >= _TELLING and local in folded:
        return "must not contain the e-mail address"
    return None
