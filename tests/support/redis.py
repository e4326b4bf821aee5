"""Redis in tests: the same server for another user, or in another database."""

from __future__ import annotations

from urllib.parse import urlsplit

from photomesh_local.configuration.environment import redis_url
from photomesh_local.configuration.stack import Stack

__all__ = ["as_administrator", "database_of"]


def as_administrator(url: str) -> str:
    """The same database of the test stack's Redis, for somebody who may do everything: empty it, list its keys."""
    return redis_url(Stack("test"), None, database=int(urlsplit(url).path.strip("/")))


def database_of(url: str, number: int) -> str:
    """Another database, for the same user."""
    return f"{url.rpartition('/')[0]}/{number}"
