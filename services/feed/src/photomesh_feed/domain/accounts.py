"""Accounts as feeds see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Account", "FollowerCount", "Relation"]


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


class FollowerCount(NamedTuple):
    account_id: int
    followers: int
