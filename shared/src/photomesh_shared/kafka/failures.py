"""How a handler tells the runner which kind of failure it met.

    Invalid             this record can never be handled: dead-letter topic, at once
    errors.Unavailable  something that the handler needs does not answer: tried again until it does, without limit
    anything else       tried again a few times, then the dead-letter topic; `Transient` says that this is expected

Every adapter raises `Unavailable` when its server does not answer, so that the same code serves a request (which
becomes a 503) and a record (which waits).
"""

from __future__ import annotations

__all__ = ["Invalid", "Transient"]


class Invalid(Exception):
    """The record makes no sense, and will not the next time."""


class Transient(Exception):
    """It did not work this time."""
