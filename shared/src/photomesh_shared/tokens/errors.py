"""Problems of personal access tokens."""

from __future__ import annotations

from photomesh_shared.errors import Forbidden

__all__ = ["InsufficientScope", "SessionRequired"]


class InsufficientScope(Forbidden):
    """Your personal access token may not do this: it lacks the scope that `required_scope` names. Make a token with
    that scope (`POST /v1/me/tokens`)."""

    code, title = "insufficient-scope", "The token lacks a scope"


class SessionRequired(Forbidden):
    """Personal access tokens may not do this. Log in, and send the access token of the session."""

    code, title = "session-required", "This needs a session"
