"""How a handler tells the runner what kind of failure it met.

    Invalid          this record can never be handled: dead-letter topic, at once
    DependencyDown   something that the handler needs does not answer: try again until it does, using up no attempts
    anything else    tried again a few times, then the dead-letter topic; `Transient` says that this is expected

DependencyDown is `errors.Unavailable`, which every adapter raises when its server does not answer, so that the same
code serves a request (which becomes a 503) and a record (which waits).
"""

from photomesh_shared.errors import Unavailable

__all__ = ["DependencyDown", "Invalid", "PublishFailed", "Transient"]

DependencyDown = Unavailable


class Invalid(Exception):
    """The record makes no sense, and will not the next time."""


class Transient(Exception):
    """It did not work this time."""


class PublishFailed(Unavailable):
    """The event log does not answer at the moment, so nothing could be written. Try again in a few seconds; repeating
    is safe with the same `Idempotency-Key`."""

    code, title = "event-log-unavailable", "The event log is not available"
