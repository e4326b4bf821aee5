"""Problems of valid tokens that may not do something."""

from __future__ import annotations

from photomesh_shared.errors import Forbidden

__all__ = ["InsufficientScope", "RoleRequired", "SessionRequired"]


class InsufficientScope(Forbidden):
    """Your personal access token may not do this: it lacks the scope that `required_scope` names. Make a token with
    that scope (`POST /v1/me/tokens`)."""

    code, title = "insufficient-scope", "The token lacks a scope"


class SessionRequired(Forbidden):
    """Personal access tokens may not do this. Log in, and send the access token of the session."""

    code, title = "session-required", "This needs a session"


class RoleRequired(Forbidden):
    """This is for staff with the role that `required_role` names. If your account has it, log in with a second factor
    or a passkey: only such sessions carry roles."""

    code, title = "role-required", "This is for staff"
