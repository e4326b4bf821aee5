"""Cassandra's roles: who logs in, and what each may do with its service's keyspace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from cassandra import RequestValidationException
from cassandra.cluster import Session
from pydantic import Field, SecretStr

from photomesh_shared.errors import DatabaseUnavailable
from photomesh_shared.settings import CassandraSettings
from photomesh_shared.stores.cassandra import connect, create_keyspace

__all__ = ["CassandraRolesSettings", "apply_roles"]

_DEFAULT = "cassandra"
"""The superuser of a new cluster, and its password."""
_STATEMENT_SECONDS = 60.0  # a new node on a busy machine; statements on roles are repeatable
_SETUP_SECONDS = 60.0
_RETRY_SECONDS = 1.0


class CassandraRolesSettings(CassandraSettings):
    """The client is a superuser, which is made on a new cluster."""

    cassandra_passwords: dict[str, SecretStr] = Field(description="The password of each role, as JSON.")
    cassandra_grants: dict[str, list[str]] = Field(description="What each role may do with its keyspace, as JSON.")
    cassandra_keyspaces: dict[str, str] = Field(description="The keyspace of each role, as JSON.")


async def apply_roles(settings: CassandraRolesSettings) -> list[str]:
    """Make the keyspaces and the roles, with these passwords and rights. Returns the roles; idempotent.

    Rights that were granted earlier stay. Raises DatabaseUnavailable.
    """
    return await asyncio.to_thread(_apply, settings)


def _apply(settings: CassandraRolesSettings) -> list[str]:
    _ensure_superuser(settings)
    cluster, session = connect(settings, None)
    try:
        if settings.cassandra_user != _DEFAULT:
            session.execute(
                f"ALTER ROLE IF EXISTS {_DEFAULT} WITH SUPERUSER = false AND LOGIN = false", timeout=_STATEMENT_SECONDS
            )
        for keyspace in sorted(set(settings.cassandra_keyspaces.values())):
            create_keyspace(session, settings.model_copy(update={"cassandra_keyspace": keyspace}))
        for role, password in settings.cassandra_passwords.items():
            _set_role(session, _as(settings, role, password))
            _grant(session, role, settings.cassandra_keyspaces[role], settings.cassandra_grants[role])
    finally:
        cluster.shutdown()
    return [f"{role}: {', '.join(rights)}" for role, rights in settings.cassandra_grants.items()]


def _ensure_superuser(settings: CassandraSettings) -> None:
    """Make the superuser by means of the default one, on a new cluster.

    A new cluster makes the default one some seconds after it begins to answer.
    """
    deadline = time.monotonic() + _SETUP_SECONDS
    while not _logs_in(settings):
        if not _make_superuser(settings):
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(f"Cassandra lets neither {settings.cassandra_user} in nor {_DEFAULT}")
            time.sleep(_RETRY_SECONDS)


def _make_superuser(wanted: CassandraSettings) -> bool:
    try:
        cluster, session = connect(_as(wanted, _DEFAULT, SecretStr(_DEFAULT)), None)
    except DatabaseUnavailable:
        return False
    try:
        _set_role(session, wanted, superuser=True)
    finally:
        cluster.shutdown()
    return True


def _as(settings: CassandraSettings, role: str, password: SecretStr) -> CassandraSettings:
    return settings.model_copy(update={"cassandra_user": role, "cassandra_password": password})


def _logs_in(settings: CassandraSettings) -> bool:
    try:
        cluster, _ = connect(settings, None)
    except DatabaseUnavailable:
        return False
    cluster.shutdown()
    return True


def _set_role(session: Session, wanted: CassandraSettings, *, superuser: bool = False) -> None:
    """Create the role, or give it its password.

    On a busy machine a log-in may fail although the password is right, and Cassandra refuses to change a password again
    within five seconds.
    """
    role, password = wanted.cassandra_user, _quoted(wanted.cassandra_password.get_secret_value())
    options = f"PASSWORD = '{password}' AND LOGIN = true AND SUPERUSER = {str(superuser).lower()}"
    session.execute(f'CREATE ROLE IF NOT EXISTS "{role}" WITH {options}', timeout=_STATEMENT_SECONDS)
    deadline = time.monotonic() + _SETUP_SECONDS
    while not _logs_in(wanted):
        try:
            session.execute(f'ALTER ROLE "{role}" WITH {options}', timeout=_STATEMENT_SECONDS)
        except RequestValidationException:
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _grant(session: Session, role: str, keyspace: str, rights: Sequence[str]) -> None:
    for right in rights:
        session.execute(f'GRANT {right} ON KEYSPACE {keyspace} TO "{role}"', timeout=_STATEMENT_SECONDS)
