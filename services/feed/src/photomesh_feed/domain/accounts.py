"""Accounts as feeds see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Account", "FollowerCount", "KnownRelation", "Relation"]


@dataclass(frozen=True)
class Account:
    """Public names of an account."""

    id: int
    username: str
    display_name: str
    avatar_url: str | None
    hidden: bool = False
    """Whether nobody else is shown its posts: it is deactivated, or leaves."""


class Relation(NamedTuple):
    """Whether an account follows and mutes another one, with the pair's `entityversion`. Both False: it ended."""

    other_id: int
    version: int
    follows: bool
    mutes: bool


class KnownRelation(NamedTuple):
    """What is kept of a relation. Versions of -1: nothing."""

    follow_version: int
    mute_version: int
    follows: bool
    mutes: bool

    def is_outdated(self, version: int, *, follows: bool, mutes: bool) -> bool:
        return (self.follows != follows and self.follow_version < version) or (
            self.mutes != mutes and self.mute_version < version
        )


class FollowerCount(NamedTuple):
    account_id: int
    followers: int
