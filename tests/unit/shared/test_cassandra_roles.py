"""Passwords of Cassandra's roles, when Cassandra is too busy to let somebody in."""

from __future__ import annotations

from typing import Any

import pytest
from cassandra import InvalidRequest
from pydantic import SecretStr

from photomesh_shared.errors import DatabaseUnavailable
from photomesh_shared.settings import CassandraSettings
from photomesh_shared.stores import cassandra_roles
from photomesh_shared.stores.cassandra_roles import CassandraRolesSettings, apply_roles


class _Cassandra:
    """Refuses the first log-ins of `post`, and the first changes of a password."""

    def __init__(self, *, refused_logins: int, refused_changes: int) -> None:
        self._refused_logins = refused_logins
        self._refused_changes = refused_changes
        self.statements: list[str] = []

    def connect(self, settings: CassandraSettings, _keyspace: str | None) -> tuple[Any, Any]:
        if settings.cassandra_user == "post" and self._refused_logins:
            self._refused_logins -= 1
            raise DatabaseUnavailable("no answer in time")
        return self, self

    def execute(self, statement: str, **_options: object) -> list[object]:
        if statement.startswith('ALTER ROLE "post"') and self._refused_changes:
            self._refused_changes -= 1
            raise InvalidRequest("Password for role 'post' can only be changed every 5000ms")
        self.statements.append(statement)
        return []

    def shutdown(self) -> None:
        pass


@pytest.mark.parametrize(
    ("refused_logins", "changes"),
    [(0, 0), (1, 0), (3, 1)],
    ids=["the password is right", "the log-in was slow", "the password is another"],
)
async def test_a_password_that_may_not_be_changed_yet_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, refused_logins: int, changes: int
) -> None:
    cassandra = _Cassandra(refused_logins=refused_logins, refused_changes=2 if changes else 1)
    monkeypatch.setattr(cassandra_roles, "connect", cassandra.connect)
    monkeypatch.setattr(cassandra_roles, "create_keyspace", lambda *_: None)
    monkeypatch.setattr(cassandra_roles, "_RETRY_SECONDS", 0)
    settings = CassandraRolesSettings(
        cassandra_user="admin",
        cassandra_password=SecretStr("secret"),
        cassandra_passwords={"post": SecretStr("another secret")},
        cassandra_grants={"post": ["SELECT"]},
        cassandra_keyspaces={"post": "photomesh_post"},
    )
    assert await apply_roles(settings) == ["post: SELECT"]
    assert sum(one.startswith('ALTER ROLE "post"') for one in cassandra.statements) == changes
    assert cassandra.statements[-1].startswith("GRANT SELECT")
