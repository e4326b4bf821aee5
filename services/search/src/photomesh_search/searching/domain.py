"""Queries, and what they find. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

import regex

from photomesh_search.texts.domain import fold, searched

__all__ = [
    "HAS",
    "MAX_WORDS",
    "FoundPlace",
    "FoundTag",
    "Hit",
    "Near",
    "PostQuery",
    "post_query",
    "prefixes",
]

MAX_WORDS = 16
"""Words of a query that are looked for; further ones are ignored."""
HAS = ("alt", "hashtags", "place", "several")

_OPERATOR = regex.compile(r"(from|before|after|has):(\S++)", regex.IGNORECASE)
_TAG = regex.compile(r"[#＃]([\p{L}\p{M}\p{N}_\p{Extended_Pictographic}]++)")


@dataclass(frozen=True)
class Hit:
    """A document, and its place in the order: the next page begins after it."""

    id: int
    position: tuple[str | int, ...]


@dataclass(frozen=True)
class FoundTag:
    tag: str
    accounts: int
    """How many have used it, roughly."""


@dataclass(frozen=True)
class FoundPlace:
    name: str
    latitude: float | None
    longitude: float | None
    accounts: int


@dataclass(frozen=True)
class Near:
    """Where the viewer is, no closer than a hundred metres."""

    latitude: float
    longitude: float
    kilometres: int

    @classmethod
    def rounded(cls, latitude: float, longitude: float, kilometres: int) -> Near:
        return cls(round(latitude, 3), round(longitude, 3), kilometres)


@dataclass(frozen=True)
class PostQuery:
    """All of it must hold. Each word is a list: several must be neighbours."""

    words: Sequence[Sequence[str]] = ()
    tags: Sequence[str] = ()
    author: str | None = None
    before: datetime | None = None
    after: datetime | None = None
    has: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_empty(self) -> bool:
        return not (self.words or self.tags or self.has) and not (self.author or self.before or self.after)


def prefixes(text: str) -> list[str]:
    """Return what each of the words of an account or a place must begin with."""
    return [word for words in searched(text) for word in words][:MAX_WORDS]


def post_query(text: str) -> PostQuery:
    """Parse what a person typed. What is no operator is a word, so nothing is refused: there are no wildcards, no
    nesting and no quotes."""
    author: str | None = None
    before: datetime | None = None
    after: datetime | None = None
    has: set[str] = set()
    rest: list[str] = []
    for part in text.split():
        operator = _OPERATOR.fullmatch(part)
        name, value = (operator[1].lower(), operator[2]) if operator else ("", "")
        day = _day(value) if name in ("before", "after") else None
        if name == "from":
            author = fold(value.lstrip("@"))
        elif name == "has" and value.lower() in HAS:
            has.add(value.lower())
        elif name == "before" and day:
            before = day
        elif name == "after" and day:
            after = day
        else:
            rest.append(part)
    words = " ".join(rest)
    tags = list(dict.fromkeys(fold(tag) for tag in _TAG.findall(words)))[:MAX_WORDS]
    return PostQuery(
        words=searched(_TAG.sub(" ", words))[:MAX_WORDS],
        tags=tags,
        author=author,
        before=before,
        after=after,
        has=frozenset(has),
    )


def _day(value: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(value), time(), UTC)
    except ValueError:
        return None
