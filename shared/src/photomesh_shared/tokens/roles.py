"""Roles of staff. An access token names those of its account; docs/decisions/0027-staff-roles.md."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

__all__ = ["Role", "has_role"]


class Role(StrEnum):
    MODERATOR = "moderator"
    SUPPORT = "support"
    ADMINISTRATOR = "administrator"


def has_role(roles: Collection[str], needed: str) -> bool:
    """Administrators may do what any role may."""
    return needed in roles or Role.ADMINISTRATOR in roles
