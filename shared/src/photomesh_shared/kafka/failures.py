"""The errors by which a handler tells the runner how to treat a failure.

    Invalid             the record can never be handled: dead-letter topic at once
    errors.Unavailable  a dependency is unreachable: retried without limit until it responds
    anything else       retried a few times, then dead-letter topic; `Transient` marks an expected failure

Every adapter raises `Unavailable` if its server is unreachable, so the same code serves requests (responded to with
503) and records (which wait).
"""

from __future__ import annotations

__all__ = ["Invalid", "Transient"]


class Invalid(Exception):
    """The record is invalid; retrying cannot help."""


class Transient(Exception):
    """A failure that a retry may fix."""
