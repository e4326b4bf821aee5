"""Rules for usernames, e-mail addresses and passwords.

Each rule returns the value to store, or raises ValueError with the end of a sentence that begins with the field's name.
"""

from __future__ import annotations

import re
import unicodedata
from importlib.resources import files

from email_validator import EmailNotValidError, validate_email

from photomesh_identity.credentials.breached import is_widely_known

__all__ = [
    "EMAIL_MAX",
    "PASSWORD_MAX",
    "PASSWORD_MIN",
    "USERNAME_MAX",
    "USERNAME_MIN",
    "check_new_password",
    "email_key",
    "normalize_email",
    "normalize_password",
    "normalize_username",
    "resemblance",
]

USERNAME_MIN, USERNAME_MAX = 3, 30
PASSWORD_MIN, PASSWORD_MAX = 10, 128
EMAIL_MAX = 254
_REVEALING = 3  # characters; a shorter local part of an e-mail address reveals nothing of a password

_USERNAME = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*")


def _lines(name: str) -> frozenset[str]:
    return frozenset(files(__package__).joinpath(name).read_text().split())


_RESERVED = _lines("reserved_usernames.txt")
_COMMON = _lines("common_passwords.txt")  # from zxcvbn's list (MIT licence): those that are long enough, and a few more


def normalize_username(text: str) -> str:
    """Returns the username in lower case: 3–30 letters, digits, dots and underscores; no leading, trailing or double
    dots."""
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


def normalize_email(text: str) -> str:
    """Returns the address in its normal form. Does not check whether its domain receives mail."""
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise ValueError(f"is not an e-mail address: {error}") from error


def email_key(address: str) -> str:
    """The unique key of an address: no mail server in common use distinguishes upper and lower case."""
    return address.lower()


def normalize_password(text: str) -> str:
    """Returns the form to hash: keyboards may type one password in several Unicode forms (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", text)


def check_new_password(text: str) -> str:
    """Returns the normalized password; refuses short, long, common and breached ones."""
    password = normalize_password(text)
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise ValueError(f"must have {PASSWORD_MIN} to {PASSWORD_MAX} characters")
    if len(set(password)) < 4 or password.casefold() in _COMMON:
        raise ValueError("is too easy to guess")
    if is_widely_known(password):
        raise ValueError("is known from a data breach: choose one that you use nowhere else")
    return password


def resemblance(password: str, username: str, email: str) -> str | None:
    """Returns why a password is too similar to its owner's public data; None if it is not."""
    folded, local = password.casefold(), email_key(email).partition("@")[0]
    if username in folded:
        return "must not contain the username"
    if len(local) >= _REVEALING and local in folded:
        return "must not contain the e-mail address"
    return None
