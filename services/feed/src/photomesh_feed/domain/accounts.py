"""Accounts as feeds see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Account", "FollowerCount", "Follows", "VersionedAccount"]


@dataclass(frozen=True)
class Account:
    """Public names of an account."""

    id: int
    username: str
    display_name: str
    avatar_url: str | None


class VersionedAccount(NamedTuple):
    """The other account of a pair, with the pair's `entityversion`."""

    id: int
    version: int


@dataclass(frozen=True)
class Follows:
    """The accounts that an account follows and mutes."""

    following: Sequence[VersionedAccount]
    muted: Sequence[VersionedAccount]


class FollowerCount(NamedTuple):
    account_id: int
    followers: int
