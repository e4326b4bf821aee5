"""What feed keeps of readers, authors, posts and accounts, for its comparison with what the topics say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

__all__ = ["HeldAccount", "HeldPost", "HeldReader", "HeldStates", "HeldTimeline", "Holdings"]


@dataclass(frozen=True)
class HeldStates:
    """What an account likes or saved. A post without an entry has none if it is younger than `since_ms`."""

    since_ms: int
    """In the milliseconds of ids."""
    active: Mapping[int, bool]
    """By post: whether it is liked, or saved."""
    comments: Mapping[int, bool] = field(default_factory=dict)
    """By comment that the account wrote: whether it is there."""


@dataclass(frozen=True)
class HeldReader:
    """A reader whose feed is complete."""

    posts: Sequence[int]
    """In the order of the list, as Redis has it."""
    is_whole: bool
    """The list goes down to the very first post; otherwise it is complete down to its last one."""
    following: Set[int]
    muted: Set[int]
    likes: HeldStates | None
    saves: HeldStates | None


@dataclass(frozen=True)
class HeldTimeline:
    posts: Sequence[int]
    is_whole: bool
    """The author has no older posts; otherwise it has no gaps down to its last one."""


@dataclass(frozen=True)
class HeldPost:
    deleted: bool
    version: int
    """0: there is no snapshot."""
    static: bytes | None
    author_id: int | None
    likes: int
    comments: int


@dataclass(frozen=True)
class HeldAccount:
    erased: bool
    fields: Mapping[str, str]
    """Names and flags, as far as they are known."""


@dataclass
class Holdings:
    """A part of what Redis holds."""

    readers: dict[int, HeldReader] = field(default_factory=dict)
    timelines: dict[int, HeldTimeline] = field(default_factory=dict)
    posts: dict[int, HeldPost] = field(default_factory=dict)
    accounts: dict[int, HeldAccount] = field(default_factory=dict)
    pulled: Set[int] = frozenset()
    """Authors whose posts are merged when a feed is read, so that lists need not have them."""
