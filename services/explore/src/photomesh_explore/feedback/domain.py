"""What people say about what they are shown, and what follows from it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

__all__ = [
    "HOME",
    "MAX_FEEDBACK",
    "Feedback",
    "Home",
    "HomeState",
    "Kind",
    "Rules",
    "feedback_id_of",
    "home_of",
    "rules_of",
]

MAX_FEEDBACK = 500
SNOOZE = timedelta(days=30)
_LESS, _MORE = 0.4, 1.6


class Kind(StrEnum):
    MORE = "more"
    LESS = "less"
    HIDE_AUTHOR = "hide_author"
    HIDE_TAG = "hide_tag"
    DISMISS_ACCOUNT = "dismiss_account"
    SNOOZE_HOME = "snooze_home"
    HIDE_HOME = "hide_home"


HOME = frozenset({Kind.SNOOZE_HOME, Kind.HIDE_HOME})
"""Of suggestions at home: one of these stands, or neither."""


@dataclass(frozen=True)
class Feedback:
    """`tags`: of `hide_tag`, the hashtag; else those of the post."""

    feedback_id: str
    kind: str
    version: int
    post_id: int | None = None
    author_id: int | None = None
    tags: tuple[str, ...] = ()

    @property
    def given_at(self) -> datetime:
        return datetime.fromtimestamp(self.version / 1_000_000, UTC)


class HomeState(StrEnum):
    """Whether the ranked home feed has suggested posts."""

    ON = "on"
    SNOOZED = "snoozed"
    OFF = "off"


@dataclass(frozen=True)
class Home:
    """`until`: when a snooze ends."""

    state: HomeState = HomeState.ON
    until: datetime | None = None


@dataclass(frozen=True)
class Rules:
    """What all of an account's feedback asks for. `revision` differs when anything was said or taken back."""

    revision: int = 0
    hidden_authors: frozenset[int] = frozenset()
    hidden_tags: frozenset[str] = frozenset()
    hidden_posts: frozenset[int] = frozenset()
    dismissed: frozenset[int] = frozenset()
    author_factors: dict[int, float] = field(default_factory=dict)
    tag_factors: dict[str, float] = field(default_factory=dict)

    def hides(self, post_id: int, author_id: int, tags: Collection[str]) -> bool:
        return post_id in self.hidden_posts or author_id in self.hidden_authors or not self.hidden_tags.isdisjoint(tags)

    def factor(self, author_id: int, tags: Sequence[str]) -> float:
        """Return how much more or less a post is wanted."""
        factor = self.author_factors.get(author_id, 1.0)
        about = [self.tag_factors[tag] for tag in tags if tag in self.tag_factors]
        return factor * (sum(about) / len(about) if about else 1.0)


def feedback_id_of(kind: Kind, *, post_id: int | None, author_id: int | None, tag: str | None) -> str:
    """Return the name of what feedback is about: one thing is said about it at a time."""
    about = {
        Kind.SNOOZE_HOME: "home",
        Kind.HIDE_HOME: "home",
        Kind.HIDE_AUTHOR: f"author:{author_id}",
        Kind.DISMISS_ACCOUNT: f"account:{author_id}",
        Kind.HIDE_TAG: f"tag:{tag}",
    }.get(kind, f"post:{post_id}")
    return blake2b(about.encode(), digest_size=8).hexdigest()


def home_of(given: Collection[Feedback], now: datetime) -> Home:
    for one in given:
        if one.kind == Kind.HIDE_HOME:
            return Home(HomeState.OFF)
        if one.kind == Kind.SNOOZE_HOME and now < one.given_at + SNOOZE:
            return Home(HomeState.SNOOZED, one.given_at + SNOOZE)
    return Home()


def rules_of(given: Collection[Feedback], revision: int) -> Rules:
    authors: dict[int, float] = {}
    tags: dict[str, float] = {}
    for one in given:
        if one.kind in (Kind.LESS, Kind.MORE):
            factor = _LESS if one.kind == Kind.LESS else _MORE
            if one.author_id is not None:
                authors[one.author_id] = _bounded(authors.get(one.author_id, 1.0) * factor)
            for tag in one.tags:
                tags[tag] = _bounded(tags.get(tag, 1.0) * factor)
    return Rules(
        revision=revision,
        hidden_authors=frozenset(one.author_id for one in given if one.kind == Kind.HIDE_AUTHOR and one.author_id),
        hidden_tags=frozenset(tag for one in given if one.kind == Kind.HIDE_TAG for tag in one.tags),
        hidden_posts=frozenset(
            one.post_id for one in given if one.post_id and one.kind in (Kind.LESS, Kind.HIDE_AUTHOR, Kind.HIDE_TAG)
        ),
        dismissed=frozenset(one.author_id for one in given if one.kind == Kind.DISMISS_ACCOUNT and one.author_id),
        author_factors=authors,
        tag_factors=tags,
    )


def _bounded(factor: float) -> float:
    return min(4.0, max(0.1, factor))
