"""Categories of personal data: why each is kept, and on which legal basis.

Every field of an event says which category it has, or that it is not personal, by an annotation of its type:
`bio: Annotated[str, PROFILE]`. Ids (`ids.UserId` …) bring theirs along. Columns and Redis keys say it in the
`personal.toml` of their deployable. `make schemas` writes all of it to `docs/personal-data.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "ACTIVITY",
    "CATEGORIES",
    "CONTACT",
    "CONTENT",
    "CREDENTIAL",
    "DEVICE",
    "IDENTIFIER",
    "NOT_PERSONAL",
    "PREFERENCE",
    "PROFILE",
    "RELATION",
    "Personal",
]

_CONTRACT = "contract (GDPR Art. 6(1)(b))"
_INTERESTS = "legitimate interests (GDPR Art. 6(1)(f))"


@dataclass(frozen=True)
class Personal:
    """A category of personal data."""

    category: str
    means: str
    purpose: str
    basis: str

    @property
    def is_personal(self) -> bool:
        return self is not NOT_PERSONAL


NOT_PERSONAL = Personal("none", "says nothing about a person beyond the ids beside it", "", "")
IDENTIFIER = Personal(
    "identifier",
    "ids of accounts and of what they made: pseudonyms",
    "to know whose something is",
    _CONTRACT,
)
CONTACT = Personal("contact", "e-mail addresses", "to log in, and to write to the person about the account", _CONTRACT)
PROFILE = Personal("profile", "usernames, names, biographies, profile photos", "to show who somebody is", _CONTRACT)
PREFERENCE = Personal("preference", "settings of an account", "to do what the person has chosen", _CONTRACT)
CONTENT = Personal(
    "content",
    "photos, captions, comments, places, names of files and collections",
    "to show people what others have published",
    _CONTRACT,
)
RELATION = Personal(
    "relation",
    "follows, requests, blocks, mutes, mentions",
    "to decide who sees what",
    _CONTRACT,
)
ACTIVITY = Personal(
    "activity",
    "what somebody did and when: likes, saves, views, times of actions, amounts",
    "to show, count and order what happens",
    _CONTRACT,
)
DEVICE = Personal(
    "device",
    "network addresses, browsers, cameras",
    "to protect accounts and the platform, and to show how a photo was taken",
    _INTERESTS,
)
CREDENTIAL = Personal(
    "credential",
    "hashes of passwords and tokens, keys, recovery codes",
    "to recognise the person again",
    _CONTRACT,
)

CATEGORIES: Mapping[str, Personal] = {
    category.category: category
    for category in (
        IDENTIFIER,
        CONTACT,
        PROFILE,
        PREFERENCE,
        CONTENT,
        RELATION,
        ACTIVITY,
        DEVICE,
        CREDENTIAL,
        NOT_PERSONAL,
    )
}
