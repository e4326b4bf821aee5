"""Kafka's users: passwords (SCRAM-SHA-512), rights (ACLs) and quotas, for clusters on which no operator makes them.

Where Strimzi runs, it makes the users of `deploy/k8s/data-plane/kafka-users.yaml`, which are the same.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from aiokafka.errors import KafkaError, for_code
from pydantic import BaseModel, ConfigDict

from photomesh_shared.errors import Unavailable
from photomesh_shared.kafka.admin.client import open_admin
from photomesh_shared.kafka.admin.requests import AlterPasswords, AlterQuotas, CreateAcls, DeleteAcls, DescribeAcls
from photomesh_shared.settings import KafkaSettings

__all__ = ["Right", "User", "apply_users"]

_SCRAM_SHA_512 = 2
_ITERATIONS = 4096  # Kafka's least: passwords are random, and every new connection costs as much
_RESOURCES = {"topic": 2, "group": 3, "cluster": 4}
_PATTERNS = {"literal": 3, "prefix": 4}
_OPERATIONS = {"All": 2, "Read": 3, "Write": 4, "Describe": 8}
_ALLOW = 3

_Acl = tuple[int, str, int, str, str, int, int]


class Right(BaseModel):
    """What a user may do with a resource. Read and Write include Describe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resource: Literal["topic", "group", "cluster"]
    name: str
    pattern: Literal["literal", "prefix"] = "literal"
    """Whether `name` is the name, or its beginning; the name `*` stands for all."""
    operations: tuple[Literal["All", "Read", "Write", "Describe"], ...]


class User(BaseModel):
    """A user, its rights, and what it may use of each broker, in bytes a second."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rights: tuple[Right, ...]
    produce_bytes_per_second: int
    consume_bytes_per_second: int


async def apply_users(settings: KafkaSettings, users: Mapping[str, User], passwords: Mapping[str, str]) -> list[str]:
    """Give users their passwords, rights and quotas, and take from them all other rights. Other users are left alone.

    Returns the changes of rights; idempotent. Raises Unavailable.
    """
    try:
        async with open_admin(settings) as admin:
            await _set_passwords(admin, {name: passwords[name] for name in users})
            done = await _set_rights(admin, users)
            await _set_quotas(admin, users)
            return done
    except (KafkaError, TimeoutError, OSError) as error:
        raise Unavailable(f"Kafka: {type(error).__name__}: {error}") from error


async def _set_passwords(admin: Any, passwords: Mapping[str, str]) -> None:
    upsertions = []
    for name, password in passwords.items():
        salt = os.urandom(32)
        salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
        upsertions.append((name, _SCRAM_SHA_512, _ITERATIONS, salt, salted))
    response = await admin._send_to_controller(AlterPasswords(upsertions))
    for result in response.results:
        _raise_for(result[1], result[0], result[2])


async def _set_rights(admin: Any, users: Mapping[str, User]) -> list[str]:
    wanted = {acl for name, user in users.items() for acl in _acls(name, user.rights)}
    principals = {f"User:{name}" for name in users}
    response = await admin._send_to_controller(DescribeAcls())
    _raise_for(response.error_code, "ACLs", response.error_message)
    present = {
        (kind, name, pattern, *acl)
        for kind, name, pattern, acls in response.resources
        for acl in acls
        if acl[0] in principals
    }
    if new := sorted(wanted - present):
        created = await admin._send_to_controller(CreateAcls(new))
        for acl, (code, message) in zip(new, created.creation_responses, strict=True):
            _raise_for(code, acl[3], message)
    if old := sorted(present - wanted):
        deleted = await admin._send_to_controller(DeleteAcls(old))
        for acl, (code, message, _) in zip(old, deleted.filter_responses, strict=True):
            _raise_for(code, acl[3], message)
    return [*(f"+ {_described(acl)}" for acl in new), *(f"- {_described(acl)}" for acl in old)]


async def _set_quotas(admin: Any, users: Mapping[str, User]) -> None:
    quotas = [
        (
            name,
            [
                ("producer_byte_rate", float(user.produce_bytes_per_second)),
                ("consumer_byte_rate", float(user.consume_bytes_per_second)),
            ],
        )
        for name, user in users.items()
    ]
    response = await admin._send_to_controller(AlterQuotas(quotas))
    for code, message, entity in response.entries:
        _raise_for(code, str(entity), message)


def _acls(user: str, rights: Iterable[Right]) -> Iterable[_Acl]:
    for right in rights:
        for operation in right.operations:
            resource, pattern = _RESOURCES[right.resource], _PATTERNS[right.pattern]
            yield (resource, right.name, pattern, f"User:{user}", "*", _OPERATIONS[operation], _ALLOW)


def _described(acl: _Acl) -> str:
    resource, name, _, principal, _, operation, _ = acl
    return f"{principal}: {_named(_OPERATIONS, operation)} {_named(_RESOURCES, resource)} {name}"


def _named(numbers: Mapping[str, int], number: int) -> str:
    return next((name for name, value in numbers.items() if value == number), str(number))


def _raise_for(code: int, what: str, message: str | None) -> None:
    if code:
        raise for_code(code)(f"{what}: {message}")
