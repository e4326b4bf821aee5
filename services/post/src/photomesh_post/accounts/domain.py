"""Accounts as authors, and who may see what they show. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from photomesh_shared.events import ACTIVE, EVERYBODY

__all__ = ["OWN", "STRANGER", "Author", "Relation", "Standing"]


@dataclass(frozen=True)
class Author:
    """What posts and comments show of an account. `private` as well while the account is still unknown here."""

    id: int
    username: str | None = None
    display_name: str | None = None
    avatar_url: str | None = None
    private: bool = True
    status: str = ACTIVE
    mentionable_by: str = EVERYBODY

    @property
    def hidden(self) -> bool:
        """Whether the account does not exist for anybody else: it is deactivated, or leaves."""
        return self.status != ACTIVE


@dataclass(frozen=True)
class Relation:
    """What an account does to another one, at a version of the pair."""

    account_id: int
    other_id: int
    version: int
    follows: bool
    blocks: bool


@dataclass(frozen=True)
class Standing:
    """A viewer's relation to an account. `blocked`: either of the two has blocked the other; `blocked_by`: the account
    has blocked the viewer."""

    own: bool = False
    follows: bool = False
    blocked: bool = False
    blocked_by: bool = False

    def sees(self, author: Author) -> bool:
        """The rule of hidden and private accounts and of blocks: who sees what an account publishes."""
        return self.own or (not author.hidden and not self.blocked and (self.follows or not author.private))


OWN, STRANGER = Standing(own=True), Standing()
